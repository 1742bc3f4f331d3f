use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike, NaiveDate, NaiveDateTime, Weekday};

use super::source::{AS_OF, KIND, LOCATION, TARGET, VALUE, WEEK};
use super::{Observed, SeriesKey};
use crate::table::{Parts, Row};
use crate::{HubError, Unused};

/// Of a series the largest figure that there can be, or why none of its rows is used.
pub(crate) type Bound<'a> = dyn Fn(&SeriesKey) -> Result<f64, String> + Sync + 'a;

/// What is wanted of the target data.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// These targets; all, if empty.
    pub(crate) targets: &'a [&'a str],
    /// Only what was published on or before this day.
    pub(crate) until: Option<NaiveDate>,
    /// Only weeks that end on this day; `None`: all.
    pub(crate) weekday: Option<Weekday>,
    /// Asked once for each series.
    pub(crate) bound: &'a Bound<'a>,
    /// Whether a table without days of publication will do.
    pub(crate) undated: bool,
}

impl<'a> Asked<'a> {
    /// All weeks of all places.
    pub(crate) fn of(targets: &'a [&'a str], until: Option<NaiveDate>) -> Self {
        Self { targets, until, weekday: None, bound: &|_| Ok(f64::INFINITY), undated: false }
    }
}

/// The rows so far, by publication.
pub(super) struct Reading<'a> {
    asked: Asked<'a>,
    /// What a row without a target is about.
    target: Option<&'static str>,
    pub(super) index: Index,
    /// Of each series as [`Bound`] says.
    bounds: Vec<Result<f64, String>>,
    /// Those of tables without a day of publication are under `None`.
    pub(super) snapshots: BTreeMap<Option<NaiveDateTime>, Vec<Observed>>,
    pub(super) unused: Unused,
    /// Rows of one publication stand together: those that belong to `at`.
    at: Option<NaiveDateTime>,
    rows: Vec<Observed>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(asked: Asked<'a>, target: Option<&'static str>) -> Self {
        Self {
            asked,
            target,
            index: Index::default(),
            bounds: Vec::new(),
            snapshots: BTreeMap::new(),
            unused: Unused::default(),
            at: None,
            rows: Vec::new(),
        }
    }

    /// The row, if it is of a target that is asked for and was published by then. One that cannot be used is as if it were
    /// not there, and noted.
    pub(super) fn take(&mut self, table: &Parts<'_>, row: &Row<'_>) -> Result<(), HubError> {
        match self.try_take(row, table.has(AS_OF)) {
            Ok(()) => Ok(()),
            Err(error) => self.unused.take(row, error),
        }
    }

    fn try_take(&mut self, row: &Row<'_>, dated: bool) -> Result<(), HubError> {
        let target = match self.target {
            Some(target) if !row.has(TARGET) => target.into(),
            _ => row.text(TARGET)?,
        };
        let targets = self.asked.targets;
        if !targets.is_empty() && !targets.contains(&target.as_ref()) {
            return Ok(());
        }
        // The probabilities of an `oracle-output` are no figures.
        if self.asked.undated && row.has(KIND) && matches!(row.text(KIND)?.as_ref(), "pmf" | "cdf") {
            return Ok(());
        }
        let at = match dated {
            false if self.asked.until.is_some() => {
                return Err(row.refuse("without a column `as_of` nobody can say what was known on a day"));
            }
            false => None,
            true => Some(row.moment(AS_OF)?),
        };
        let day = at.map(|at| at.date());
        if self.asked.until.is_some_and(|until| day.is_some_and(|day| day > until)) {
            return Ok(());
        }
        let key = self.index.of(&target, &row.place(LOCATION)?);
        if key as usize == self.bounds.len() {
            self.bounds.push((self.asked.bound)(&self.index.keys[key as usize]));
        }
        let most = match &self.bounds[key as usize] {
            Ok(most) => *most,
            Err(why) => return Err(row.refuse(why)),
        };
        let (week, value) = (row.day(WEEK)?, row.amount(VALUE)?);
        if let Some(wanted) = self.asked.weekday.filter(|day| *day != week.weekday()) {
            let found = week.weekday();
            return Err(row.refuse(&format!("the week ends on a {found}, those of `{target}` on a {wanted}")));
        }
        if let Some(day) = day.filter(|day| week > *day) {
            return Err(
                row.refuse(&format!("the week to {week} was not over on {day}, when it was published"))
            );
        }
        if let Some(value) = value.filter(|value| *value > most) {
            let SeriesKey { location, .. } = &self.index.keys[key as usize];
            return Err(row.refuse(&format!("{value} is more than there can be of `{target}` in {location}")));
        }
        if at != self.at {
            self.end();
            self.at = at;
        }
        self.rows.push(Observed { key, week, value: value.unwrap_or(f64::NAN) });
        Ok(())
    }

    /// Files the last rows.
    pub(super) fn end(&mut self) {
        if !self.rows.is_empty() {
            self.snapshots.entry(self.at).or_default().append(&mut self.rows);
        }
    }

    /// Of several figures of one publication for one week leaves one: of two the later in the file, as a correction. Where
    /// there are more it is no correction (a vintage of 2024 called every place `US`): then none counts.
    pub(super) fn settle(&mut self) {
        for (at, rows) in &mut self.snapshots {
            let of = |row: &Observed| (row.key, row.week);
            if rows.windows(2).all(|pair| of(&pair[0]) < of(&pair[1])) {
                continue;
            }
            rows.sort_by_key(of);
            let mut kept = Vec::with_capacity(rows.len());
            for same in rows.chunk_by(|a, b| of(a) == of(b)) {
                let mut figures: Vec<f64> =
                    same.iter().map(|row| row.value).filter(|v| v.is_finite()).collect();
                let last = figures.last().copied().unwrap_or(f64::NAN);
                figures.sort_by(f64::total_cmp);
                figures.dedup();
                if figures.len() > 1 {
                    let key = &self.index.keys[same[0].key as usize];
                    let what = doubled(at.map(|at| at.date()), key, figures.len() == 2);
                    self.unused.add_rows(same.len() - usize::from(figures.len() == 2), what);
                }
                if figures.len() <= 2 {
                    kept.push(Observed { value: last, ..same[0] });
                }
            }
            *rows = kept;
        }
    }
}

fn doubled(day: Option<NaiveDate>, SeriesKey { target, location }: &SeriesKey, two: bool) -> String {
    let (many, holds) = if two { ("two", "the later row holds") } else { ("more than two", "none counts") };
    let published = day.map_or_else(|| "there".to_owned(), |day| format!("published on {day}"));
    format!("{published} are {many} figures of `{target}` in {location} for one week: {holds}")
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
