//! The figures that a week was given, one after the other.

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::Cadence;
use std::collections::{BTreeMap, BTreeSet};

/// Of each date what was issued when, oldest first.
pub(super) type Issues = BTreeMap<NaiveDate, Vec<(DateTime<Utc>, Option<f64>)>>;

/// From the first figure of the week that ends on `end` on, every change: `None` where it was taken back. A week of days has a
/// figure once all seven have one and the week is over.
pub(super) fn versions(
    issues: &Issues,
    end: NaiveDate,
    cadence: Cadence,
) -> Vec<(DateTime<Utc>, Option<f64>)> {
    let days: Vec<NaiveDate> = match cadence {
        Cadence::Week => vec![end],
        Cadence::Day => (0..7).map(|back| end - Days::new(back)).collect(),
    };
    let of_week: Vec<&[(DateTime<Utc>, Option<f64>)]> =
        days.iter().map(|day| issues.get(day).map_or(&[][..], Vec::as_slice)).collect();
    let times: BTreeSet<DateTime<Utc>> = of_week.iter().flat_map(|i| i.iter().map(|(at, _)| *at)).collect();
    let known = |at: DateTime<Utc>| {
        let value = |i: &[(DateTime<Utc>, Option<f64>)]| i.iter().rev().find(|(t, _)| *t <= at)?.1;
        of_week.iter().map(|i| value(i)).sum::<Option<f64>>().map(|sum| sum.max(0.0))
    };
    let over = times.into_iter().filter(|at| cadence == Cadence::Week || at.date_naive() > end);
    let mut found: Vec<(DateTime<Utc>, Option<f64>)> = Vec::new();
    for at in over {
        let value = known(at);
        let before = found.last().and_then(|(_, v)| *v);
        if value != before {
            found.push((at, value));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}T12:00:00Z").parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_has_its_first_figure_its_corrections_and_its_end() {
        let week = date("2025-02-02");
        let of_week = vec![
            (at("2025-02-03"), None),
            (at("2025-02-05"), Some(3.0)),
            (at("2025-02-06"), Some(3.0)),
            (at("2025-02-12"), Some(4.0)),
            (at("2025-02-19"), None),
        ];
        let found = versions(&[(week, of_week)].into(), week, Cadence::Week);
        let wanted = [("2025-02-05", Some(3.0)), ("2025-02-12", Some(4.0)), ("2025-02-19", None)]
            .map(|(t, v)| (at(t), v));
        assert_eq!(found, wanted);
        assert!(versions(&Issues::new(), week, Cadence::Week).is_empty());
    }

    #[test]
    fn seven_days_are_a_week_once_it_is_over() {
        let end = date("2025-02-02");
        let mut issues: Issues = (0..7)
            .map(|back| end - Days::new(back))
            .map(|day| (day, vec![(day.and_hms_opt(12, 0, 0).unwrap().and_utc(), Some(1.0))]))
            .collect();
        assert!(versions(&issues, end, Cadence::Day).is_empty(), "the last day was still going on");
        issues.entry(end).or_default().push((at("2025-02-04"), Some(3.0)));
        assert_eq!(versions(&issues, end, Cadence::Day), [(at("2025-02-04"), Some(9.0))]);
        issues.remove(&(end - Days::new(3)));
        assert!(versions(&issues, end, Cadence::Day).is_empty(), "a day is missing");
    }
}
