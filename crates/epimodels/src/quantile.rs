//! Predictive quantiles: the 23 levels of the forecast hubs, and how to make, bend and order them.

use crate::Error;
use crate::special::probit;

/// The 23 levels of hubverse forecasts.
pub const LEVELS: [f64; 23] = [
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8,
    0.85, 0.9, 0.95, 0.975, 0.99,
];

/// One value for each of [`LEVELS`], in the unit of the series, ascending.
pub type Quantiles = [f64; 23];

/// Position of the median in [`LEVELS`].
pub const MEDIAN: usize = 11;

/// A sorted weighted sample: quantiles by the midpoint rule.
///
/// The i-th smallest value stands at (cumulative weight − wᵢ/2)/total; between two values the quantile is
/// linear, outside the first and the last it is constant.
#[derive(Debug, Clone)]
pub struct Weighted {
    values: Vec<f64>,
    positions: Vec<f64>,
}

impl Weighted {
    /// A sample from values and non-negative weights of the same length. Pairs with a weight of zero or with a
    /// value that is not finite do not count.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ, [`Error::TooFew`] if no pair counts.
    pub fn new(values: &[f64], weights: &[f64]) -> Result<Self, Error> {
        if values.len() != weights.len() {
            let (left, right) = (values.len(), weights.len());
            return Err(Error::Length { what: "values and weights of a quantile", left, right });
        }
        let mut pairs: Vec<(f64, f64)> = values
            .iter()
            .copied()
            .zip(weights.iter().copied())
            .filter(|(v, w)| v.is_finite() && *w > 0.0 && w.is_finite())
            .collect();
        if pairs.is_empty() {
            return Err(Error::TooFew { what: "weighted quantile", found: 0, needed: 1 });
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = pairs.iter().map(|(_, w)| w).sum();
        let mut cumulative = 0.0;
        let positions = pairs
            .iter()
            .map(|(_, w)| {
                cumulative += w;
                (cumulative - w / 2.0) / total
            })
            .collect();
        Ok(Self { values: pairs.into_iter().map(|(v, _)| v).collect(), positions })
    }

    /// The quantile at `level` (0..1).
    #[must_use]
    pub fn at(&self, level: f64) -> f64 {
        let after = self.positions.partition_point(|p| *p < level);
        match (after.checked_sub(1), self.values.get(after)) {
            (None, _) => self.values.first().copied().unwrap_or(f64::NAN),
            (Some(_), None) => self.values.last().copied().unwrap_or(f64::NAN),
            (Some(before), Some(upper)) => {
                let (p, q) = (self.positions[before], self.positions[after]);
                let share = if q > p { (level - p) / (q - p) } else { 0.0 };
                self.values[before] + share * (upper - self.values[before])
            }
        }
    }

    /// All 23 quantiles.
    #[must_use]
    pub fn hub(&self) -> Quantiles {
        LEVELS.map(|level| self.at(level))
    }
}

/// The quantile of an unweighted sample as R's `quantile(type = 7)` and numpy's default give it; `None` if no
/// value is finite.
#[must_use]
pub fn linear(values: &[f64], level: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    linear_sorted(&sorted, level)
}

/// As [`linear`], for values that are already ascending and finite.
#[must_use]
pub fn linear_sorted(sorted: &[f64], level: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = level.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (place - below as f64) * (sorted[above] - sorted[below]))
}

/// From a few ascending `levels` to all 23, linear in Φ⁻¹(level); constant outside the given levels.
///
/// # Errors
/// [`Error::Length`] if the slices differ, [`Error::TooFew`] if they are empty.
pub fn interpolate(levels: &[f64], values: &[f64]) -> Result<Quantiles, Error> {
    if levels.len() != values.len() {
        let (left, right) = (levels.len(), values.len());
        return Err(Error::Length { what: "levels and values of a forecast", left, right });
    }
    if levels.is_empty() {
        return Err(Error::TooFew { what: "interpolation of quantiles", found: 0, needed: 1 });
    }
    let scale: Vec<f64> = levels.iter().map(|l| probit(*l)).collect();
    Ok(LEVELS.map(|level| {
        let z = probit(level);
        let after = scale.partition_point(|s| *s < z - 1e-12);
        if after == 0 {
            return values[0];
        }
        match values.get(after) {
            None => values[values.len() - 1],
            Some(upper) => {
                let (a, b) = (scale[after - 1], scale[after]);
                values[after - 1] + (z - a) / (b - a) * (upper - values[after - 1])
            }
        }
    }))
}

/// Puts crossing quantiles in order and, if `floor` is given, lifts what lies below it.
pub fn arrange(quantiles: &mut Quantiles, floor: Option<f64>) {
    quantiles.sort_by(f64::total_cmp);
    if let Some(floor) = floor {
        for q in quantiles.iter_mut() {
            *q = q.max(floor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_weights_follow_the_midpoints() {
        let sample = Weighted::new(&[3.0, 1.0, 2.0, f64::NAN], &[1.0; 4]).unwrap();
        assert_eq!(sample.at(0.5), 2.0);
        assert!((sample.at(1.0 / 3.0) - 1.5).abs() < 1e-12);
        assert_eq!((sample.at(0.01), sample.at(0.99)), (1.0, 3.0));
    }

    #[test]
    fn type_seven_equals_numpy() {
        assert!((linear(&[1.0, 2.0, 3.0, 10.0], 0.95).unwrap() - 8.95).abs() < 1e-12);
        assert_eq!(linear(&[], 0.5), None);
    }

    #[test]
    fn interpolation_of_a_normal_law_is_exact() {
        let levels = [0.01, 0.25, 0.5, 0.75, 0.99];
        let values = levels.map(|l| 3.0 + 2.0 * probit(l));
        let all = interpolate(&levels, &values).unwrap();
        for (level, value) in LEVELS.iter().zip(all) {
            assert!((value - (3.0 + 2.0 * probit(*level))).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn weighted_quantiles_ascend_and_stay_inside(pairs in prop::collection::vec((-1e3..1e3_f64, 0.01..5.0_f64), 1..40)) {
            let (v, w): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let all = Weighted::new(&v, &w).unwrap().hub();
            let (low, high) = v.iter().fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(*x), h.max(*x)));
            prop_assert!(all.windows(2).all(|p| p[0] <= p[1]) && all[0] >= low && all[22] <= high);
        }
    }
}
