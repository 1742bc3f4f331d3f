//! Where lines and labels go.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Round values from 0 to at least `top`, about `count` of them: 0, 20, 40, 60. Never fewer than two.
#[must_use]
pub fn ticks(top: f64, count: u32) -> Vec<f64> {
    if !top.is_finite() || top <= 0.0 {
        return vec![0.0, 1.0];
    }
    let raw = top / f64::from(count.max(1));
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= raw).unwrap_or(raw);
    let mut values = vec![0.0];
    let mut n = 1.0;
    while let Some(last) = values.last().copied().filter(|v| *v < top) {
        // A multiple, not a sum: no rounding error piles up. `last` grows until it reaches `top`.
        let next = step * n;
        if next <= last {
            break;
        }
        values.push(next);
        n += 1.0;
    }
    values
}

/// First days of months (or of every 2nd, 3rd, 6th month, of years) in the span: at most `most` of them.
#[must_use]
pub fn months(span: (NaiveDate, NaiveDate), most: usize) -> Vec<NaiveDate> {
    for step in [1, 2, 3, 6, 12, 24, 60, 120] {
        let found = every_months(span, step);
        if found.len() <= most {
            return found;
        }
    }
    Vec::new()
}

fn every_months((from, to): (NaiveDate, NaiveDate), step: u32) -> Vec<NaiveDate> {
    let mut found = Vec::new();
    let Some(mut date) = from.with_month(1).and_then(|d| d.with_day(1)) else { return found };
    let years = step / 12;
    if years > 1 {
        let back = u32::try_from(date.year()).unwrap_or(0) % years;
        date = date.checked_sub_months(Months::new(back * 12)).unwrap_or(date);
    }
    while date <= to {
        if date >= from {
            found.push(date);
        }
        match date.checked_add_months(Months::new(step)) {
            Some(next) => date = next,
            None => break,
        }
    }
    found
}

/// Every `step` days, counted back from the last day of the span, ascending.
#[must_use]
pub fn days((from, to): (NaiveDate, NaiveDate), step: u64) -> Vec<NaiveDate> {
    let mut found = Vec::new();
    let mut date = Some(to);
    while let Some(day) = date.filter(|d| *d >= from) {
        found.push(day);
        date = day.checked_sub_days(Days::new(step.max(1)));
    }
    found.reverse();
    found
}

/// Where a date stands between the ends of the span: 0 to 1.
pub(super) fn along(date: NaiveDate, (from, to): (NaiveDate, NaiveDate)) -> f64 {
    let whole = (to - from).num_days().max(1);
    let part = (date - from).num_days();
    f64::from(i32::try_from(part).unwrap_or(0)) / f64::from(i32::try_from(whole).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Weekday;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        assert_eq!(ticks(43.0, 4), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(ticks(54_000.0, 4), [0.0, 20_000.0, 40_000.0, 60_000.0]);
        assert_eq!(ticks(0.0, 4), [0.0, 1.0]);
        assert_eq!(ticks(f64::NAN, 4), [0.0, 1.0]);
        for top in [0.001, 0.7, 1.0, 9.99, 1e3, 123_456.0, 1e9] {
            let found = ticks(top, 4);
            assert!(
                (2..=6).contains(&found.len()) && found.last().is_some_and(|v| *v >= top),
                "{top} {found:?}"
            );
        }
    }

    #[test]
    fn month_labels_fit() {
        let span = (day("2024-02-10"), day("2025-02-28"));
        assert_eq!(months(span, 5).first(), Some(&day("2024-04-01")));
        assert!(months(span, 5).len() <= 5);
        assert!(months((day("1997-01-01"), day("2025-02-28")), 6).iter().all(|d| d.month() == 1));
    }

    #[test]
    fn day_labels_end_on_the_last_day() {
        let found = days((day("2025-01-01"), day("2025-02-01")), 14);
        assert_eq!(found, [day("2025-01-04"), day("2025-01-18"), day("2025-02-01")]);
        assert!(found.iter().all(|d| d.weekday() == Weekday::Sat));
    }
}
