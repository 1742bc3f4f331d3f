use serde::{Deserialize, Serialize};

use crate::Error;
use crate::special::student_quantile;

/// Growth over the last observations, and what it means in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Growth rate per time step: ln of the factor from one step to the next.
    pub rate: f64,
    /// Lower and upper end of the central interval of the rate.
    pub band: (f64, f64),
    /// Level of the band (0.95: 95 %).
    pub level: f64,
    /// Steps in which the series doubles (ln 2/rate); negative: steps in which it halves; `None` at rate 0.
    pub doubling: Option<f64>,
    /// The same at the ends of the band of the rate. Where the band holds 0, the doubling time is unbounded and
    /// no interval of it can be given: `None`.
    pub doubling_band: Option<(f64, f64)>,
    /// Observations that were used.
    pub used: usize,
}

/// Growth rate of the last `window` values by least squares on ln(y + `offset`) against time, with Student's
/// band of the slope at `level`. `None` entries are skipped. `offset` (0.5 for counts) keeps zeros finite.
///
/// The band takes the deviations from the line as independent; after smoothing or with reporting that runs
/// behind it is too narrow.
///
/// # Errors
/// [`Error::TooFew`] under three observations; [`Error::Argument`] for a level outside 0..1 or an offset or
/// value for which the logarithm does not exist.
pub fn growth(values: &[Option<f64>], window: usize, offset: f64, level: f64) -> Result<Growth, Error> {
    if level.is_nan() || level <= 0.0 || level >= 1.0 {
        return Err(Error::Argument { name: "level", reason: "must lie between 0 and 1" });
    }
    let first = values.len().saturating_sub(window);
    let points: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .skip(first)
        .filter_map(|(t, v)| v.map(|v| (t as f64, (v + offset).ln())))
        .collect();
    if points.iter().any(|(_, y)| !y.is_finite()) {
        return Err(Error::Argument {
            name: "values",
            reason: "plus the offset must be positive and finite",
        });
    }
    let used = points.len();
    if used < 3 {
        return Err(Error::TooFew { what: "growth rate", found: used, needed: 3 });
    }
    let n = used as f64;
    let (t0, y0) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let spread: f64 = points.iter().map(|(t, _)| (t - t0).powi(2)).sum();
    let rate = points.iter().map(|(t, y)| (t - t0) * (y - y0)).sum::<f64>() / spread;
    let left: f64 = points.iter().map(|(t, y)| (y - y0 - rate * (t - t0)).powi(2)).sum();
    let half = student_quantile(0.5 + level / 2.0, n - 2.0) * (left / (n - 2.0) / spread).sqrt();
    let band = (rate - half, rate + half);
    let doubling = (rate != 0.0).then(|| std::f64::consts::LN_2 / rate);
    let one_sign = band.0 * band.1 > 0.0;
    let doubling_band = one_sign.then(|| (std::f64::consts::LN_2 / band.1, std::f64::consts::LN_2 / band.0));
    Ok(Growth { rate, band, level, doubling, doubling_band, used })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_exponential_has_its_rate_and_no_band() {
        let values: Vec<Option<f64>> = (0..6).map(|t| Some(10.0 * 2.0_f64.powi(t))).collect();
        let g = growth(&values, 5, 0.0, 0.95).unwrap();
        assert!(
            (g.doubling.unwrap() - 1.0).abs() < 1e-12 && (g.band.1 - g.band.0).abs() < 1e-9 && g.used == 5
        );
    }

    #[test]
    fn the_band_equals_r_confint_lm() {
        // m <- lm(log(c(10, 14, 13, 20)) ~ seq(4)); coef(m); confint(m), R 4.2.2
        let g = growth(&[10.0, 14.0, 13.0, 20.0].map(Some), 4, 0.0, 0.95).unwrap();
        assert!((g.rate - 0.200_533_356_953).abs() < 1e-10, "{g:?}");
        assert!((g.band.0 + 0.085_287_147_119).abs() < 1e-9 && (g.band.1 - 0.486_353_861_024).abs() < 1e-9);
        assert!(g.doubling_band.is_none());
    }

    #[test]
    fn gaps_are_skipped_and_two_points_are_too_few() {
        assert_eq!(growth(&[Some(1.0), None, Some(4.0), Some(8.0)], 4, 0.0, 0.9).unwrap().used, 3);
        assert!(growth(&[Some(1.0), None, Some(4.0)], 3, 0.0, 0.9).is_err());
        assert!(growth(&[Some(0.0); 4], 4, 0.0, 0.9).is_err());
    }
}
