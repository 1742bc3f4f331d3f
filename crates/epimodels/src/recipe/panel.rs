use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};

use super::season::number;

/// All series, as they were known on one date.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// The series, in any order; the order decides nothing but that of the forecasts.
    pub series: Vec<Series>,
}

/// One weekly series of one source and place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Identifier, unique in the panel; a fitted model finds the scale of a series by it.
    pub id: String,
    /// Name of its [`super::Group`].
    pub group: String,
    /// Persons who live there; `None` where the group does not need it.
    pub population: Option<f64>,
    /// Whether it stands for the whole country in its group.
    pub national: bool,
    /// Whether it is to be forecast (a series of history is not).
    pub forecast: bool,
    /// Whether its rows stand in the pool several times.
    pub focus: bool,
    /// End of the first week.
    pub first: NaiveDate,
    /// Values of consecutive weeks, in the unit of the group; `None`: not known.
    pub values: Vec<Option<f64>>,
    /// For the nowcast: what was known of the newest week at earlier origins.
    pub first_reports: Vec<FirstReport>,
}

/// The newest value of a series at an earlier origin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FirstReport {
    /// End of the week.
    pub week: NaiveDate,
    /// Its value as first seen.
    pub value: f64,
}

/// One published value of one week of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Issue {
    /// End of the week.
    pub week: NaiveDate,
    /// When it was published.
    pub issued: NaiveDate,
    /// The value; `None` withdraws it.
    pub value: Option<f64>,
}

/// Values of consecutive weeks as known at the end of `day`: of each week the last issue not after it, the first
/// week first. Of two issues of one day the later in the slice counts. `None` if nothing was known.
#[must_use]
pub fn as_known(issues: &[Issue], day: NaiveDate) -> Option<(NaiveDate, Vec<Option<f64>>)> {
    let mut last: BTreeMap<NaiveDate, (NaiveDate, Option<f64>)> = BTreeMap::new();
    for issue in issues.iter().filter(|i| i.issued <= day) {
        let known = last.entry(issue.week).or_insert((issue.issued, issue.value));
        if issue.issued >= known.0 {
            *known = (issue.issued, issue.value);
        }
    }
    consecutive(last.into_iter().filter_map(|(week, (_, value))| Some((week, value?))))
}

/// From (week, value) pairs in order of the week to consecutive weeks.
fn consecutive(pairs: impl Iterator<Item = (NaiveDate, f64)>) -> Option<(NaiveDate, Vec<Option<f64>>)> {
    let mut pairs = pairs.peekable();
    let first = pairs.peek()?.0;
    let mut values = Vec::new();
    for (week, value) in pairs {
        let place = usize::try_from(number(week) - number(first)).unwrap_or(0);
        values.resize(place.max(values.len()), None);
        if place == values.len() { values.push(Some(value)) } else { values[place] = Some(value) }
    }
    Some((first, values))
}

impl Series {
    /// A series of history, without population: add what differs.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        group: impl Into<String>,
        first: NaiveDate,
        values: Vec<Option<f64>>,
    ) -> Self {
        Self {
            id: id.into(),
            group: group.into(),
            population: None,
            national: false,
            forecast: false,
            focus: false,
            first,
            values,
            first_reports: Vec::new(),
        }
    }

    /// A series from its issues as known at the end of `origin − lag_days`, with the first reports at the
    /// `origins` weekly origins before it. Where the newest week known at an earlier origin was not the one that
    /// is expected (`expected_days` after the origin: −7 for a week that ends a week before), there is no report.
    #[must_use]
    pub fn from_issues(
        id: impl Into<String>,
        group: impl Into<String>,
        issues: &[Issue],
        origin: NaiveDate,
        lag_days: i64,
        (origins, expected_days): (usize, i64),
    ) -> Option<Self> {
        let known = |origin: NaiveDate| as_known(issues, origin - Duration::days(lag_days));
        let (first, values) = known(origin)?;
        let earlier = (1..=origins).filter_map(|back| {
            let before = origin - Duration::weeks(i64::try_from(back).ok()?);
            let week = before + Duration::days(expected_days);
            let (first, values) = known(before)?;
            let newest = first + Duration::weeks(i64::try_from(values.len()).ok()? - 1);
            (newest == week).then_some(FirstReport { week, value: values.last().copied().flatten()? })
        });
        let first_reports = earlier.collect();
        Some(Self { first_reports, ..Self::new(id, group, first, values) })
    }

    /// End of the last week with a value.
    #[must_use]
    pub fn last_known(&self) -> Option<NaiveDate> {
        let place = self.values.iter().rposition(|v| v.is_some_and(f64::is_finite))?;
        Some(self.first + Duration::weeks(i64::try_from(place).ok()?))
    }

    /// The value of the week that ends on `week`.
    #[must_use]
    pub fn at(&self, week: NaiveDate) -> Option<f64> {
        let place = usize::try_from(number(week) - number(self.first)).ok()?;
        self.values.get(place).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2025, 1, d).unwrap()
    }

    #[test]
    fn an_earlier_day_does_not_see_a_later_issue_and_a_withdrawal_leaves_a_gap() {
        let issue = |w, i, value| Issue { week: day(w), issued: day(i), value };
        let issues =
            [issue(4, 8, Some(5.0)), issue(18, 22, Some(9.0)), issue(4, 15, Some(7.0)), issue(4, 29, None)];
        assert_eq!(as_known(&issues, day(10)), Some((day(4), vec![Some(5.0)])));
        assert_eq!(as_known(&issues, day(22)), Some((day(4), vec![Some(7.0), None, Some(9.0)])));
        assert_eq!(as_known(&issues, day(31)), Some((day(18), vec![Some(9.0)])));
        assert_eq!(as_known(&issues, day(1)), None);
    }

    #[test]
    fn first_reports_are_the_newest_value_at_each_earlier_origin() {
        let issue = |w, i, v| Issue { week: day(w), issued: day(i), value: Some(v) };
        let issues = [issue(4, 8, 5.0), issue(11, 15, 6.0), issue(4, 15, 5.5), issue(18, 22, 8.0)];
        let s = Series::from_issues("a", "g", &issues, day(25), 2, (8, -7)).unwrap();
        assert_eq!(
            s.first_reports,
            [FirstReport { week: day(11), value: 6.0 }, FirstReport { week: day(4), value: 5.0 }]
        );
        assert_eq!((s.last_known(), s.at(day(4))), (Some(day(18)), Some(5.5)));
    }
}
