//! From quantiles to words: probabilities of the five rate-trend classes of FluSight, and of a rise.
//!
//! Source of the classes: FluSight-forecast-hub, target `wk flu hosp rate change`, "Rate-trend forecast
//! specifications" of its `model-output/README.md` in each season. The change is that of the weekly rate per 100,000
//! from the last observed week to the target week; "stable" is also every change of fewer than 10 persons.

use serde::{Deserialize, Serialize};

use crate::quantile::{LEVELS, Quantiles};
use crate::special::{normal_cdf, probit};

/// Thresholds of one horizon, in weekly persons per 100,000.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Changes smaller than this are "stable".
    pub stable: f64,
    /// Changes of this size or more are "large".
    pub large: f64,
}

/// FluSight's thresholds of the season 2023-24, at horizons 0, 1, 2 and 3.
const FLUSIGHT_2023: [Thresholds; 4] = [
    Thresholds { stable: 1.0, large: 2.0 },
    Thresholds { stable: 1.0, large: 3.0 },
    Thresholds { stable: 2.0, large: 4.0 },
    Thresholds { stable: 2.5, large: 5.0 },
];

/// FluSight's thresholds from the season 2024-25 on, at horizons 0, 1, 2 and 3 (1 to 4 weeks after the last observed
/// week).
pub const FLUSIGHT: [Thresholds; 4] = [
    Thresholds { stable: 0.3, large: 1.7 },
    Thresholds { stable: 0.5, large: 3.0 },
    Thresholds { stable: 0.7, large: 4.0 },
    Thresholds { stable: 1.0, large: 5.0 },
];

/// Changes of fewer persons than this are "stable" whatever the rate.
pub const STABLE_COUNT: f64 = 10.0;

/// FluSight's thresholds in the season that began in `year`; before 2023 its classes were others.
#[must_use]
pub fn flusight(year: i32) -> Option<[Thresholds; 4]> {
    match year {
        2023 => Some(FLUSIGHT_2023),
        2024.. => Some(FLUSIGHT),
        _ => None,
    }
}

/// The classes as FluSight names them, from the largest decrease to the largest increase.
pub const CLASSES: [&str; 5] = ["large_decrease", "decrease", "stable", "increase", "large_increase"];

/// Probabilities of the five classes; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Decrease by the large threshold or more.
    pub large_decrease: f64,
    /// Decrease, not stable, not large.
    pub decrease: f64,
    /// Change below the stable threshold, or of fewer than 10 persons.
    pub stable: f64,
    /// Increase, not stable, not large.
    pub increase: f64,
    /// Increase by the large threshold or more.
    pub large_increase: f64,
}

impl Trend {
    /// The probabilities in order of [`CLASSES`].
    #[must_use]
    pub fn probabilities(&self) -> [f64; 5] {
        [self.large_decrease, self.decrease, self.stable, self.increase, self.large_increase]
    }
}

/// The changes, in persons, at which "stable" ends and "large" begins in a place of `population`.
#[must_use]
pub fn limits(population: f64, thresholds: Thresholds) -> (f64, f64) {
    let stable = (thresholds.stable * population / 1e5).max(STABLE_COUNT);
    (stable, (thresholds.large * population / 1e5).max(stable))
}

/// The class, as an index of [`CLASSES`], of a `change` that happened.
#[must_use]
pub fn class_of(change: f64, (stable, large): (f64, f64)) -> usize {
    let size = change.abs();
    let far = usize::from(size >= stable) + usize::from(size >= large);
    if change < 0.0 { 2 - far } else { 2 + far }
}

/// Class probabilities of a forecast of counts (persons) for a place of `population`, against the `last`
/// observed count.
#[must_use]
pub fn trend(quantiles: &Quantiles, last: f64, population: f64, thresholds: Thresholds) -> Trend {
    let (stable, large) = limits(population, thresholds);
    classes(quantiles, last, stable, large)
}

/// As [`trend`], with thresholds in the unit of the series (for incidences and percentages).
#[must_use]
pub fn classes(quantiles: &Quantiles, last: f64, stable: f64, large: f64) -> Trend {
    let below = |change: f64| cdf(quantiles, last + change);
    // A threshold itself belongs to the farther class on both sides.
    let before = |change: f64| cdf_before(quantiles, last + change);
    let (a, b, c, d) = (below(-large), below(-stable), before(stable), before(large));
    let (b, c, d) = (b.max(a), c.max(b.max(a)), d.max(c.max(b.max(a))));
    Trend { large_decrease: a, decrease: b - a, stable: c - b, increase: d - c, large_increase: 1.0 - d }
}

