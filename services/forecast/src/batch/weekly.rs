//! Weekly series from published values.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use domain::CountryProfile;
use domain::profile::{Cadence, Signal};
use std::collections::BTreeMap;

/// The weeks of a signal from its values as known on `today`: as they are, or sums of days.
pub(crate) fn whole(
    profile: &CountryProfile,
    signal: &Signal,
    values: BTreeMap<NaiveDate, f64>,
    today: NaiveDate,
) -> BTreeMap<NaiveDate, f64> {
    match signal.cadence {
        Cadence::Week => values,
        Cadence::Day => {
            // The day of the clock itself is still going on, or was only just over when the figures came.
            let over = values.into_iter().filter(|(date, _)| *date < today).collect();
            sums(&over, profile.week_system.last_day())
        }
    }
}

/// Sums of whole weeks that end on `last_day`, by the end of the week: a week with a day missing has none. Small
/// negative corrections of a publisher may take a sum below zero; nothing less than nothing happened.
pub(crate) fn sums(days: &BTreeMap<NaiveDate, f64>, last_day: Weekday) -> BTreeMap<NaiveDate, f64> {
    let ends = days.keys().filter(|day| day.weekday() == last_day);
    ends.filter_map(|end| {
        let week: Option<f64> = (0..7).map(|back| days.get(&(*end - Days::new(back))).copied()).sum();
        Some((*end, week?.max(0.0)))
    })
    .collect()
}

/// The newest unbroken run of weeks, oldest first, and the end of its last week.
pub(crate) fn unbroken(weeks: &BTreeMap<NaiveDate, f64>) -> Option<(NaiveDate, Vec<f64>)> {
    let (last, _) = weeks.last_key_value()?;
    let mut values: Vec<f64> =
        (0..).map_while(|back| weeks.get(&(*last - Days::new(7 * back))).copied()).collect();
    values.reverse();
    Some((*last, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_with_a_missing_day_has_no_sum() {
        let first: NaiveDate = "2021-05-03".parse().unwrap();
        let mut days: BTreeMap<NaiveDate, f64> = (0..17).map(|d| (first + Days::new(d), 2.0)).collect();
        let week = |text: &str| text.parse::<NaiveDate>().unwrap();
        let found = sums(&days, Weekday::Sun);
        assert_eq!(found, [(week("2021-05-09"), 14.0), (week("2021-05-16"), 14.0)].into());
        days.remove(&week("2021-05-05"));
        assert_eq!(sums(&days, Weekday::Sun), [(week("2021-05-16"), 14.0)].into());
    }

    #[test]
    fn a_gap_ends_the_run() {
        let first: NaiveDate = "2021-05-02".parse().unwrap();
        let mut weeks: BTreeMap<NaiveDate, f64> =
            (0..5u64).map(|w| (first + Days::new(7 * w), w as f64)).collect();
        weeks.remove(&(first + Days::new(7)));
        assert_eq!(unbroken(&weeks), Some((first + Days::new(28), vec![2.0, 3.0, 4.0])));
        assert_eq!(unbroken(&BTreeMap::new()), None);
    }
}
