//! Scores of quantile forecasts, as the forecast hubs compute them.
//!
//! Source: Bracher, Ray, Gneiting, Reich 2021, "Evaluating epidemic forecasts in an interval format": with 11
//! central intervals and the median, the weighted interval score is the mean over the 23 quantiles of twice
//! the pinball loss.

use serde::{Deserialize, Serialize};

use crate::quantile::{LEVELS, MEDIAN, Quantiles};

/// The scores of one forecast of one value. Unit of the first five: that of the series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Weighted interval score: 0 is perfect, = dispersion + overprediction + underprediction.
    pub wis: f64,
    /// The part that the width of the intervals costs.
    pub dispersion: f64,
    /// The part that forecasts above the truth cost.
    pub overprediction: f64,
    /// The part that forecasts below the truth cost.
    pub underprediction: f64,
    /// Absolute error of the median.
    pub ae_median: f64,
    /// The weighted interval score on ln(1 + x), negative values taken as 0.
    pub wis_log1p: f64,
    /// Bias of the quantiles, see [`bias`].
    pub bias: Option<f64>,
    /// Whether the central 50 % interval holds the truth.
    pub covered_50: bool,
    /// Whether the central 80 % interval holds the truth.
    pub covered_80: bool,
    /// Whether the central 95 % interval holds the truth.
    pub covered_95: bool,
}

/// All scores of `quantiles` against the `truth`.
#[must_use]
pub fn score(quantiles: &Quantiles, truth: f64) -> Score {
    let (dispersion, overprediction, underprediction) = parts(quantiles, truth);
    let log = |v: f64| v.max(0.0).ln_1p();
    Score {
        wis: wis(quantiles, truth),
        dispersion,
        overprediction,
        underprediction,
        ae_median: (quantiles[MEDIAN] - truth).abs(),
        wis_log1p: wis(&quantiles.map(log), log(truth)),
        bias: bias(quantiles, truth),
        covered_50: covered(quantiles, truth, 6),
        covered_80: covered(quantiles, truth, 3),
        covered_95: covered(quantiles, truth, 1),
    }
}

/// Loss of one quantile: `level`·(truth − q) above it, (1 − `level`)·(q − truth) below.
#[must_use]
pub fn pinball(level: f64, quantile: f64, truth: f64) -> f64 {
    let miss = truth - quantile;
    if miss >= 0.0 { level * miss } else { (level - 1.0) * miss }
}

/// Weighted interval score: mean over the 23 quantiles of twice the pinball loss.
#[must_use]
pub fn wis(quantiles: &Quantiles, truth: f64) -> f64 {
    let sum: f64 = LEVELS.iter().zip(quantiles).map(|(level, q)| 2.0 * pinball(*level, *q, truth)).sum();
    sum / LEVELS.len() as f64
}

/// Bias as R's scoringutils has it for quantiles (`bias_quantile`; Bosse et al. 2022, "Evaluating forecasts with
/// scoringutils in R"): 1 − 2·τ, where τ is the highest level whose quantile is not above a truth below the median (0 if
/// there is none), and the lowest level whose quantile is not below a truth above it (1 if there is none); 0 at the median.
/// From 1 (all is above the truth) to −1. `None` where a quantile is below that of a lower level, which scoringutils refuses.
#[must_use]
pub fn bias(quantiles: &Quantiles, truth: f64) -> Option<f64> {
    if truth.is_nan() || !quantiles.is_sorted() {
        return None;
    }
    let median = quantiles[MEDIAN];
    if truth == median {
        return Some(0.0);
    }
    let mut levels = LEVELS.iter().zip(quantiles);
    let level = if truth < median {
        levels.rfind(|(_, q)| **q <= truth).map_or(0.0, |(level, _)| *level)
    } else {
        levels.find(|(_, q)| **q >= truth).map_or(1.0, |(level, _)| *level)
    };
    Some(1.0 - 2.0 * level)
}

/// Dispersion, overprediction and underprediction; their sum is the weighted interval score.
fn parts(quantiles: &Quantiles, truth: f64) -> (f64, f64, f64) {
    let middle = quantiles[MEDIAN];
    let mut dispersion = 0.0;
    let mut over = 0.5 * (middle - truth).max(0.0);
    let mut under = 0.5 * (truth - middle).max(0.0);
    for i in 0..MEDIAN {
        let (low, high) = (quantiles[i], quantiles[22 - i]);
        dispersion += LEVELS[i] * (high - low);
        over += (low - truth).max(0.0);
        under += (truth - high).max(0.0);
    }
    let weight = MEDIAN as f64 + 0.5;
    (dispersion / weight, over / weight, under / weight)
}

