//! Reproduction numbers from weekly series, with a band that knows how scattered the series is.
//!
//! Cori et al. 2013 takes counts as Poisson. Published weekly figures are not: surveillance misses and bunches
//! cases, and a rate per 100,000 has no count at all. A series that is divided by its own dispersion φ (variance
//! over mean) has the scatter of a Poisson count of that size: R is estimated on y/φ, "effective counts". The mean
//! is nearly free of φ, since R is a ratio of incidences; the width of the band follows the data instead of the
//! arbitrary unit. φ of a week comes from the differences between each of the weeks up to it and the mean of their
//! neighbours (whose variance is 1.5 φμ under independence), over 16 weeks, because the scatter of a winter is not
//! that of a summer; a real bend counts as scatter, so the band is rather too wide. For counts φ is at least 1.

use super::Reason;
use super::weekly::unbroken;
use chrono::{Days, NaiveDate};
use epimodels::rt::{RtEstimate, SerialInterval, WeeklyConfig, estimate_weekly};
use epimodels::special::gamma_quantile;
use std::collections::BTreeMap;
use store::forecasts::Rt;

/// Windows that are kept.
const WEEKS: usize = 52;
/// Weeks that the scatter is measured on.
const SCATTER: usize = 16;
/// Weeks at the beginning whose R still knows nothing of the weeks before.
const BURN_IN: usize = 3;
/// Effective events in the last two weeks below which nothing is said.
const LEAST: f64 = 10.0;
/// A series smoother than this is smoothed by its publisher; the band must not follow it to nothing.
const MOST: f64 = 10_000.0;

/// For each week, variance over mean of the values up to it about the mean of their neighbours.
fn dispersions(values: &[f64], counts: bool) -> Vec<f64> {
    let scatter = |w: &[f64]| {
        let mean = (w[0] + w[1] + w[2]) / 3.0;
        (mean > 0.0).then(|| (w[1] - (w[0] + w[2]) / 2.0).powi(2) / mean / 1.5)
    };
    let each: Vec<Option<f64>> = values.windows(3).map(scatter).collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let least = if counts { 1.0 } else { (mean / MOST).max(f64::MIN_POSITIVE) };
    (0..values.len())
        .map(|week| {
            // A week's own difference needs the week after it: the last week takes those before.
            let end = week.max(SCATTER.min(each.len())).min(each.len());
            let known: Vec<f64> = each[end.saturating_sub(SCATTER)..end].iter().flatten().copied().collect();
            (known.iter().sum::<f64>() / known.len().max(1) as f64).max(least)
        })
        .collect()
}

/// R of each week of the last year, from weekly values (counts of persons, or rates).
///
/// # Errors
/// [`Reason::TooFew`].
pub(crate) fn weekly_rt(
    place: &str,
    weeks: &BTreeMap<NaiveDate, f64>,
    counts: bool,
    serial_interval: (f64, f64),
) -> Result<Vec<Rt>, Reason> {
    let (last, values) = unbroken(weeks).ok_or(Reason::NoData)?;
    if values.len() < BURN_IN + 3 {
        return Err(Reason::TooFew);
    }
    let values = &values[values.len().saturating_sub(WEEKS + BURN_IN)..];
    let scatter = dispersions(values, counts);
    let scale = scatter.last().copied().unwrap_or(1.0);
    let effective: Vec<f64> = values.iter().map(|v| v.max(0.0) / scale).collect();
    if effective.iter().rev().take(2).sum::<f64>() < LEAST {
        return Err(Reason::TooFew);
    }
    let (mean, sd) = serial_interval;
    let si = SerialInterval::shifted_gamma(mean, sd).map_err(|_| Reason::NoModel)?;
    let estimates = estimate_weekly(&effective, &si, &WeeklyConfig::default()).map_err(|_| Reason::TooFew)?;
    let kept = estimates.into_iter().filter(|e| e.end > BURN_IN);
    Ok(kept
        .map(|e| {
            let back = u64::try_from(values.len() - e.end).unwrap_or(0);
            let end = last - Days::new(7 * back);
            let own = scatter.get(e.end - 1).copied().unwrap_or(scale);
            posterior(place, end, &e, scale / own)
        })
        .collect())
}

/// The estimate of a week whose own dispersion is that of the whole estimate divided by `factor`: cases and the
/// force of infection in the gamma posterior grow by it, the prior stays.
fn posterior(place: &str, end: NaiveDate, e: &RtEstimate, factor: f64) -> Rt {
    let prior = WeeklyConfig::default();
    let shape = (prior.mean_prior / prior.sd_prior).powi(2);
    let rate = prior.mean_prior / prior.sd_prior.powi(2);
    let a = shape + (e.shape - shape).max(0.0) * factor;
    let b = 1.0 / (rate + (1.0 / e.scale - rate).max(0.0) * factor);
    let q = |level: f64| gamma_quantile(level, a, b);
    Rt {
        place_id: place.to_owned(),
        window_start: end - Days::new(6),
        window_end: end,
        mean: a * b,
        sd: a.sqrt() * b,
        q025: q(0.025),
        q25: q(0.25),
        q50: q(0.5),
        q75: q(0.75),
        q975: q(0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl Iterator<Item = f64>) -> BTreeMap<NaiveDate, f64> {
        let first: NaiveDate = "2024-01-06".parse().unwrap();
        values.enumerate().map(|(w, v)| (first + Days::new(7 * w as u64), v)).collect()
    }

    #[test]
    fn a_rate_gives_the_same_mean_in_any_unit() {
        let noise = [1.05, 0.97, 1.02, 0.94, 1.06];
        let of = |unit: f64| {
            let values = (0..40).map(|w| unit * 50.0 * (0.1 * f64::from(w)).exp() * noise[w as usize % 5]);
            weekly_rt("FR", &series(values), false, (2.6, 1.5)).unwrap()
        };
        let (one, hundred) = (of(1.0), of(100.0));
        for (a, b) in one.iter().zip(&hundred) {
            assert!((a.mean - b.mean).abs() < 1e-9 && (a.q975 - b.q975).abs() < 1e-9, "{a:?} {b:?}");
        }
        let last = one.last().unwrap();
        assert!(last.q025 > 0.9 && last.q975 < 1.3 && last.mean > 1.0, "{last:?}");
        assert_eq!((last.window_end - last.window_start).num_days(), 6);
    }

    #[test]
    fn scattered_counts_get_a_wider_band_than_poisson_ones() {
        let rt = |scatter: f64| {
            let values = (0..40).map(|w| 400.0 * (1.0 + if w % 2 == 0 { scatter } else { -scatter }));
            let found = weekly_rt("US", &series(values), true, (2.6, 1.5)).unwrap();
            found.last().map(|r| r.q975 - r.q025).unwrap()
        };
        assert!(rt(0.2) > 2.0 * rt(0.01));
    }

    #[test]
    fn few_events_and_few_weeks_give_no_number() {
        let few = series((0..40).map(|w| f64::from(w % 2)));
        assert_eq!(weekly_rt("US-WY", &few, true, (2.6, 1.5)), Err(Reason::TooFew));
        let short = series((0..5).map(|_| 100.0));
        assert_eq!(weekly_rt("US-WY", &short, true, (2.6, 1.5)), Err(Reason::TooFew));
        assert_eq!(weekly_rt("US-WY", &BTreeMap::new(), true, (2.6, 1.5)), Err(Reason::NoData));
    }
}
