//! What a growth rate means in time: how long until infections double, or halve, said only where it means something.

use store::forecasts::Growth;

/// A time of more days than this is not said: nothing stays as it is for so long.
const LONGEST: f64 = 365.0;

/// In how many days infections double, or halve: ln 2 over the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time {
    /// Do they double, or halve? The direction of the median growth.
    pub doubles: bool,
    /// Days, at the median growth.
    pub median: f64,
    /// Central 50 % interval: the shortest and the longest time. `None`: more than a year.
    pub band_50: (f64, Option<f64>),
    /// Central 95 % interval. `None`: the interval of growth holds 0, so that it may never happen, or more than a year.
    pub band_95: (f64, Option<f64>),
}

impl Time {
    /// `None` where the 50 % interval of growth holds 0, or the median takes more than a year: then no number would mean
    /// anything.
    #[must_use]
    pub fn of(g: &Growth) -> Option<Self> {
        let doubles = g.q25 > 0.0;
        if !doubles && g.q75 >= 0.0 {
            return None;
        }
        // Towards the end at which it goes faster the time is shorter.
        let [fast_95, fast_50, median, slow_50, slow_95] = if doubles {
            [g.q975, g.q75, g.q50, g.q25, g.q025]
        } else {
            [g.q025, g.q25, g.q50, g.q75, g.q975].map(|rate| -rate)
        };
        let days = |rate: f64| Some(std::f64::consts::LN_2 / rate).filter(|d| rate > 0.0 && *d <= LONGEST);
        Some(Self {
            doubles,
            median: days(median)?,
            band_50: (days(fast_50)?, days(slow_50)),
            band_95: (days(fast_95)?, days(slow_95)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth([q025, q25, q50, q75, q975]: [f64; 5]) -> Growth {
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
            passed: 1.0,
            known: 1.0,
            known_025: 1.0,
            known_975: 1.0,
        }
    }

    #[test]
    fn steady_growth_has_a_doubling_time_between_its_ends() {
        let ln2 = std::f64::consts::LN_2;
        let time = Time::of(&growth([0.02, 0.04, 0.05, 0.06, 0.1])).unwrap();
        assert_eq!((time.doubles, time.median), (true, ln2 / 0.05));
        assert_eq!(
            (time.band_50, time.band_95),
            ((ln2 / 0.06, Some(ln2 / 0.04)), (ln2 / 0.1, Some(ln2 / 0.02)))
        );
        let time = Time::of(&growth([-0.1, -0.06, -0.05, -0.04, -0.02])).unwrap();
        assert_eq!((time.doubles, time.band_95), (false, (ln2 / 0.1, Some(ln2 / 0.02))));
    }

    #[test]
    fn where_growth_may_be_none_there_is_no_longest_time_and_no_nonsense() {
        let time = Time::of(&growth([-0.01, 0.01, 0.02, 0.03, 0.05])).unwrap();
        assert_eq!((time.doubles, time.band_95.1), (true, None));
        assert!(time.band_50.1.is_some());
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
}
