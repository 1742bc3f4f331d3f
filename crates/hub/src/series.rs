use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::{HubError, table};

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
    snapshots: BTreeMap<NaiveDate, Vec<Observed>>,
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
    /// published on or before `until`.
    ///
    /// # Errors
    /// No such file, a column that is missing, a cell that is not what its column says (with its row).
    pub fn read(hub: &Path, targets: &[&str], until: Option<NaiveDate>) -> Result<Self, HubError> {
        let path = time_series(hub)?;
        let mut index = Index::default();
        let mut snapshots: BTreeMap<NaiveDate, Vec<Observed>> = BTreeMap::new();
        // Rows of one publication stand together: those that belong to `day`.
        let (mut day, mut rows) = (NaiveDate::MIN, Vec::new());
        let columns = ["as_of", "target", "target_end_date|date", "location", "observation|value"];
        table::for_each(&path, &columns, |row| {
            let as_of = row.day(0)?;
            let target = row.text(1)?;
            if until.is_some_and(|until| as_of > until)
                || !targets.is_empty() && !targets.contains(&target.as_ref())
            {
                return Ok(());
            }
            if as_of != day {
                file_under(day, &mut rows, &mut snapshots);
                day = as_of;
            }
            let key = index.of(&target, &row.text(3)?);
            rows.push(Observed { key, week: row.day(2)?, value: row.number(4)?.unwrap_or(f64::NAN) });
            Ok(())
        })?;
        file_under(day, &mut rows, &mut snapshots);
        let keys = index.keys;
        if snapshots.is_empty() {
            let of = if targets.is_empty() { String::new() } else { format!(" of {}", targets.join(", ")) };
            return Err(HubError::content(&path, format!("has no row{of}")));
        }
        Ok(Self { path, keys, snapshots })
    }

    /// The file that was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Days of publication, ascending.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = NaiveDate> + '_ {
        self.snapshots.keys().copied()
    }

    /// What was known at the end of each of `days` (ascending): of a series its last snapshot, and before the
    /// first week of that snapshot the one before. A week missing inside a snapshot was withdrawn; a week before
    /// its beginning was only cut off (publishers shorten their window, and sometimes publish two weeks alone).
    #[must_use]
    pub fn known(&self, days: &[NaiveDate]) -> Vec<Known> {
        let mut state: Vec<BTreeMap<NaiveDate, f64>> = vec![BTreeMap::new(); self.keys.len()];
        let mut snapshots = self.snapshots.iter().peekable();
        let mut answers = Vec::with_capacity(days.len());
        for day in days {
            while let Some((_, rows)) = snapshots.next_if(|(as_of, _)| *as_of <= day) {
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

fn file_under(day: NaiveDate, rows: &mut Vec<Observed>, snapshots: &mut BTreeMap<NaiveDate, Vec<Observed>>) {
    if !rows.is_empty() {
        snapshots.entry(day).or_default().append(rows);
    }
}

/// The number of each series.
#[derive(Default)]
struct Index {
    keys: Vec<SeriesKey>,
    by_target: HashMap<String, HashMap<String, u32>>,
    last: u32,
}

impl Index {
    fn of(&mut self, target: &str, location: &str) -> u32 {
        // Neighbours are mostly of one series.
        if self.keys.get(self.last as usize).is_none_or(|k| k.location != location || k.target != target) {
            self.last = self.look_up(target, location);
        }
        self.last
    }

    fn look_up(&mut self, target: &str, location: &str) -> u32 {
        if let Some(key) = self.by_target.get(target).and_then(|of| of.get(location)) {
            return *key;
        }
        let key = self.keys.len() as u32;
        self.keys.push(SeriesKey { target: target.to_owned(), location: location.to_owned() });
        self.by_target.entry(target.to_owned()).or_default().insert(location.to_owned(), key);
        key
    }
}

fn time_series(hub: &Path) -> Result<PathBuf, HubError> {
    let folder = hub.join("target-data");
    let names = ["time-series.parquet", "time-series.csv", "time-series.csv.gz"];
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| HubError::content(&folder, format!("holds none of {}", names.join(", "))))
}
