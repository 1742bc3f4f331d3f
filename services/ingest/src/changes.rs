//! From vintages to changes: an issue is a row only when it says something new about its cell.

use crate::Row;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{PlaceId, SignalId, Status};
use std::collections::{BTreeMap, BTreeSet};

/// One cell of a table: signal, place, date.
pub type Cell = (SignalId, PlaceId, NaiveDate);

/// What was published for a cell at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// When.
    pub issued_at: DateTime<Utc>,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// What kind of value it is.
    pub status: Status,
    /// The payload it was read from, as an index that the caller keeps.
    pub payload: usize,
}

/// Everything published for the cells of one source, cell by cell, in the order in which payloads were added.
#[derive(Debug, Default)]
pub struct Log {
    cells: BTreeMap<Cell, Vec<Issue>>,
}

/// How a log became shorter.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// Issues that repeated what was known.
    pub unchanged: u64,
    /// Issues of the same time from a payload added later, with the same content.
    pub confirmed: u64,
    /// Issues of the same time from a payload added later, with other content: the payload added first wins.
    pub contradicted: u64,
}

impl Log {
    /// Adds what a payload says.
    pub fn add(&mut self, rows: Vec<Row>, payload: usize) {
        for row in rows {
            let issue = Issue { issued_at: row.issued_at, value: row.value, status: row.status, payload };
            self.cells.entry((row.signal, row.place, row.reference_date)).or_default().push(issue);
        }
    }

    /// Adds one known value of a cell.
    pub fn add_known(&mut self, cell: Cell, issued_at: DateTime<Utc>, value: Option<f64>, status: Status) {
        self.cells.entry(cell).or_default().push(Issue { issued_at, value, status, payload: 0 });
    }

    /// How many cells are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Is no cell known?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The last number known of each cell; a cell whose last issue has none (missing, withdrawn) is not in it.
    #[must_use]
    pub fn newest(&self) -> BTreeMap<Cell, f64> {
        self.newest_before(DateTime::<Utc>::MAX_UTC)
    }

    /// The last number that was known of each cell before `at`.
    #[must_use]
    pub fn newest_before(&self, at: DateTime<Utc>) -> BTreeMap<Cell, f64> {
        let last = |issues: &Vec<Issue>| {
            let before = issues.iter().filter(|i| i.issued_at < at);
            before.max_by_key(|i| i.issued_at).and_then(|i| i.value)
        };
        self.cells.iter().filter_map(|(cell, issues)| Some((cell.clone(), last(issues)?))).collect()
    }

    /// How many cells of these signals were known before `at`.
    pub fn known_before(&self, signals: &[&SignalId], at: DateTime<Utc>) -> usize {
        let known = |(cell, issues): &(&Cell, &Vec<Issue>)| {
            signals.contains(&&cell.0) && issues.iter().any(|i| i.issued_at < at)
        };
        self.cells.iter().filter(known).count()
    }

    /// The cells that a payload with complete history no longer holds, as withdrawn rows: of the payload's signals
    /// and places those known before its issue.
    pub fn withdrawn(&self, rows: &[Row]) -> Vec<Row> {
        let Some(issued_at) = rows.first().map(|r| r.issued_at) else { return Vec::new() };
        let about: BTreeSet<_> = rows.iter().map(|r| (&r.signal, &r.place)).collect();
        let cells: BTreeSet<_> = rows.iter().map(|r| (&r.signal, &r.place, r.reference_date)).collect();
        let gone = self.cells.iter().filter(|((signal, place, date), issues)| {
            let last = issues.iter().filter(|i| i.issued_at < issued_at).max_by_key(|i| i.issued_at);
            about.contains(&(signal, place))
                && !cells.contains(&(signal, place, *date))
                && last.is_some_and(|i| i.status != Status::Withdrawn)
        });
        let row = |((signal, place, date), _): (&Cell, _)| Row {
            signal: signal.clone(),
            place: place.clone(),
            reference_date: *date,
            issued_at,
            value: None,
            status: Status::Withdrawn,
        };
        gone.map(row).collect()
    }

