//! Scores of one model by season and place, as its card carries them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{Datelike, NaiveDate};

use crate::{HubError, Locations, Scored, summarise};

/// Columns of the table. `first` and `last` are reference dates; scores are means over the tasks that the baseline
/// has too, ratios are those of the means.
pub const COLUMNS: [&str; 16] = [
    "target",
    "season",
    "place",
    "tasks",
    "wis",
    "baseline_wis",
    "relative_wis",
    "relative_wis_log1p",
    "coverage_50",
    "coverage_80",
    "coverage_95",
    "first",
    "last",
    "truth_as_of",
    "baseline",
    "command",
];

/// The place of the row of all places together.
pub const ALL_PLACES: &str = "all";

/// Which table to write, of which model.
#[derive(Debug, Clone)]
pub struct CardTable {
    /// The file. Rows of the same target and season are replaced, the others stay.
    pub path: PathBuf,
    /// The model in the scores.
    pub model: String,
    /// What it is compared with.
    pub baseline: String,
    /// The day of the truth.
    pub truth_as_of: NaiveDate,
    /// How the scores were made, for whoever makes them again.
    pub command: String,
}

/// The season of a date, named by the years of its August and the next: `2024-25`.
#[must_use]
pub fn season(day: NaiveDate) -> String {
    let first = if day.month() >= 8 { day.year() } else { day.year() - 1 };
    format!("{first}-{:02}", (first + 1).rem_euclid(100))
}

/// The id of a place: a country's own code, or that of a state below the United States.
fn place(locations: &Locations, code: &str) -> String {
    match locations.get(code) {
        Some(l) if l.abbreviation != l.code => format!("US-{}", l.abbreviation),
        _ => code.to_owned(),
    }
}

impl CardTable {
    /// Writes the rows of `scored` and returns how many there are.
    ///
    /// # Errors
    /// A model or a baseline without a common task; a table that cannot be read or written.
    pub fn write(&self, scored: &[Scored], locations: &Locations) -> Result<usize, HubError> {
        let ours = |s: &&Scored| s.model == self.model || s.model == self.baseline;
        let mut groups: BTreeMap<[String; 3], Vec<Scored>> = BTreeMap::new();
        for one in scored.iter().filter(ours) {
            let (target, season) = (one.task.target.clone(), season(one.task.reference_date));
            for place in [ALL_PLACES.to_owned(), place(locations, &one.task.location)] {
                groups.entry([target.clone(), season.clone(), place]).or_default().push(one.clone());
            }
        }
        let new: Vec<Vec<String>> = groups.iter().filter_map(|(key, group)| self.row(key, group)).collect();
        if new.is_empty() {
            let (model, baseline) = (&self.model, &self.baseline);
            let what =
                format!("`{model}` and `{baseline}` have no task in common, so the card gets no scores");
            return Err(HubError::Argument(what));
        }
        let replaced: BTreeSet<&[String]> = new.iter().map(|row| &row[..2]).collect();
        let mut rows = read(&self.path)?;
        rows.retain(|row| !replaced.contains(&row[..2]));
        rows.extend(new.iter().cloned());
        // The row of all places stands before those of single ones.
        rows.sort_by_key(|row| (row[0].clone(), row[1].clone(), row[2] != ALL_PLACES, row[2].clone()));
        let broken = |e: csv::Error| HubError::content(&self.path, format!("cannot be written: {e}"));
        let mut table = csv::Writer::from_path(&self.path).map_err(broken)?;
        table.write_record(COLUMNS).map_err(broken)?;
        for row in &rows {
            table.write_record(row).map_err(broken)?;
        }
        table.flush().map_err(HubError::file(&self.path))?;
        Ok(new.len())
    }

    /// `None` for a group in which the model has no task in common with the baseline.
    fn row(&self, key: &[String; 3], group: &[Scored]) -> Option<Vec<String>> {
        let found = summarise(group, Some(&self.baseline)).into_iter().find(|s| s.model == self.model)?;
        let (relative, log) = (found.relative?, found.relative_log1p?);
        let dates = group.iter().filter(|s| s.model == self.model).map(|s| s.task.reference_date);
        let (first, last) = (dates.clone().min()?, dates.max()?);
        let mut row = key.to_vec();
        row.push(found.common.to_string());
        row.extend([found.wis, found.wis / relative].map(exact));
        row.extend([relative, log].map(|n| format!("{n:.4}")));
        row.extend(found.coverage.map(|n| format!("{n:.4}")));
        row.extend([first, last, self.truth_as_of].map(|d| d.to_string()));
        row.extend([self.baseline.clone(), self.command.clone()]);
        Some(row)
    }
}

/// Four decimals, eight below 1: the mean score of a share of visits is a few ten-thousandths.
fn exact(score: f64) -> String {
    if score < 1.0 { format!("{score:.8}") } else { format!("{score:.4}") }
}

/// The rows that are there; none when there is no file yet.
fn read(path: &Path) -> Result<Vec<Vec<String>>, HubError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let broken = |e: csv::Error| HubError::content(path, format!("is no table of scores: {e}"));
    let mut table = csv::Reader::from_path(path).map_err(broken)?;
    let columns: Vec<String> = table.headers().map_err(broken)?.iter().map(str::to_owned).collect();
    if columns != COLUMNS {
        let what = format!("is no table of scores: its columns must be {}", COLUMNS.join(","));
        return Err(HubError::content(path, what));
    }
    let rows = table.records().map(|row| Ok(row.map_err(broken)?.iter().map(str::to_owned).collect()));
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::{exact, season};

    #[test]
    fn a_season_begins_in_august() {
        let of = |text: &str| season(text.parse().unwrap());
        assert_eq!((of("2024-07-31"), of("2024-08-01")), ("2023-24".into(), "2024-25".into()));
        assert_eq!(of("1999-12-31"), "1999-00");
    }

    #[test]
    fn a_score_of_shares_keeps_its_digits() {
        assert_eq!([48.132_81, 0.002_176_54].map(exact), ["48.1328", "0.00217654"]);
    }
}
