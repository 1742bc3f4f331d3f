mod newest;
mod reading;
mod source;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime};

pub(crate) use self::newest::Wanted;
pub(crate) use self::reading::Asked;
use self::reading::{Index, Reading};
use self::source::Source;
use crate::{HubError, Unused};

/// A target at a location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// As in the column `target`.
    pub target: String,
    /// As in the column `location`.
    pub location: String,
}

/// What was known on a day: by series, the value of each week.
pub type Known = BTreeMap<SeriesKey, BTreeMap<NaiveDate, f64>>;

/// All snapshots of the target data of a hub.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    keys: Vec<SeriesKey>,
    /// By the day of publication. `None`: nobody says when it was published.
    snapshots: BTreeMap<Option<NaiveDate>, Vec<Observed>>,
    unused: Unused,
}

#[derive(Debug, Clone, Copy)]
struct Observed {
    key: u32,
    week: NaiveDate,
    /// NaN: withdrawn.
    value: f64,
}

impl Archive {
    /// Reads `target-data/time-series` of the hub directory, of these targets (all, if empty), as far as it was
    /// published on or before `until`. A row that cannot be used is left out ([`Archive::unused`]).
    ///
    /// # Errors
    /// No such file, a column that is missing, no row that can be used.
    pub fn read(hub: &Path, targets: &[&str], until: Option<NaiveDate>) -> Result<Self, HubError> {
        Self::read_asked(hub, &Asked::of(targets, until))
    }

    /// As [`Archive::read`], of what is asked for.
    pub(crate) fn read_asked(hub: &Path, asked: &Asked<'_>) -> Result<Self, HubError> {
        let source = Source::find(hub, asked.undated)?;
        let mut read = Reading::new(*asked, source.target);
        for file in source.files(asked.until) {
            let Some(table) = source.open(file, &mut read.unused)? else { continue };
            table.read(0..table.count(), |row| read.take(&table, row))?;
        }
        read.end();
        Self::of(source.path.clone(), read, asked.targets)
    }

    fn of(path: PathBuf, mut read: Reading<'_>, targets: &[&str]) -> Result<Self, HubError> {
        read.settle();
        let Reading { index: Index { keys, .. }, snapshots, unused, .. } = read;
        if snapshots.is_empty() {
            let of = if targets.is_empty() { String::new() } else { format!(" of {}", targets.join(", ")) };
            let what = if unused.is_empty() {
                format!("has no row{of}")
            } else {
                format!("has no row{of} that can be used\n{}", unused.text().trim_end())
            };
            return Err(HubError::content(&path, what));
        }
        Ok(Self { path, keys, snapshots: by_day(snapshots), unused })
    }

    /// The rows that were not used.
    #[must_use]
    pub fn unused(&self) -> &Unused {
        &self.unused
    }

    /// The file or folder that was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All places, some perhaps more than once.
    pub(crate) fn places(&self) -> impl Iterator<Item = String> + '_ {
        self.keys.iter().map(|key| key.location.clone())
    }

    /// Days of publication, ascending; none where the target data does not say them.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = NaiveDate> + '_ {
        self.snapshots.keys().flatten().copied()
    }

    /// What was known at the end of each of `days` (ascending): of a series the snapshot of its last day, and before the
    /// first week of that snapshot the one before. A week missing inside a snapshot was withdrawn; a week before
    /// its beginning was only cut off (publishers shorten their window, and sometimes publish two weeks alone).
    #[must_use]
    pub fn known(&self, days: &[NaiveDate]) -> Vec<Known> {
        let mut state: Vec<BTreeMap<NaiveDate, f64>> = vec![BTreeMap::new(); self.keys.len()];
        let mut snapshots = self.snapshots.iter().peekable();
        let mut answers = Vec::with_capacity(days.len());
        for day in days {
            while let Some((_, rows)) =
                snapshots.next_if(|(published, _)| published.is_none_or(|at| at <= *day))
            {
                apply(&mut state, rows);
            }
            let known = self.keys.iter().zip(&state).filter(|(_, weeks)| !weeks.is_empty());
            answers.push(known.map(|(key, weeks)| (key.clone(), weeks.clone())).collect());
        }
        answers
    }

    /// What is known at the end of the last day: as [`Archive::known`] of it, by one pass from the last snapshot back.
    #[must_use]
    pub fn last(&self) -> Known {
        let mut state: Vec<BTreeMap<NaiveDate, f64>> = vec![BTreeMap::new(); self.keys.len()];
        // Of each series the first week of the later snapshots: from there on they speak.
        let mut spoken = vec![NaiveDate::MAX; self.keys.len()];
        for rows in self.snapshots.values().rev() {
            let before = spoken.clone();
            for row in rows.iter().filter(|row| row.week < before[row.key as usize]) {
                let key = row.key as usize;
                spoken[key] = spoken[key].min(row.week);
                if row.value.is_finite() {
                    state[key].insert(row.week, row.value);
                }
            }
        }
        let known = self.keys.iter().zip(state).filter(|(_, weeks)| !weeks.is_empty());
        known.map(|(key, weeks)| (key.clone(), weeks)).collect()
    }
}

/// The publications of each day as one snapshot: of a week that several of them give the last holds, and what only an
/// earlier one gives stays. The second of a day is often a correction of one week.
fn by_day(
    publications: BTreeMap<Option<NaiveDateTime>, Vec<Observed>>,
) -> BTreeMap<Option<NaiveDate>, Vec<Observed>> {
    let mut days: BTreeMap<Option<NaiveDate>, Vec<Observed>> = BTreeMap::new();
    for (at, mut rows) in publications {
        let day = days.entry(at.map(|at| at.date())).or_default();
        if !day.is_empty() {
            let later: HashSet<_> = rows.iter().map(|row| (row.key, row.week)).collect();
            day.retain(|row| !later.contains(&(row.key, row.week)));
        }
        day.append(&mut rows);
    }
    days
}

/// Lays a snapshot over what was known before.
fn apply(state: &mut [BTreeMap<NaiveDate, f64>], rows: &[Observed]) {
    let mut first: HashMap<u32, NaiveDate> = HashMap::new();
    for row in rows {
        let earliest = first.entry(row.key).or_insert(row.week);
        *earliest = row.week.min(*earliest);
    }
    for (key, week) in first {
        state[key as usize].split_off(&week);
    }
    for row in rows {
        if row.value.is_finite() {
            state[row.key as usize].insert(row.week, row.value);
        }
    }
}
