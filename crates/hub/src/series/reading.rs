use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::{Observed, SeriesKey};
use crate::HubError;
use crate::table::Row;

pub(super) const COLUMNS: [&str; 5] =
    ["as_of", "target", "target_end_date|date", "location", "observation|value"];
pub(super) const AS_OF: usize = 0;
pub(super) const TARGET: usize = 1;
pub(super) const LOCATION: usize = 3;

/// The rows so far, by publication.
#[derive(Default)]
pub(super) struct Reading {
    until: Option<NaiveDate>,
    pub(super) index: Index,
    pub(super) snapshots: BTreeMap<NaiveDate, Vec<Observed>>,
    /// Rows of one publication stand together: those that belong to `day`.
    day: NaiveDate,
    rows: Vec<Observed>,
}

impl Reading {
    pub(super) fn new(until: Option<NaiveDate>) -> Self {
        Self { until, ..Self::default() }
    }

    /// The row, if it was published by then.
    pub(super) fn take(&mut self, row: &Row<'_>, target: &str) -> Result<(), HubError> {
        let as_of = row.day(AS_OF)?;
        if self.until.is_some_and(|until| as_of > until) {
            return Ok(());
        }
        if as_of != self.day {
            self.end();
            self.day = as_of;
        }
        let key = self.index.of(target, &row.text(LOCATION)?);
        self.rows.push(Observed { key, week: row.day(2)?, value: row.amount(4)?.unwrap_or(f64::NAN) });
        Ok(())
    }

    /// Files the last rows.
    pub(super) fn end(&mut self) {
        if !self.rows.is_empty() {
            self.snapshots.entry(self.day).or_default().append(&mut self.rows);
        }
    }
}

/// The number of each series.
#[derive(Default)]
pub(super) struct Index {
    pub(super) keys: Vec<SeriesKey>,
    by_target: HashMap<String, HashMap<String, u32>>,
    last: u32,
}

impl Index {
    pub(super) fn of(&mut self, target: &str, location: &str) -> u32 {
        // Neighbours are mostly of one series.
        if self.keys.get(self.last as usize).is_none_or(|k| k.location != location || k.target != target) {
            self.last = self.look_up(target, location);
        }
        self.last
    }

    pub(super) fn find(&self, target: &str, location: &str) -> Option<u32> {
        self.by_target.get(target).and_then(|of| of.get(location)).copied()
    }

    fn look_up(&mut self, target: &str, location: &str) -> u32 {
        if let Some(key) = self.find(target, location) {
            return key;
        }
        let key = self.keys.len() as u32;
        self.keys.push(SeriesKey { target: target.to_owned(), location: location.to_owned() });
        self.by_target.entry(target.to_owned()).or_default().insert(location.to_owned(), key);
        key
    }
}