    /// Per cell the issues in the order of their times, without those that change nothing.
    pub fn fold(self) -> (BTreeMap<Cell, Vec<Issue>>, Folded) {
        let mut folded = Folded::default();
        let cells = self.cells.into_iter().map(|(cell, mut issues)| {
            issues.sort_by_key(|i| (i.issued_at, i.payload));
            let mut kept: Vec<Issue> = Vec::with_capacity(issues.len());
            // The last issue looked at, also when it was not kept: one time has one content.
            let mut last: Option<Issue> = None;
            for issue in issues {
                let same = |a: &Issue| a.value == issue.value && a.status == issue.status;
                if let Some(before) = &last {
                    if before.issued_at == issue.issued_at {
                        if same(before) {
                            folded.confirmed += 1
                        } else {
                            folded.contradicted += 1
                        }
                        continue;
                    }
                    if same(before) {
                        folded.unchanged += 1;
                        last = Some(issue);
                        continue;
                    }
                }
                last = Some(issue.clone());
                kept.push(issue);
            }
            (cell, kept)
        });
        (cells.collect(), folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hour * 3600, 0).unwrap()
    }

    fn row(day: u32, hour: i64, value: f64) -> Row {
        Row {
            signal: SignalId::new("x").unwrap(),
            place: PlaceId::new("FR").unwrap(),
            reference_date: NaiveDate::from_ymd_opt(2021, 1, day).unwrap(),
            issued_at: at(hour),
            value: Some(value),
            status: Status::Observed,
        }
    }

    #[test]
    fn the_payload_added_first_wins_and_the_rest_is_counted() {
        let mut log = Log::default();
        log.add(vec![row(1, 5, 1.0), row(1, 9, 2.0)], 0);
        log.add(vec![row(1, 5, 1.0), row(1, 9, 3.0), row(1, 7, 1.0)], 1);
        let (cells, folded) = log.fold();
        let issues = cells.values().next().unwrap();
        assert_eq!(
            issues.iter().map(|i| (i.issued_at, i.value)).collect::<Vec<_>>(),
            [(at(5), Some(1.0)), (at(9), Some(2.0))]
        );
        assert_eq!(folded, Folded { unchanged: 1, confirmed: 1, contradicted: 1 });
    }

    #[test]
    fn a_cell_that_left_a_complete_history_was_taken_back() {
        let mut log = Log::default();
        log.add(vec![row(1, 5, 1.0), row(2, 5, 2.0)], 0);
        let next = vec![row(2, 9, 2.0), row(3, 9, 1.0)];
        let gone = log.withdrawn(&next);
        assert_eq!(gone.len(), 1);
        assert_eq!(
            (gone[0].reference_date, gone[0].issued_at, gone[0].status),
            (row(1, 0, 0.0).reference_date, at(9), Status::Withdrawn)
        );
        log.add(next, 1);
        log.add(gone, 1);
        assert!(log.withdrawn(&[row(2, 12, 2.0), row(3, 12, 1.0)]).is_empty(), "taken back once");
    }

    proptest! {
        /// Reading the folded log as of any time gives what a naive replay of all vintages gives.
        #[test]
        fn folding_changes_no_as_of(rows in proptest::collection::vec((1u32..4, 0i64..12, 0u8..3), 0..60)) {
            let mut log = Log::default();
            let mut replay: BTreeMap<(u32, i64), f64> = BTreeMap::new();
            for (payload, (day, hour, value)) in rows.into_iter().enumerate() {
                log.add(vec![row(day, hour, f64::from(value))], payload);
                replay.entry((day, hour)).or_insert(f64::from(value));
            }
            let (cells, _) = log.fold();
            for day in 1u32..4 {
                for hour in 0i64..12 {
                    let naive = replay.range((day, 0)..=(day, hour)).next_back().map(|(_, v)| *v);
                    let ours = cells.iter().filter(|(c, _)| c.2 == row(day, 0, 0.0).reference_date)
                        .flat_map(|(_, issues)| issues.iter().rfind(|i| i.issued_at <= at(hour)))
                        .next().and_then(|i| i.value);
                    prop_assert_eq!(naive, ours);
                }
            }
        }
    }
}