/// Whether the interval between the quantile at `index` and its mirror image holds the truth.
fn covered(quantiles: &Quantiles, truth: f64, index: usize) -> bool {
    (quantiles[index]..=quantiles[22 - index]).contains(&truth)
}

/// Continuous ranked probability score of a sample (Gneiting and Raftery 2007, eq. 21), or `None` without one.
#[must_use]
pub fn crps(samples: &[f64], truth: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    if sorted.is_empty() {
        return None;
    }
    let near: f64 = sorted.iter().map(|x| (x - truth).abs()).sum::<f64>() / n;
    // Σᵢⱼ|xᵢ − xⱼ|/(2n²) from the order statistics.
    let apart: f64 =
        sorted.iter().enumerate().map(|(i, x)| (2.0 * i as f64 + 1.0 - n) * x).sum::<f64>() / (n * n);
    Some(near - apart)
}

/// Ranked probability score of class probabilities in their order, of which the one at index `class` happened: the sum
/// over the classes of the squared difference of the cumulative probabilities (Epstein 1969). 0 is perfect.
#[must_use]
pub fn rps(probabilities: &[f64], class: usize) -> f64 {
    let mut below = 0.0;
    let mut sum = 0.0;
    for (index, p) in probabilities.iter().enumerate() {
        below += p;
        let happened = if index >= class { 1.0 } else { 0.0 };
        sum += (below - happened) * (below - happened);
    }
    sum
}

/// Brier score of the probability of something that happened or not: the squared difference.
#[must_use]
pub fn brier(probability: f64, happened: bool) -> f64 {
    let miss = probability - f64::from(u8::from(happened));
    miss * miss
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_point_forecast_scores_its_absolute_error() {
        let s = score(&[10.0; 23], 14.0);
        assert!((s.wis - 4.0).abs() < 1e-12 && (s.underprediction - 4.0).abs() < 1e-12);
        assert_eq!((s.dispersion, s.overprediction, s.ae_median), (0.0, 0.0, 4.0));
        assert!(!s.covered_95);
    }

    #[test]
    fn bias_is_the_side_on_which_the_forecast_lies() {
        // Quantiles 1, 2, … 23 at .01, .025, .05, .1, … .95, .975, .99; the median is 12.
        let q: Quantiles = std::array::from_fn(|i| i as f64 + 1.0);
        let by_hand = [
            (0.5, 1.0),   // below all
            (1.0, 0.98),  // at .01
            (3.9, 0.9),   // over .05, under .1
            (11.5, 0.1),  // over .45
            (12.0, 0.0),  // the median
            (12.1, -0.1), // under .55
            (21.0, -0.9), // at .95
            (22.5, -0.98),
            (23.0, -0.98),
            (24.0, -1.0), // above all
        ];
        for (truth, wanted) in by_hand {
            let found = bias(&q, truth).unwrap();
            assert!((found - wanted).abs() < 1e-12, "{truth}: {found} is not {wanted}");
        }
        // Equal quantiles: the highest level below, the lowest above.
        let steps: Quantiles = std::array::from_fn(|i| if i < 8 { 0.0 } else { 5.0 });
        assert!((bias(&steps, 0.0).unwrap() - 0.4).abs() < 1e-12, "0 is the quantile up to .3");
        assert_eq!(bias(&steps, 5.0), Some(0.0));
        let mut crossing = q;
        crossing.swap(3, 4);
        assert_eq!((bias(&crossing, 12.5), bias(&q, f64::NAN)), (None, None));
    }

    #[test]
    fn crps_of_two_points() {
        assert_eq!(crps(&[0.0, 2.0], 1.0), Some(0.5));
        assert_eq!(crps(&[], 1.0), None);
    }

    #[test]
    fn a_near_class_costs_less_than_a_far_one() {
        let sure = [0.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!((rps(&sure, 1), rps(&sure, 2), rps(&sure, 4)), (0.0, 1.0, 3.0));
        assert!((rps(&[0.2; 5], 2) - (0.04 + 0.16 + 0.16 + 0.04)).abs() < 1e-12);
        assert!((brier(0.7, true) - 0.09).abs() < 1e-12 && (brier(0.7, false) - 0.49).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_three_parts_sum_to_the_score(mut q in prop::array::uniform23(0.0..100.0_f64), truth in 0.0..120.0_f64) {
            q.sort_by(f64::total_cmp);
            let s = score(&q, truth);
            prop_assert!((s.wis - s.dispersion - s.overprediction - s.underprediction).abs() < 1e-9);
            prop_assert!(!s.covered_50 || s.covered_80 && s.covered_95);
        }
    }
}
