//! Bands as wide as those of the last origins should have been.

use std::collections::BTreeMap;

use super::config::{Config, Recent};
use super::ensemble::Forecast;
use super::panel::{Panel, Series};
use crate::quantile::{MEDIAN, Quantiles, arrange};

/// The ends of the 50 % band among the 23 levels.
const HALF: (usize, usize) = (6, 16);

impl Recent {
    /// The factor of the bands, from forecasts of earlier origins and what `panel` knows of their weeks by now.
    pub(super) fn width<'a>(&self, said: impl Iterator<Item = &'a Forecast>, panel: &Panel) -> f64 {
        let series: BTreeMap<&str, &Series> = panel.series.iter().map(|s| (s.id.as_str(), s)).collect();
        let (mut held, mut known) = (0_u32, 0_u32);
        for forecast in said {
            let value = series.get(forecast.series.as_str()).and_then(|s| s.at(forecast.target_end_date));
            if let Some(value) = value.filter(|v| v.is_finite()) {
                known += 1;
                let (low, high) = (forecast.quantiles[HALF.0], forecast.quantiles[HALF.1]);
                held += u32::from((low..=high).contains(&value));
            }
        }
        if known == 0 || (known as usize) < self.fewest {
            return 1.0;
        }
        (self.gain * (0.5 - f64::from(held) / f64::from(known))).exp()
    }
}

/// Quantiles of a forecast with every distance from the median, on the fourth-root scale, times `width`; not below 0, nor above
/// what its group can be.
pub(super) fn widened(forecast: &Forecast, width: f64, panel: &Panel, config: &Config) -> Quantiles {
    let group = panel.series.iter().find(|s| s.id == forecast.series).map(|s| &s.group);
    let ceiling = config.groups.iter().find(|g| Some(&g.name) == group).and_then(|g| g.ceiling);
    let root = |value: f64| value.max(0.0).powf(0.25);
    let middle = root(forecast.quantiles[MEDIAN]);
    let mut quantiles = forecast.quantiles.map(|q| {
        let wider = middle + width * (root(q) - middle);
        wider.max(0.0).powi(4).min(ceiling.unwrap_or(f64::INFINITY))
    });
    quantiles[MEDIAN] = forecast.quantiles[MEDIAN];
    arrange(&mut quantiles, Some(0.0));
    quantiles
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::recipe::{Members, us};

    fn week() -> NaiveDate {
        NaiveDate::from_ymd_opt(2025, 1, 4).unwrap()
    }

    fn said(place: usize, horizon: i64) -> Forecast {
        Forecast {
            series: format!("nhsn/{place}"),
            horizon: 0,
            target_end_date: week() + chrono::Duration::weeks(horizon),
            quantiles: std::array::from_fn(|level| 10.0 * (level as f64 + 1.0)),
            members: Members::default(),
        }
    }

    /// Of each place the week above: the first `held` in the 50 % band of [`said`], the others beyond it.
    fn known(places: usize, held: usize) -> Panel {
        let value = |place| if place < held { 100.0 } else { 220.0 };
        let of = |place| Series::new(format!("nhsn/{place}"), "nhsn", week(), vec![Some(value(place))]);
        Panel { series: (0..places).map(of).collect() }
    }

    #[test]
    fn bands_that_held_too_often_become_narrower_and_too_seldom_wider() {
        let recent = Recent { origins: 2, gain: 0.5, fewest: 40 };
        let forecasts: Vec<Forecast> = (0..40).map(|place| said(place, 0)).collect();
        let width = |held| recent.width(forecasts.iter(), &known(40, held));
        assert_eq!(width(20).to_bits(), 1.0_f64.to_bits());
        assert!((width(30) - (-0.125_f64).exp()).abs() < 1e-15);
        assert!((width(0) - 0.25_f64.exp()).abs() < 1e-15);
    }

    #[test]
    fn weeks_that_are_not_known_count_for_nothing_and_few_say_nothing() {
        let recent = Recent { origins: 2, gain: 0.5, fewest: 40 };
        let later = (0..40).map(|place| said(place, 1)).collect::<Vec<_>>();
        let forecasts: Vec<Forecast> = (0..40).map(|place| said(place, 0)).chain(later).collect();
        assert!((recent.width(forecasts.iter(), &known(40, 40)) - (-0.25_f64).exp()).abs() < 1e-15);
        assert_eq!(recent.width(forecasts.iter(), &known(39, 39)).to_bits(), 1.0_f64.to_bits());
        assert_eq!(recent.width([].iter(), &known(40, 40)).to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn a_wider_band_keeps_its_median_and_stays_within_what_there_can_be() {
        let (mut config, forecast, panel) = (us(), said(0, 0), known(1, 1));
        let wider = widened(&forecast, 2.0, &panel, &config);
        assert_eq!(wider[MEDIAN].to_bits(), forecast.quantiles[MEDIAN].to_bits());
        assert!(wider[HALF.0] < forecast.quantiles[HALF.0] && wider[HALF.1] > forecast.quantiles[HALF.1]);
        let root = |q: f64| q.powf(0.25);
        let (before, after) = (root(230.0) - root(120.0), root(wider[22]) - root(120.0));
        assert!((after - 2.0 * before).abs() < 1e-12);
        assert!(wider[0] >= 0.0 && wider.is_sorted());
        config.groups[0].ceiling = Some(250.0);
        assert_eq!(widened(&forecast, 2.0, &panel, &config)[22].to_bits(), 250.0_f64.to_bits());
    }
}
