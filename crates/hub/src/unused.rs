//! Rows of a table that were not used, and why: nothing is dropped without a name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::HubError;
use crate::table::Row;

/// Different reasons that are told apart; what comes after them is counted together.
const REASONS: usize = 1000;
/// Lines that a person reads; the table has all.
const LINES: usize = 20;
const OTHERS: &str = "further reasons, too many to name";

/// Rows that were not used, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unused(BTreeMap<String, Seen>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    rows: usize,
    /// File, row and what stands in the row, of the first; nothing where several rows together are meant.
    first: Option<(PathBuf, usize, String)>,
}

impl Unused {
    /// Notes a row.
    pub(crate) fn add(&mut self, row: &Row<'_>, reason: impl Into<String>) {
        self.note(1, Some((row.path().to_owned(), row.number, row.cells())), reason.into());
    }

    /// Notes rows that are not used together.
    pub(crate) fn add_rows(&mut self, rows: usize, reason: String) {
        self.note(rows, None, reason);
    }

    /// Notes a file that is not used at all; what keeps it from being read stays an error.
    pub(crate) fn take_file(&mut self, error: HubError) -> Result<(), HubError> {
        match error {
            HubError::Content { path, what } => {
                self.note(0, None, format!("the file {} {what}", name(&path)));
                Ok(())
            }
            error => Err(error),
        }
    }

    fn note(&mut self, rows: usize, first: Option<(PathBuf, usize, String)>, reason: String) {
        let known = self.0.len() < REASONS || self.0.contains_key(&reason);
        let seen = self.0.entry(if known { reason } else { OTHERS.to_owned() }).or_default();
        seen.rows += rows;
        // Who reads a file from its end finds the first row last.
        seen.first = match (seen.first.take(), first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Notes a row that cannot be read; what is wrong with the file itself stays an error.
    pub(crate) fn take(&mut self, row: &Row<'_>, error: HubError) -> Result<(), HubError> {
        match error {
            HubError::Content { what, .. } => {
                let prefix = format!("row {}: ", row.number);
                self.add(row, what.strip_prefix(&prefix).unwrap_or(&what));
                Ok(())
            }
            error => Err(error),
        }
    }

    /// Adds what was not used elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        for (reason, Seen { rows, first }) in other.0 {
            self.note(rows, first, reason);
        }
    }

    /// What is not told already.
    pub(crate) fn beside(mut self, told: &[&Self]) -> Self {
        self.0.retain(|reason, _| !told.iter().any(|told| told.0.contains_key(reason)));
        self
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.values().map(|seen| seen.rows).sum()
    }

    /// Nothing was left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line for each reason, that of the most rows first; nothing if all was used.
    #[must_use]
    pub fn text(&self) -> String {
        let mut all: Vec<(&String, &Seen)> = self.0.iter().collect();
        all.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.rows));
        let mut text = String::new();
        for (reason, Seen { rows, first }) in all.iter().take(LINES) {
            let place = match first {
                Some((file, row, _)) => format!(" ({}, row {row}{})", name(file), and_more(*rows)),
                None => String::new(),
            };
            let what = if *rows == 0 { String::new() } else { format!("{rows} {}: ", plural(*rows)) };
            let _ = writeln!(text, "not used: {what}{reason}{place}");
        }
        let more: usize = all.iter().skip(LINES).map(|(_, seen)| seen.rows).sum();
        if more > 0 {
            let reasons = all.len() - LINES;
            let _ = writeln!(text, "not used: {more} {} for {reasons} more reasons", plural(more));
        }
        text
    }

    /// Writes all reasons to `path`, each with what stands in its first row (its number would hang on rows that are not looked
    /// at, because they came later); takes the file away that an earlier call left, if all was used.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), HubError> {
        if self.is_empty() {
            return match fs::remove_file(path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(HubError::file(path)(e)),
                _ => Ok(()),
            };
        }
        let broken = |e: csv::Error| HubError::content(path, format!("cannot be written: {e}"));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(HubError::file(folder))?;
        }
        let mut table = csv::Writer::from_path(path).map_err(broken)?;
        table.write_record(["rows", "file", "first", "reason"]).map_err(broken)?;
        for (reason, Seen { rows, first }) in &self.0 {
            let (file, cells) =
                first.as_ref().map_or_else(Default::default, |(f, _, c)| (name(f), c.clone()));
            table.write_record([&rows.to_string(), &file, &cells, reason]).map_err(broken)?;
        }
        table.flush().map_err(HubError::file(path))
    }

    /// The reasons.
    #[must_use]
    pub fn reasons(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

fn plural(rows: usize) -> &'static str {
    if rows == 1 { "row" } else { "rows" }
}

fn and_more(rows: usize) -> &'static str {
    if rows > 1 { " and more" } else { "" }
}

/// The file without the folders above the hub's: two copies of a hub are told alike.
fn name(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|p| p.to_string_lossy()).collect();
    let from =
        parts.iter().rposition(|p| p == "target-data").map_or(parts.len().saturating_sub(1), |p| p + 1);
    parts[from.min(parts.len())..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_with_its_first_row_and_a_flood_of_reasons_is_counted() {
        let mut unused = Unused::default();
        let file = Path::new("/somewhere/target-data/time-series/as_of=2025-11-26/part-0.csv");
        let mut add = |row, reason: &str| {
            unused.note(1, Some((file.to_owned(), row, format!("66 {row}"))), reason.to_owned());
        };
        add(9, "no place");
        add(4, "no place");
        let said = "not used: 2 rows: no place (time-series/as_of=2025-11-26/part-0.csv, row 4 and more)\n";
        assert_eq!(unused.text(), said);
        (0..5000).for_each(|n| unused.add_rows(1, format!("reason {n}")));
        assert_eq!((unused.rows(), unused.reasons().len()), (5002, REASONS + 1));
        assert!(unused.text().ends_with("more reasons\n"), "{}", unused.text());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out/not-used.csv");
        unused.write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), REASONS + 2);
        Unused::default().write(&path).unwrap();
        assert!(!path.exists(), "what an earlier run left would be taken for this one's");
    }
}
