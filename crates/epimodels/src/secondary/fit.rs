//! The ratio for each delay that is tried, and how well it fits.

use super::{LONGEST, SecondaryConfig};
use crate::special::gamma_cdf;
use std::ops::Range;

/// The fit with one mean delay.
pub(super) struct Fit {
    /// Weighted scatter of the deaths about their expectation (Pearson's χ²).
    pub(super) scatter: f64,
    /// Deaths per event, and its standard error.
    pub(super) ratio: f64,
    pub(super) error: f64,
    pub(super) delay: f64,
    /// Variance of deaths over their expectation, at least 1.
    pub(super) dispersion: f64,
    /// Shares of the deaths by weeks after the event.
    pub(super) shares: Vec<f64>,
}

/// A fit for every delay with which deaths were expected, in the order of the grid.
pub(super) fn fits(
    events: &[f64],
    deaths: &[f64],
    window: Range<usize>,
    config: &SecondaryConfig,
) -> Vec<Fit> {
    let fit = |delay: &f64| {
        let shares = shares(*delay, config.spread);
        let expected = |t: usize| shares.iter().enumerate().map(|(k, w)| w * events[t - k]).sum::<f64>();
        let points: Vec<(f64, f64, f64)> = window
            .clone()
            .map(|t| {
                let age = (window.end - 1 - t) as f64;
                (0.5_f64.powf(age / config.half_life), deaths[t], expected(t))
            })
            .collect();
        let sum = |f: fn(&(f64, f64, f64)) -> f64| points.iter().map(f).sum::<f64>();
        let (d, e, w) = (sum(|p| p.0 * p.1), sum(|p| p.0 * p.2), sum(|p| p.0));
        let ratio = d / e;
        let scatter: f64 =
            points.iter().map(|(w, d, e)| w * (d - ratio * e).powi(2) / (ratio * e).max(1e-9)).sum::<f64>();
        // Two of the weighted weeks are spent on the ratio and the delay.
        let dispersion = (scatter / (w - 2.0).max(1.0)).max(1.0);
        let error = ratio * (dispersion / d).sqrt();
        Fit { scatter, ratio, error, delay: *delay, dispersion, shares }
    };
    config.delays.iter().map(fit).filter(|f| f.scatter.is_finite() && f.ratio > 0.0).collect()
}

/// Shares of the deaths in the week of the event and in each of the weeks after it.
pub(super) fn shares(mean: f64, spread: f64) -> Vec<f64> {
    let (shape, scale) = (1.0 / spread.powi(2), mean * spread.powi(2));
    let cdf = |at: f64| gamma_cdf(shape, at.max(0.0) / scale);
    let raw: Vec<f64> = (0..LONGEST).map(|k| cdf(k as f64 + 0.5) - cdf(k as f64 - 0.5)).collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter().map(|w| w / total).collect()
}
