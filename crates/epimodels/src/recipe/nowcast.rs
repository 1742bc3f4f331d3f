use chrono::NaiveDate;

use super::config::NowcastConfig;
use super::panel::{Panel, Series};

impl NowcastConfig {
    /// ln of what a value has grown to, of what it was before; bounded.
    pub(crate) fn log_ratio(&self, now: f64, before: f64) -> f64 {
        let d = ((now.max(0.0) + self.add) / (before.max(0.0) + self.add)).ln();
        if d.is_nan() { 0.0 } else { d.clamp(-self.bound, self.bound) }
    }
}

/// The mean of `own`, drawn to `mean` as if that were `weight` further values.
pub(crate) fn shrunk(own: &[f64], mean: f64, weight: f64) -> f64 {
    (own.iter().sum::<f64>() + weight * mean) / (own.len() as f64 + weight)
}

/// For each series of the panel the factor by which its last known value is to be multiplied (1 for series that
/// are not forecast).
///
/// d = ln((value known now + add)/(first seen + add)), bounded, for each of the last origins; f = (Σd +
/// shrink·d̄)/(n + shrink), clipped, with d̄ the mean over all places of the group and origins.
pub(crate) fn factors(panel: &Panel, config: Option<&NowcastConfig>) -> Vec<f64> {
    let Some(config) = config else { return vec![1.0; panel.series.len()] };
    let ratios = |series: &Series| -> Vec<f64> {
        let reports = series.first_reports.iter().take(config.origins);
        reports
            .filter_map(|report| {
                let now = series.at(report.week)?;
                Some(config.log_ratio(now, report.value))
            })
            .collect()
    };
    let all: Vec<Vec<f64>> = panel.series.iter().map(ratios).collect();
    let mean = |group: &str| {
        let of_group = panel.series.iter().zip(&all).filter(|(s, _)| s.group == group && s.forecast);
        let (sum, n) = of_group.flat_map(|(_, d)| d).fold((0.0, 0.0), |(sum, n), d| (sum + d, n + 1.0));
        if n > 0.0 { sum / n } else { 0.0 }
    };
    let factor = |(series, d): (&Series, &Vec<f64>)| {
        if !series.forecast {
            return 1.0;
        }
        let f = shrunk(d, mean(&series.group), config.shrink);
        f.clamp(config.clip.0, config.clip.1).exp()
    };
    panel.series.iter().zip(&all).map(factor).collect()
}

/// The panel with the last known value of each series multiplied by its factor. Only a week that ends on
/// `newest` is touched: an older last value has had its time to be corrected.
pub(crate) fn apply(panel: &Panel, config: Option<&NowcastConfig>, newest: NaiveDate) -> Panel {
    let mut corrected = panel.clone();
    for (series, factor) in corrected.series.iter_mut().zip(factors(panel, config)) {
        if series.last_known() == Some(newest)
            && let Some(value) = series.values.iter_mut().rev().flatten().find(|v| v.is_finite())
        {
            *value *= factor;
        }
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::super::panel::FirstReport;
    use super::*;

    #[test]
    fn late_reports_lift_the_last_value_only() {
        let day = |d| NaiveDate::from_ymd_opt(2025, 1, d).unwrap();
        let config = NowcastConfig { origins: 8, shrink: 6.0, add: 2.0, bound: 1.0, clip: (-0.2, 0.5) };
        let mut series = Series::new("a", "g", day(4), vec![Some(110.0), Some(220.0), Some(100.0)]);
        series.forecast = true;
        series.first_reports =
            vec![FirstReport { week: day(11), value: 200.0 }, FirstReport { week: day(4), value: 100.0 }];
        let panel = Panel { series: vec![series] };
        let d = ((222.0_f64 / 202.0).ln(), (112.0_f64 / 102.0).ln());
        let wanted = 100.0 * ((d.0 + d.1 + 6.0 * (d.0 + d.1) / 2.0) / 8.0).exp();
        let found = apply(&panel, Some(&config), day(18));
        assert_eq!(found.series[0].values[1], Some(220.0));
        assert!((found.series[0].values[2].unwrap() - wanted).abs() < 1e-9);
        assert_eq!(apply(&panel, Some(&config), day(25)), panel);
    }
}
