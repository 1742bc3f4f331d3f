//! A seasonal baseline: this week is as the same weeks of earlier seasons were, whatever the current season does.
//!
//! No hub of Europe has one, and `FluSight-base_seasonal` answers only for the peak: its week and its height. The one
//! that forecasts FluSight's weekly admissions is `CMU-climate_baseline` (Carnegie Mellon's Delphi group, 2024-25):
//! the quantiles (R's type 8) of the weeks at most three away from the target week in every season, and of the newest
//! weeks, from the place alone and from the rates of all places; the forecast is the mean of both, level by level.
//!
//! What differs here: of the current season no weeks but the newest count, and those only if asked for; weeks are counted
//! in days from the anniversary (theirs in week numbers, so that in December a window ends with the year). Theirs leaves
//! out 2020-21 and 2021-22: what is not to count, the caller cuts off.

use chrono::{Duration, Months, NaiveDate};

use crate::Error;
use crate::quantile::{LEVELS, Quantiles};

/// Which weeks of a series count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Weeks before and after the target week's anniversary in each earlier season.
    pub reach: u32,
    /// Weeks at the end of the series, up to its last value, that count as well; 0: earlier seasons only.
    pub newest: u32,
}

impl Window {
    /// The same week of earlier seasons, three weeks before it and three after.
    pub const SEASONS: Self = Self { reach: 3, newest: 0 };
    /// As `CMU-climate_baseline`: those, and the last four weeks known.
    pub const CLIMATE: Self = Self { reach: 3, newest: 4 };
}

/// Values of the series (consecutive weeks, the first ends on `first`) that count for the week that ends on `target`:
/// those less than `reach` weeks and half a week from a day one, two, three … years before it, and the newest. The first
/// week of a series comes first.
#[must_use]
pub fn same_weeks(first: NaiveDate, values: &[Option<f64>], target: NaiveDate, window: Window) -> Vec<f64> {
    let Some(last) = values.iter().rposition(|v| v.is_some_and(f64::is_finite)) else { return Vec::new() };
    let newest = last.saturating_add(1).saturating_sub(window.newest as usize);
    let half = 7 * i64::from(window.reach) + 3;
    let earlier = |end: NaiveDate| {
        (1..)
            .map_while(|year| target.checked_sub_months(Months::new(12 * year)))
            .take_while(|day| (end - *day).num_days() <= half)
            .any(|day| (day - end).num_days() <= half)
    };
    let counts = |(place, value): (usize, &Option<f64>)| {
        let value = value.filter(|v| v.is_finite())?;
        let end = first + Duration::weeks(i64::try_from(place).ok()?);
        (place >= newest || earlier(end)).then_some(value)
    };
    values.iter().enumerate().filter_map(counts).collect()
}

/// Quantiles of the values that [`same_weeks`] found, as R's `quantile(type = 8)` gives them (median-unbiased).
///
/// # Errors
/// [`Error::TooFew`] under three values.
pub fn seasonal(values: &[f64]) -> Result<Quantiles, Error> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let found = sorted.len();
    if found < 3 {
        return Err(Error::TooFew { what: "seasonal baseline (weeks of earlier seasons)", found, needed: 3 });
    }
    sorted.sort_by(f64::total_cmp);
    Ok(LEVELS.map(|level| {
        let place = (level * (found as f64 + 1.0 / 3.0) - 2.0 / 3.0).clamp(0.0, found as f64 - 1.0);
        let below = place.floor() as usize;
        let above = (below + 1).min(found - 1);
        sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantile::MEDIAN;
    use proptest::prelude::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    /// 120 weeks to 2025-01-04, numbered.
    fn weeks() -> (NaiveDate, Vec<Option<f64>>) {
        (day(2022, 9, 24), (0..120).map(|week| Some(f64::from(week))).collect())
    }

    #[test]
    fn seven_weeks_of_each_earlier_season_count_and_none_of_this_one() {
        let (first, values) = weeks();
        // The anniversaries of 2025-01-11 are next to the Saturdays of 2024-01-13 (68) and 2023-01-14 (16).
        let found = same_weeks(first, &values, day(2025, 1, 11), Window::SEASONS);
        assert_eq!(found, [13., 14., 15., 16., 17., 18., 19., 65., 66., 67., 68., 69., 70., 71.]);
    }

    #[test]
    fn the_newest_weeks_count_when_asked_for_and_gaps_do_not() {
        let (first, mut values) = weeks();
        (values[119], values[68]) = (None, Some(f64::NAN));
        let found = same_weeks(first, &values, day(2025, 1, 11), Window { reach: 0, newest: 2 });
        assert_eq!(found, [16., 117., 118.]);
        assert!(same_weeks(first, &[None, None], day(2025, 1, 11), Window::CLIMATE).is_empty());
    }

    #[test]
    fn quantiles_equal_r_type_8() {
        // quantile(c(3, 1, 4, 1.5, 9, 2.6), c(.01, .25, .5, .8), type = 8), R 4.2.2
        let found = seasonal(&[3.0, 1.0, 4.0, 1.5, 9.0, 2.6]).unwrap();
        for (place, wanted) in [(0, 1.0), (6, 1.458_333_333_333_333), (MEDIAN, 2.8), (17, 6.0)] {
            assert!((found[place] - wanted).abs() < 1e-12, "{place}: {} is not {wanted}", found[place]);
        }
        assert!(seasonal(&[1.0, f64::NAN, 2.0]).is_err());
    }

    proptest! {
        #[test]
        fn each_earlier_year_gives_one_window(start in 0..2000_i64, length in 0..400_usize, ahead in 1..9_i64, reach in 0..5_u32) {
            let first = day(2015, 1, 3) + Duration::days(start);
            let values = vec![Some(1.0); length];
            let target = first + Duration::weeks(length as i64 + ahead - 1);
            let found = same_weeks(first, &values, target, Window { reach, newest: 0 }).len();
            let width = 2 * reach as usize + 1;
            let years = (length + 8) / 52 + 1;
            prop_assert!(found <= years * width);
            prop_assert!(length < 52 + width + 8 || found >= width, "{found} of {length}");
        }
    }
}
