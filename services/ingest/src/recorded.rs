//! The recording of official payloads: which files there are, and when each was issued.
//!
//! The recording is no part of the project (`VIGIE_SHARED`, or the folder `shared` beside it); the extract is made
//! from it once, and tests read it when it is there.

use crate::parsed::end_of_day;
use crate::source::{Feed, Issued, Recording, Source};
use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the recording lies: `VIGIE_SHARED`, else `../shared` from the project's root.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    std::env::var_os("VIGIE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from)
}

/// What the recording's manifest says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// SHA-256 of the unpacked bytes.
    pub sha256: String,
    /// Where the copy came from, with a commit and a time where known.
    pub obtained_from: String,
}

/// The recording's manifest, by path below the recording.
#[derive(Debug, Default)]
pub struct Manifest(BTreeMap<String, Entry>);

impl Manifest {
    /// Reads `data/MANIFEST.csv`.
    ///
    /// # Errors
    /// When it is not there or not a table.
    pub fn read(shared: &Path) -> anyhow::Result<Self> {
        let path = shared.join("data/MANIFEST.csv");
        let mut reader =
            csv::Reader::from_path(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut entries = BTreeMap::new();
        for record in reader.records() {
            let record = record.with_context(|| format!("{} is broken", path.display()))?;
            let cell = |i: usize| record.get(i).unwrap_or("").to_owned();
            entries.insert(format!("data/{}", cell(0)), Entry { sha256: cell(4), obtained_from: cell(5) });
        }
        Ok(Self(entries))
    }

    /// What it says of a file; the forecast archives are not in it.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.0.get(path)
    }
}

/// One recorded payload, unpacked.
#[derive(Debug)]
pub struct Payload {
    /// Its path below the recording.
    pub path: String,
    /// Its name without folders.
    pub file: String,
    /// The feed that reads it.
    pub feed: &'static str,
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When it was issued, as far as the recording knows; for payloads that state their times, when it was copied.
    pub at: Option<DateTime<Utc>>,
    /// Does the payload state its issue times?
    pub inside: bool,
}

/// The recorded payloads of a source, in the order of its declaration, files of one recording by issue time.
///
/// # Errors
/// When a folder is missing, a file is broken, or a file is not the one that the manifest names.
pub fn payloads(shared: &Path, source: &Source, manifest: &Manifest) -> anyhow::Result<Vec<Payload>> {
    let mut all = Vec::new();
    for recording in source.recordings {
        let mut found = Vec::new();
        for file in names(shared, recording)? {
            found.push(payload(shared, recording, &file, manifest)?);
        }
        if found.is_empty() {
            bail!(
                "no file {}/{}*{} in {}",
                recording.folder,
                recording.prefix,
                recording.suffix,
                shared.display()
            );
        }
        found.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
        all.extend(found);
    }
    Ok(all)
}

/// One recorded payload of a source by its path below the recording: the feed that reads it, and its bytes, unpacked.
///
/// # Errors
/// When the source declares no such recording, or the file cannot be read.
pub fn one(shared: &Path, source: &Source, path: &str) -> anyhow::Result<(&'static Feed, Vec<u8>)> {
    let (folder, file) = path.rsplit_once('/').unwrap_or_default();
    let recording = source.recordings.iter().find(|r| r.folder == folder && r.names(file));
    let feed = recording.and_then(|r| source.feed(r.feed));
    let feed = feed.with_context(|| format!("{} declares no recording {path}", source.id))?;
    Ok((feed, unpacked(shared, path)?.1))
}

/// The folder of tables that this project made itself of what it was not given, among its figures.
pub const KEPT: &str = "data/sites";

/// Where a recording's files lie: in `shared`, and what the project keeps itself in the project, here or in a folder above.
fn place(shared: &Path, folder: &str) -> anyhow::Result<PathBuf> {
    if folder != KEPT {
        return Ok(shared.join(folder));
    }
    let here = std::env::current_dir()?;
    let kept = here.ancestors().map(|at| at.join(KEPT)).find(|at| at.is_dir());
    kept.with_context(|| {
        format!("{KEPT} is neither in {} nor above it: run this in the project", here.display())
    })
}

/// A file of the recording, as it lies there and unpacked.
fn unpacked(shared: &Path, path: &str) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let (folder, file) = path.rsplit_once('/').unwrap_or_default();
    let at = place(shared, folder)?.join(file);
    let packed = std::fs::read(at).with_context(|| format!("{path} cannot be read"))?;
    let bytes = crate::body::unpack(&packed).with_context(|| path.to_owned())?;
    Ok((packed, bytes))
}

