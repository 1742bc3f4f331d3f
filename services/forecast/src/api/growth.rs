//! Growth, and the time in which infections double or halve, as the API says them.

use serde::Serialize;
use store::forecasts::Growth;
use utoipa::ToSchema;

/// A time of more days than this is not said: nothing stays as it is for so long.
const LONGEST: f64 = 365.0;

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

impl Time {
    /// `None` where the 50 % interval of growth holds 0, or the median takes more than a year: then no number would mean
    /// anything.
    pub(crate) fn of(g: &Growth) -> Option<Self> {
        let up = g.q25 > 0.0;
        if !up && g.q75 >= 0.0 {
            return None;
        }
        // Towards which it goes faster is the shorter time.
        let [fast_95, fast_50, median, slow_50, slow_95] = if up {
            [g.q975, g.q75, g.q50, g.q25, g.q025]
        } else {
            [g.q025, g.q25, g.q50, g.q75, g.q975].map(|rate| -rate)
        };
        let days = |rate: f64| Some(std::f64::consts::LN_2 / rate).filter(|d| rate > 0.0 && *d <= LONGEST);
        Some(Self {
            direction: if up { "doubles" } else { "halves" },
            median_days: days(median)?,
            band_50_days: (days(fast_50)?, days(slow_50)),
            band_95_days: (days(fast_95)?, days(slow_95)),
        })
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

    fn growth(q: [f64; 5]) -> Growth {
        let [q025, q25, q50, q75, q975] = q;
        let (known, known_025, known_975) = (0.6, 0.5, 0.7);
        Growth {
            dated: "infection".into(),
            mean: q50,
            sd: 0.01,
            q025,
            q25,
            q50,
            q75,
            q975,
            rises: 0.9,
            passed: 0.8,
            known,
            known_025,
            known_975,
        }
    }

    #[test]
    fn steady_growth_has_a_doubling_time_between_its_ends() {
        let time = Time::of(&growth([0.02, 0.04, 0.05, 0.06, 0.1])).unwrap();
        let ln2 = std::f64::consts::LN_2;
        assert_eq!((time.direction, time.median_days), ("doubles", ln2 / 0.05));
        assert_eq!(
            (time.band_50_days, time.band_95_days),
            ((ln2 / 0.06, Some(ln2 / 0.04)), (ln2 / 0.1, Some(ln2 / 0.02)))
        );
        let time = Time::of(&growth([-0.1, -0.06, -0.05, -0.04, -0.02])).unwrap();
        assert_eq!((time.direction, time.band_95_days), ("halves", (ln2 / 0.1, Some(ln2 / 0.02))));
    }

    #[test]
    fn where_growth_may_be_none_there_is_no_longest_time_and_no_nonsense() {
        let time = Time::of(&growth([-0.01, 0.01, 0.02, 0.03, 0.05])).unwrap();
        assert_eq!((time.direction, time.band_95_days.1), ("doubles", None));
        assert!(time.band_50_days.1.is_some());
        for q in [
            [-0.05, -0.01, 0.001, 0.01, 0.05],
            [-0.1, -0.01, 0.0, 0.0, 0.1],
            [0.0; 5],
            [1e-9, 2e-9, 3e-9, 4e-9, 5e-9],
            [-0.01, 1e-9, 1e-6, 0.1, 0.2],
        ] {
            assert_eq!(Time::of(&growth(q)), None, "{q:?}");
        }
    }

    #[test]
    fn a_week_says_whether_it_is_corrected_and_by_how_much() {
        let mut g = growth([0.0; 5]);
        assert!(KnownShare::from(&g).corrected);
        g.known = 0.8;
        assert!(!KnownShare::from(&g).corrected);
    }
}
