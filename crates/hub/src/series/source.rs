//! Where a hub keeps its target data, in the layouts that hubs have used.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::table::Parts;
use crate::{HubError, Unused};

pub(super) const AS_OF: usize = 0;
pub(super) const TARGET: usize = 1;
pub(super) const WEEK: usize = 2;
pub(super) const LOCATION: usize = 3;
pub(super) const VALUE: usize = 4;
pub(super) const KIND: usize = 5;

/// With the day of publication, which hubverse names "time-series".
const DATED: [&str; 5] = ["as_of", "target", "target_end_date|date", "location", "observation|value"];
/// Without it: one state of the truth, of which nobody can say when it was known.
const UNDATED: [&str; 6] = [
    "as_of?",
    "target?",
    "target_end_date|date",
    "location",
    "observation|oracle_value|value",
    "output_type?",
];

const ENDINGS: [&str; 3] = [".parquet", ".csv", ".csv.gz"];

/// What the first season's tables are about; they have no column `target`.
const FIRST_TARGET: &str = "wk inc flu hosp";

/// A file, and what the folders above it say (`name=value`).
type Listed = (PathBuf, Vec<(String, String)>);

/// The files of a hub's target data, in order.
pub(super) struct Source {
    /// The file or folder that was chosen.
    pub(super) path: PathBuf,
    columns: &'static [&'static str],
    files: Vec<Listed>,
    /// What a row without a target is about.
    pub(super) target: Option<&'static str>,
}

impl Source {
    /// The time series of a hub: `time-series` as one file, or as a folder of files whose folders may be columns
    /// (`as_of=2025-11-26/part-0.parquet`). For who needs no day of publication (`undated`) the first that there is of
    /// it, `oracle-output` and `target-hospital-admissions`.
    pub(super) fn find(hub: &Path, undated: bool) -> Result<Self, HubError> {
        let folder = hub.join("target-data");
        let names: &[(&str, Option<&str>)] = &[
            ("time-series", None),
            ("oracle-output", None),
            ("target-hospital-admissions", Some(FIRST_TARGET)),
        ];
        let mut undated_only = None;
        for (place, (name, target)) in names.iter().enumerate() {
            let file = ENDINGS.iter().map(|end| folder.join(format!("{name}{end}"))).find(|p| p.is_file());
            let found = match file {
                Some(path) => Some((path.clone(), vec![(path, Vec::new())])),
                None if folder.join(name).is_dir() => {
                    let path = folder.join(name);
                    let mut files = Vec::new();
                    below(&path, &[], &mut files)?;
                    Some((path, files)).filter(|(_, files)| !files.is_empty())
                }
                None => None,
            };
            let Some((path, files)) = found else { continue };
            if place > 0 && !undated {
                undated_only = Some(path);
                break;
            }
            let columns: &[&str] = if undated { &UNDATED } else { &DATED };
            return Ok(Self { path, columns, files, target: *target });
        }
        Err(match undated_only {
            Some(path) => HubError::content(
                &path,
                "has no day of publication (`as_of`), so nobody can say what was known when; a backtest wants time-series.parquet or time-series.csv beside it, which `vigie hub build` makes from a log of changes",
            ),
            None => HubError::content(
                &folder,
                "holds none of time-series.parquet, time-series.csv, time-series.csv.gz, or a folder time-series of such files",
            ),
        })
    }

    /// The files, in order, without those whose folder says that all of it was published after `until`.
    pub(super) fn files(&self, until: Option<NaiveDate>) -> impl DoubleEndedIterator<Item = &Listed> {
        let later = move |folders: &[(String, String)]| {
            let as_of = folders.iter().find(|(name, _)| name == DATED[AS_OF]);
            let day = as_of.and_then(|(_, text)| text.parse::<NaiveDate>().ok());
            day.zip(until).is_some_and(|(day, until)| day > until)
        };
        self.files.iter().filter(move |(_, folders)| !later(folders))
    }

    /// The table of one of [`Source::files`], opened; a system lets a program have few files open at once, so whoever reads
    /// several closes each before the next. Of several a broken one is not used, and noted.
    pub(super) fn open<'a>(
        &'a self,
        (path, folders): &'a Listed,
        unused: &mut Unused,
    ) -> Result<Option<Parts<'a>>, HubError> {
        let opened = Parts::open_part(path, self.columns, folders).and_then(|table| {
            let fits = self.target.is_some() || table.has(TARGET);
            fits.then_some(table).ok_or_else(|| HubError::content(path, "has no column `target`"))
        });
        match opened {
            Ok(table) => Ok(Some(table)),
            Err(error) if self.files.len() == 1 => Err(error),
            Err(error) => unused.take_file(error).map(|()| None),
        }
    }
}

/// All tables below a folder, in order of their names, with what the folders between say (`name=value`).
fn below(folder: &Path, said: &[(String, String)], files: &mut Vec<Listed>) -> Result<(), HubError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(HubError::file(folder))? {
        paths.push(entry.map_err(HubError::file(folder))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            let mut said = said.to_vec();
            if let Some((column, value)) = name.split_once('=') {
                said.push((column.to_owned(), decoded(value)));
            }
            below(&path, &said, files)?;
        } else if !name.starts_with(['.', '_']) && ENDINGS.iter().any(|end| name.ends_with(end)) {
            files.push((path, said.to_vec()));
        }
    }
    Ok(())
}

/// `%20` is a space, as the writers of such folders escape what a path cannot hold.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|c| std::str::from_utf8(c).ok());
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