/// Probability that the value at the horizon lies above the `last` observed one.
#[must_use]
pub fn rise(quantiles: &Quantiles, last: f64) -> f64 {
    1.0 - cdf(quantiles, last)
}

/// P(value ≤ `at`) from the 23 quantiles: linear in Φ⁻¹(level) between them; the tails carry the slope of the
/// outermost pair on, and hold at most 1 % each.
#[must_use]
pub fn cdf(quantiles: &Quantiles, at: f64) -> f64 {
    let after = quantiles.partition_point(|q| *q <= at);
    probability(quantiles, at, after)
}

/// P(value < `at`): differs from [`cdf`] where several quantiles are equal.
#[must_use]
pub fn cdf_before(quantiles: &Quantiles, at: f64) -> f64 {
    let after = quantiles.partition_point(|q| *q < at);
    probability(quantiles, at, after)
}

fn probability(q: &Quantiles, at: f64, after: usize) -> f64 {
    let line = |i: usize, j: usize| {
        let (low, high) = (probit(LEVELS[i]), probit(LEVELS[j]));
        low + (at - q[i]) / (q[j] - q[i]) * (high - low)
    };
    match after {
        0 if q[1] > q[0] => normal_cdf(line(0, 1)),
        0 => 0.0,
        23 if at == q[22] => LEVELS[22],
        23 if q[22] > q[21] => normal_cdf(line(21, 22)),
        23 => 1.0,
        _ if q[after] > q[after - 1] => normal_cdf(line(after - 1, after)),
        _ => LEVELS[after - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(mean: f64, sd: f64) -> Quantiles {
        LEVELS.map(|l| mean + sd * probit(l))
    }

    #[test]
    fn probabilities_of_a_normal_forecast_are_those_of_the_normal_law() {
        let q = normal(100.0, 20.0);
        for at in [30.0, 60.0, 100.0, 117.0, 190.0] {
            assert!((cdf(&q, at) - normal_cdf((at - 100.0) / 20.0)).abs() < 1e-9, "{at}");
        }
        assert!((rise(&q, 80.0) - normal_cdf(1.0)).abs() < 1e-9);
    }

    #[test]
    fn a_small_place_is_stable_by_its_count() {
        let t = trend(&normal(12.0, 1.0), 8.0, 600_000.0, FLUSIGHT[0]);
        assert!(t.stable > 0.999, "a change of 4 persons is stable: {t:?}");
        let t = trend(&normal(3000.0, 100.0), 2000.0, 5e6, FLUSIGHT[0]);
        assert!(t.large_increase > 0.999, "{t:?}");
    }

    #[test]
    fn a_threshold_belongs_to_the_farther_class_and_each_season_has_its_own() {
        let of = |change, year: i32| CLASSES[class_of(change, limits(1e6, flusight(year).unwrap()[0]))];
        assert_eq!(
            (of(9.0, 2023), of(10.0, 2023), of(-20.0, 2023)),
            ("stable", "increase", "large_decrease")
        );
        assert_eq!(
            (of(-16.0, 2024), of(-17.0, 2024), of(17.0, 2025)),
            ("decrease", "large_decrease", "large_increase")
        );
        assert_eq!(class_of(9.0, limits(1e5, FLUSIGHT[0])), 2, "fewer than ten persons");
        assert!(flusight(2022).is_none());
    }

    #[test]
    fn equal_quantiles_are_a_jump() {
        let q = [5.0; 23];
        assert_eq!((cdf(&q, 4.9), cdf_before(&q, 5.0), cdf(&q, 5.1)), (0.0, 0.0, 1.0));
    }

    proptest! {
        #[test]
        fn classes_are_probabilities(mut q in prop::array::uniform23(0.0..500.0_f64), last in 0.0..500.0_f64) {
            q.sort_by(f64::total_cmp);
            let t = trend(&q, last, 2e6, FLUSIGHT[2]);
            let all = [t.large_decrease, t.decrease, t.stable, t.increase, t.large_increase];
            prop_assert!(all.iter().all(|p| (-1e-12..=1.0 + 1e-12).contains(p)));
            prop_assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