fn names(shared: &Path, recording: &Recording) -> anyhow::Result<Vec<String>> {
    let folder = place(shared, recording.folder)?;
    let list = std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let names = list.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<std::io::Result<_>>()?;
    Ok(names.into_iter().filter(|n| recording.names(n)).collect())
}

fn payload(shared: &Path, recording: &Recording, file: &str, manifest: &Manifest) -> anyhow::Result<Payload> {
    let path = format!("{}/{file}", recording.folder);
    let (packed, bytes) = unpacked(shared, &path)?;
    let sha256 = crate::body::sha256(&bytes);
    let entry = manifest.get(&path);
    // A file that its publisher had packed already is named by its packed bytes.
    if entry.is_some_and(|e| e.sha256 != sha256 && e.sha256 != crate::body::sha256(&packed)) {
        bail!("{path} is not the file that the recording's manifest names: its sha256 is {sha256}");
    }
    let copied = entry.and_then(|e| time_in(&e.obtained_from));
    let at = copied.or_else(|| time_in_name(file)).or_else(|| entry.and_then(|e| date_in(&e.obtained_from)));
    let inside = recording.issued == Issued::Inside;
    if at.is_none() && !inside {
        bail!("{path}: neither its name nor the manifest says when it was issued");
    }
    Ok(Payload { path, file: file.to_owned(), feed: recording.feed, sha256, bytes, at, inside })
}

/// The full time in `owner/repository:path@commit (2022-08-09T17:42:29+02:00)`.
fn time_in(text: &str) -> Option<DateTime<Utc>> {
    let text = text.rsplit_once('(')?.1.split_once(')')?.0;
    DateTime::parse_from_rfc3339(text).ok().map(|t| t.to_utc())
}

/// The date in `… (2022-08-09)` or `… (retrieved 2022-08-09)`: the end of that day.
fn date_in(text: &str) -> Option<DateTime<Utc>> {
    let text = text.rsplit_once('(')?.1.split_once(')')?.0;
    text.rsplit(' ').next()?.parse().ok().map(end_of_day)
}

/// The vintage in a file's name: `2024-11-15T204540Z`, or a date (also `20241115`) that is not the period's end (`to-…`).
fn time_in_name(name: &str) -> Option<DateTime<Utc>> {
    let starts = (0..name.len()).filter(|i| name.as_bytes()[*i].is_ascii_digit());
    starts.filter(|i| !name[..*i].ends_with("to-")).find_map(|i| {
        let time =
            name.get(i..i + 18).and_then(|t| NaiveDateTime::parse_from_str(t, "%Y-%m-%dT%H%M%SZ").ok());
        let date = || name.get(i..i + 10).and_then(|d| NaiveDate::parse_from_str(d, "%Y-%m-%d").ok());
        let compact = || {
            let digits = name.get(i..i + 9).and_then(|d| d.strip_suffix('.'))?;
            NaiveDate::parse_from_str(digits, "%Y%m%d").ok().filter(|_| name[..i].ends_with('_'))
        };
        time.map(|t| t.and_utc()).or_else(|| date().or_else(compact).map(end_of_day))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vintage_is_read_from_the_name_and_never_from_the_period() {
        let at = |t: &str| DateTime::parse_from_rfc3339(t).unwrap().to_utc();
        for (name, time) in [
            ("a_2024-11-15T204540Z_truncated.csv.gz", Some(at("2024-11-15T20:45:40Z"))),
            ("flu_retrieved-2025-10-22_to-2025-07-28.csv", Some(at("2025-10-22T23:59:59Z"))),
            ("WHO-COVID-19-global-data_to-2024-08-04.csv.gz", None),
            ("9mfq-cb36_2021-03-02.csv.gz", Some(at("2021-03-02T23:59:59Z"))),
            ("truth_JHU-Incident_Cases.csv.gz", None),
            ("backup_20241119.csv.gz", Some(at("2024-11-19T23:59:59Z"))),
        ] {
            assert_eq!(time_in_name(name), time, "{name}");
        }
        assert_eq!(time_in("x:y@b80b963a26dd (2022-08-09T17:42:29+02:00)"), Some(at("2022-08-09T15:42:29Z")));
        assert_eq!(date_in("a/b (retrieved 2026-10-08)"), Some(at("2026-10-08T23:59:59Z")));
        assert_eq!(time_in("a/b HEAD").or_else(|| date_in("a/b HEAD")), None);
    }
}
