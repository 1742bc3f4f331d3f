//! Does a disease arrive where it was quiet? One definition for those who forecast it and those who score it.
//!
//! A place is quiet when the last week known has fewer than [`ARRIVAL`]'s `quiet` persons per 100,000; there the disease
//! arrives in a week that has `arrived` or more. Between the two nothing is said, so that a week that only goes up and down by
//! chance is no arrival. Where it is there already, the question has no meaning. The figures are ours, fixed on 2026-11-27
//! before any score of them was read (`docs/forecast/trials.md`, "Spread"); no hub defines an arrival.

use crate::quantile::Quantiles;
use crate::trend::cdf_before;

/// What is quiet and what has arrived, in weekly persons per 100,000.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// A place with fewer is quiet.
    pub quiet: f64,
    /// With as many or more it has arrived.
    pub arrived: f64,
}

/// The definition that is forecast and scored, of every count of persons.
pub const ARRIVAL: Arrival = Arrival { quiet: 0.5, arrived: 1.0 };

impl Arrival {
    /// Is a place of `population` quiet in a week with `count` persons?
    #[must_use]
    pub fn is_quiet(self, count: f64, population: f64) -> bool {
        count < self.quiet * population / 1e5
    }

    /// Has the disease arrived in a week with `count` persons, in a place of `population` that was quiet?
    #[must_use]
    pub fn has_come(self, count: f64, population: f64) -> bool {
        count >= self.arrived * population / 1e5
    }

    /// The probability of that from the quantiles of the count; `None`: the place was not quiet in the week with `last`.
    #[must_use]
    pub fn probability(self, quantiles: &Quantiles, last: f64, population: f64) -> Option<f64> {
        let limit = self.arrived * population / 1e5;
        self.is_quiet(last, population).then(|| 1.0 - cdf_before(quantiles, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantile::LEVELS;
    use crate::special::{normal_cdf, probit};

    #[test]
    fn an_arrival_has_the_probability_of_its_limit_and_above() {
        // Ten persons are 1 per 100,000 of a million.
        let normal = LEVELS.map(|level| 8.0 + 2.0 * probit(level));
        let found = ARRIVAL.probability(&normal, 4.0, 1e6).unwrap();
        assert!((found - normal_cdf(-1.0)).abs() < 1e-9, "{found}");
        assert_eq!(ARRIVAL.probability(&[10.0; 23], 0.0, 1e6), Some(1.0), "the limit itself has arrived");
        assert_eq!(ARRIVAL.probability(&[9.99; 23], 0.0, 1e6), Some(0.0));
    }

    #[test]
    fn where_it_is_already_nothing_arrives() {
        assert_eq!(
            ARRIVAL.probability(&[50.0; 23], 5.0, 1e6),
            None,
            "half a person per 100,000 is not quiet"
        );
        assert!(ARRIVAL.is_quiet(4.999, 1e6) && !ARRIVAL.is_quiet(5.0, 1e6));
        assert!(ARRIVAL.has_come(10.0, 1e6) && !ARRIVAL.has_come(9.999, 1e6));
    }
}
