//! Growth, and the time in which infections double or halve, as the API says them.

use serde::Serialize;
use store::forecasts::Growth;
use utoipa::ToSchema;

/// The growth rate per day: ln of the factor from one day to the next, the mean over the week.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct GrowthRate {
    median: f64,
    /// Central 50 % interval.
    band_50: [f64; 2],
    /// Central 95 % interval.
    band_95: [f64; 2],
    /// Probability that it is above 0.
    probability: f64,
    /// `per_day`.
    unit: &'static str,
}

impl From<&Growth> for GrowthRate {
    fn from(g: &Growth) -> Self {
        Self {
            median: g.q50,
            band_50: [g.q25, g.q75],
            band_95: [g.q025, g.q975],
            probability: g.rises,
            unit: "per_day",
        }
    }
}

/// In how many days infections double, or halve, at this growth: ln 2 over the rate.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Time {
    /// `doubles` or `halves`: the direction of the median growth.
    direction: &'static str,
    /// Days, at the median growth.
    median_days: f64,
    /// Central 50 % interval: the shortest and the longest time. No longest time (`null`): more than a year.
    band_50_days: (f64, Option<f64>),
    /// Central 95 % interval. No longest time (`null`): the interval of growth holds 0, so that it may never happen, or more
    /// than a year.
    band_95_days: (f64, Option<f64>),
}

impl From<kit::growth::Time> for Time {
    fn from(time: kit::growth::Time) -> Self {
        Self {
            direction: if time.doubles { "doubles" } else { "halves" },
            median_days: time.median,
            band_50_days: time.band_50,
            band_95_days: time.band_95,
        }
    }
}

/// How much is known of the reports that the infections of a week lead to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct KnownShare {
    /// The share that is known, 0 to about 1 (above 1: earlier figures were mostly corrected downwards).
    share: f64,
    /// Its central 95 % interval.
    band_95: [f64; 2],
    /// The share for which the delay has passed; `share` is less by what the youngest figures still miss.
    due: f64,
    /// Is the week's figure corrected for missing reports, by more than half a percent of them?
    corrected: bool,
}

impl From<&Growth> for KnownShare {
    fn from(g: &Growth) -> Self {
        Self {
            share: g.known,
            band_95: [g.known_025, g.known_975],
            due: g.passed,
            corrected: (g.known / g.passed - 1.0).abs() > 0.005,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_says_whether_it_is_corrected_and_by_how_much() {
        let of = |known: f64| Growth {
            dated: "infection".into(),
            mean: 0.0,
            sd: 0.1,
            q025: -0.2,
            q25: -0.1,
            q50: 0.0,
            q75: 0.1,
            q975: 0.2,
            rises: 0.5,
            passed: 0.8,
            known,
            known_025: known - 0.1,
            known_975: known + 0.1,
        };
        assert!(KnownShare::from(&of(0.6)).corrected && KnownShare::from(&of(0.9)).corrected);
        assert!(!KnownShare::from(&of(0.8)).corrected);
    }
}
