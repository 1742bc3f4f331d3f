use super::{RtConfig, RtEstimate, SerialInterval, estimate};
use crate::Error;

/// How weekly counts are taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct WeeklyConfig {
    /// Rounds of the expectation–maximisation (10 in Nash et al.).
    pub rounds: usize,
    /// Mean of the gamma prior of R.
    pub mean_prior: f64,
    /// Standard deviation of the gamma prior of R.
    pub sd_prior: f64,
}

impl Default for WeeklyConfig {
    fn default() -> Self {
        Self { rounds: 10, mean_prior: 5.0, sd_prior: 5.0 }
    }
}

/// R of each week from the second on, from weekly counts (persons) and a **daily** serial interval. `start`
/// and `end` of the estimates are weeks, counted from 1, and equal.
///
/// Method: Nash, Bhatt, Cori, Nouvellet 2023, "Estimating the epidemic reproduction number from temporally
/// aggregated incidence data": weekly counts are first spread evenly over their days; then, for some rounds, R
/// of each week is estimated on the daily series, turned into a growth rate (Wallinga and Lipsitch 2007), and
/// each week is spread again along that exponential, keeping its sum.
///
/// Limits: a change within a week is not seen; the first week has no R and stays even; the band holds the
/// Poisson error of the counts only, not that of the days within a week, and is too narrow for counts more
/// scattered than Poisson or for rates that were scaled up to look like counts.
///
/// # Errors
/// [`Error::TooFew`] for fewer than three weeks, and those of [`estimate`].
pub fn estimate_weekly(
    weekly: &[f64],
    si: &SerialInterval,
    config: &WeeklyConfig,
) -> Result<Vec<RtEstimate>, Error> {
    if weekly.len() < 3 {
        return Err(Error::TooFew { what: "weekly reproduction number", found: weekly.len(), needed: 3 });
    }
    let windows: Vec<(usize, usize)> = (1..weekly.len()).map(|w| (7 * w + 1, 7 * w + 7)).collect();
    let daily_config =
        RtConfig { mean_prior: config.mean_prior, sd_prior: config.sd_prior, windows: Some(windows) };
    let mut daily: Vec<f64> = weekly.iter().flat_map(|count| [count / 7.0; 7]).collect();
    for _ in 0..config.rounds {
        for week in estimate(&daily, si, &daily_config)? {
            let rate = si.growth_rate(week.mean);
            let shares: [f64; 7] = std::array::from_fn(|day| (rate * day as f64).exp());
            let total: f64 = shares.iter().sum();
            let first = week.start - 1;
            let count = weekly[first / 7];
            for (day, share) in daily[first..first + 7].iter_mut().zip(shares) {
                *day = count * share / total;
            }
        }
    }
    let by_week = |e: RtEstimate| RtEstimate { start: e.end / 7, end: e.end / 7, ..e };
    Ok(estimate(&daily, si, &daily_config)?.into_iter().map(by_week).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{Renewal, simulate};
    use proptest::prelude::*;

    fn si() -> SerialInterval {
        SerialInterval::shifted_gamma(3.6, 1.6).unwrap()
    }

    #[test]
    fn steady_growth_gives_the_r_of_wallinga_and_lipsitch() {
        let days: Vec<f64> = (0..70).map(|d| 100.0 * (0.03 * f64::from(d)).exp()).collect();
        let weeks: Vec<f64> = days.chunks(7).map(|w| w.iter().sum()).collect();
        let found = estimate_weekly(&weeks, &si(), &WeeklyConfig::default()).unwrap();
        let last = found.last().unwrap();
        let weights = si().weights(60);
        let wanted = 1.0 / weights.iter().enumerate().map(|(s, w)| w * (-0.03 * s as f64).exp()).sum::<f64>();
        assert_eq!(last.end, 10);
        assert!((last.mean - wanted).abs() < 0.01, "{} is not {wanted}", last.mean);
    }

    #[test]
    fn an_empty_series_falls_back_on_the_prior() {
        let found = estimate_weekly(&[0.0; 5], &si(), &WeeklyConfig::default()).unwrap();
        assert!(
            found.iter().all(|e| (e.mean - 5.0).abs() < 1e-9 && e.quantiles.iter().all(|q| q.is_finite()))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn the_r_of_a_simulated_epidemic_comes_back(r in 0.8..1.8_f64, seed in 0..1000_u64) {
            let days = simulate(&Renewal { r: vec![r; 56], si: si(), initial: vec![300.0; 7], seed });
            let weeks: Vec<f64> = days.chunks(7).map(|w| w.iter().sum()).collect();
            let found = estimate_weekly(&weeks, &si(), &WeeklyConfig::default()).unwrap();
            let last = found.last().unwrap();
            prop_assert!((last.mean - r).abs() < 0.05 + 5.0 * last.sd, "{} for {r}", last.mean);
        }
    }
}
