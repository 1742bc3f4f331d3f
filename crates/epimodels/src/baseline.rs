//! The baseline of the forecast hubs: tomorrow is as today, as uncertain as past weekly steps were.
//!
//! Source: `quantile_baseline` of reichlab/simplets (fit with `symmetrize = TRUE`, all past differences), which
//! makes FluSight-baseline and respicast-quantileBaseline. One step ahead its law is the last value plus the
//! past one-step differences and their negatives; more steps are sums of independent such differences, whose
//! median is moved back to the last value. simplets draws them with R's generator; here the same evenly spaced
//! quantiles of the differences are shuffled with our own, so figures agree up to Monte Carlo error.

use crate::Error;
use crate::quantile::{LEVELS, MEDIAN, Quantiles, linear_sorted};
use crate::rng::Rng;

/// What a baseline is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineConfig {
    /// Draws per horizon.
    pub draws: usize,
    /// Lift negative values to 0.
    pub non_negative: bool,
    /// Seed of the shuffles.
    pub seed: u64,
}

impl Default for BaselineConfig {
    fn default() -> Self {
        Self { draws: 100_000, non_negative: true, seed: 1 }
    }
}

/// Quantiles 1, 2, … `steps` steps after the last value of `values` (same unit). Differences across a missing
/// week do not count.
///
/// # Errors
/// [`Error::TooFew`] if the last value is missing or no difference exists; [`Error::Argument`] without draws.
pub fn baseline(
    values: &[Option<f64>],
    steps: usize,
    config: &BaselineConfig,
) -> Result<Vec<Quantiles>, Error> {
    let few =
        |found| Error::TooFew { what: "baseline (last value and one weekly difference)", found, needed: 2 };
    if config.draws < 2 {
        return Err(Error::Argument { name: "draws", reason: "must be at least 2" });
    }
    let last = values.last().copied().flatten().ok_or(few(0))?;
    let steps_up = values.windows(2).filter_map(|w| Some(w[1]? - w[0]?));
    let mut differences: Vec<f64> = steps_up.flat_map(|d| [d, -d]).collect();
    differences.sort_by(f64::total_cmp);
    if differences.is_empty() {
        return Err(few(1));
    }
    let grid = (config.draws - 1) as f64;
    let mut drawn: Vec<f64> =
        (0..config.draws).filter_map(|i| linear_sorted(&differences, i as f64 / grid)).collect();
    let mut sums = vec![0.0; drawn.len()];
    let mut rng = Rng::new(config.seed, &[]);
    let mut answer = Vec::with_capacity(steps);
    for step in 0..steps {
        if step > 0 {
            rng.shuffle(&mut drawn);
        }
        for (sum, difference) in sums.iter_mut().zip(&drawn) {
            *sum += difference;
        }
        let mut sorted = sums.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = linear_sorted(&sorted, LEVELS[MEDIAN]).unwrap_or(0.0);
        answer.push(LEVELS.map(|level| {
            let value = last + linear_sorted(&sorted, level).unwrap_or(0.0) - middle;
            if config.non_negative { value.max(0.0) } else { value }
        }));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wyoming's influenza admissions of the weeks to 2022-02-12 … 2023-12-30 as published on 2024-01-03.
    const WYOMING: [u8; 99] = [
        0, 0, 1, 0, 0, 0, 8, 6, 10, 9, 9, 6, 7, 3, 0, 2, 0, 3, 2, 0, 3, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
        0, 1, 0, 1, 1, 0, 1, 2, 13, 31, 45, 56, 64, 81, 51, 12, 10, 5, 3, 0, 2, 2, 1, 5, 2, 4, 0, 0, 1, 0, 2,
        0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 2, 0, 0, 2, 5, 3, 3, 8, 8,
        12, 19,
    ];

    #[test]
    fn it_is_the_baseline_that_flusight_published_on_2024_01_06() {
        let values: Vec<Option<f64>> = WYOMING.iter().map(|v| Some(f64::from(*v))).collect();
        let all = baseline(&values, 4, &BaselineConfig::default()).unwrap();
        let first = [
            0.4, 7.625, 13.5, 16., 17., 17., 18., 18., 19., 19., 19., 19., 19., 19., 19., 20., 20., 21., 21.,
            22., 24.5, 30.375, 37.6,
        ];
        for (have, want) in all[0].iter().zip(first) {
            assert!((have - want).abs() < 0.02, "one week ahead nothing is drawn: {have} is not {want}");
        }
        let fourth = [
            0., 0., 1.131, 7.768, 11.643, 14., 15., 16., 17., 18., 18., 19., 20., 20., 21., 22., 23., 24.,
            26.405, 30.417, 37.428, 46.462, 54.86,
        ];
        for (have, want) in all[3].iter().zip(fourth) {
            assert!((have - want).abs() < 1.1, "up to Monte Carlo error: {have} is not {want}");
        }
    }

    #[test]
    fn it_is_flat_symmetric_and_widens() {
        let values: Vec<Option<f64>> = [50.0, 53.0, 49.0, 60.0, 55.0, 58.0].map(Some).to_vec();
        let all = baseline(&values, 4, &BaselineConfig::default()).unwrap();
        for q in &all {
            assert!((q[MEDIAN] - 58.0).abs() < 1e-9);
            assert!((q[22] - 58.0 - (58.0 - q[0])).abs() < 0.2, "{q:?}");
        }
        assert!(all.windows(2).all(|w| w[0][22] < w[1][22]));
    }

    #[test]
    fn negative_values_are_lifted_and_gaps_make_no_difference() {
        let q = baseline(&[Some(9.0), None, Some(1.0), Some(3.0)], 1, &BaselineConfig::default()).unwrap();
        assert!((q[0][0] - 1.04).abs() < 1e-3 && (q[0][22] - 4.96).abs() < 1e-3, "{:?}", q[0]);
        assert!(baseline(&[Some(1.0), None], 1, &BaselineConfig::default()).is_err());
    }
}
