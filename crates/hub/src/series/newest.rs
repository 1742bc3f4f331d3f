use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};

use super::reading::{Asked, Index, Reading};
use super::source::{AS_OF, LOCATION, Source, TARGET};
use super::{Archive, Observed};
use crate::HubError;
use crate::model_output::Task;
use crate::table::{Parts, Texts, place_code};

/// The series that are asked for, and of all of them the first week.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    series: HashSet<(String, String)>,
    first: NaiveDate,
}

impl Wanted {
    /// What is needed for these tasks.
    pub(crate) fn of<'a>(tasks: impl Iterator<Item = &'a Task> + Clone) -> Self {
        let first = tasks.clone().map(|task| task.target_end_date).min().unwrap_or_default();
        let series: HashSet<_> = tasks.map(|task| (task.target.as_str(), task.location.as_str())).collect();
        Self { series: series.into_iter().map(|(t, l)| (t.to_owned(), l.to_owned())).collect(), first }
    }
}

impl Archive {
    /// As [`Archive::read`] of all targets, for whom only what is known last matters: goes through the file from its end,
    /// and leaves those parts (row groups) out of which every row is of a series that is not wanted, or older than a
    /// publication of its series that reaches back to the first wanted week. Of what is wanted [`Archive::last`] says the
    /// same, and the last day is the same. `wanted` is asked after the last part was read; without an answer everything
    /// is read.
    ///
    /// # Errors
    /// As [`Archive::read`], of the parts that were read.
    pub(crate) fn read_newest(
        hub: &Path,
        until: Option<NaiveDate>,
        wanted: impl FnOnce() -> Option<Wanted>,
    ) -> Result<Self, HubError> {
        let source = Source::find(hub, true)?;
        let mut read = Reading::new(Asked { undated: true, ..Asked::of(&[], until) }, source.target);
        let mut found: Vec<BTreeMap<Option<NaiveDateTime>, Vec<Observed>>> = Vec::new();
        let mut newer = Newer::default();
        let (mut ask, mut answer) = (Some(wanted), None);
        for file in source.files(until).rev() {
            let Some(parts) = source.open(file, &mut read.unused)? else { continue };
            for part in (0..parts.count()).rev() {
                if !found.is_empty() {
                    if let Some(wanted) = ask.take().and_then(|ask| ask()) {
                        found.iter().for_each(|snapshots| newer.add(snapshots, wanted.first));
                        answer = Some(wanted);
                    }
                    if let Some(wanted) = &answer
                        && !newer.may_matter(&parts, part, wanted, &read.index)?
                    {
                        continue;
                    }
                }
                parts.read(part..part + 1, |row| read.take(&parts, row))?;
                read.end();
                let snapshots = std::mem::take(&mut read.snapshots);
                if let Some(wanted) = &answer {
                    newer.add(&snapshots, wanted.first);
                }
                found.push(snapshots);
            }
        }
        // As in the file: of two rows for one week of one publication the later holds.
        for (day, mut rows) in found.into_iter().rev().flatten() {
            read.snapshots.entry(day).or_default().append(&mut rows);
        }
        Self::of(source.path.clone(), read, &[])
    }
}

/// What was read already.
#[derive(Default)]
struct Newer {
    /// The last publication of each series that reaches back to the first wanted week.
    whole: HashMap<u32, NaiveDate>,
    /// The day of the last of all.
    last: NaiveDate,
}

impl Newer {
    fn add(&mut self, snapshots: &BTreeMap<Option<NaiveDateTime>, Vec<Observed>>, first: NaiveDate) {
        let dated = snapshots.iter().filter_map(|(at, rows)| Some(((*at)?.date(), rows)));
        for (day, rows) in dated {
            self.last = self.last.max(day);
            // Who gives one week twice may in the end have given none.
            let doubled = doubled(rows);
            for row in rows.iter().filter(|row| row.week <= first && !doubled.contains(&row.key)) {
                let whole = self.whole.entry(row.key).or_insert(day);
                *whole = (*whole).max(day);
            }
        }
    }

    /// Whether the part may say something that counts.
    fn may_matter(
        &self,
        parts: &Parts<'_>,
        part: usize,
        wanted: &Wanted,
        index: &Index,
    ) -> Result<bool, HubError> {
        let Some(day) = parts.last_day(part, AS_OF).filter(|day| *day < self.last) else { return Ok(true) };
        let open = |(target, location): &&(String, String)| {
            let key = index.find(target, location);
            key.and_then(|key| self.whole.get(&key)).is_none_or(|whole| *whole <= day)
        };
        let open: Vec<&(String, String)> = wanted.series.iter().filter(open).collect();
        if open.is_empty() {
            return Ok(false);
        }
        let (targets, locations) = (parts.texts(part, TARGET)?, parts.texts(part, LOCATION)?);
        fn has(texts: Option<&Texts>, is: impl Fn(&String) -> bool) -> bool {
            texts.is_none_or(|texts| texts.iter().flatten().any(is))
        }
        let there = |(target, location): &&(String, String)| {
            has(targets.as_ref(), |t| t == target)
                && has(locations.as_ref(), |l| l == location || place_code(l) == *location)
        };
        Ok(open.iter().any(there))
    }
}

/// Series of which a publication gives a week more than once.
fn doubled(rows: &[Observed]) -> HashSet<u32> {
    let of = |row: &Observed| (row.key, row.week);
    if rows.windows(2).all(|pair| of(&pair[0]) < of(&pair[1])) {
        return HashSet::new();
    }
    let mut once = HashSet::new();
    rows.iter().filter(|row| !once.insert(of(row))).map(|row| row.key).collect()
}
