//! The measured scores of a card by season and place, as `vigie score --card` writes them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The place of a row of all places together.
pub const ALL_PLACES: &str = "all";

/// One season of one target in one place. Scores are means over the tasks that the baseline has too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What was forecast, as the hub names it.
    pub target: String,
    /// By the years of its August and the next: `2024-25`.
    pub season: String,
    /// A place's id, or `all`.
    pub place: String,
    /// Forecasts that were scored.
    pub tasks: u64,
    /// Mean weighted interval score, in the unit of the target; smaller is better.
    pub wis: f64,
    /// That of the baseline.
    pub baseline_wis: f64,
    /// The first over the second: below 1 is better than the baseline.
    pub relative_wis: f64,
    /// The same on the scale ln(1 + x).
    pub relative_wis_log1p: f64,
    /// Share of the truths inside the central 50 % interval.
    pub coverage_50: f64,
    /// Inside the 80 % interval.
    pub coverage_80: f64,
    /// Inside the 95 % interval.
    pub coverage_95: f64,
    /// First reference date.
    pub first: NaiveDate,
    /// Last reference date.
    pub last: NaiveDate,
    /// The day of the truth.
    pub truth_as_of: NaiveDate,
    /// What it is compared with.
    pub baseline: String,
    /// How to measure it again.
    pub command: String,
}

/// Reads a table.
///
/// # Errors
/// The line and the column that cannot be read, an empty cell, a number that is none.
pub fn read(text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize::<Row>() {
        let row = row.map_err(|e| e.to_string())?;
        let texts = [&row.target, &row.season, &row.place, &row.baseline, &row.command];
        let shares = [row.coverage_50, row.coverage_80, row.coverage_95];
        let scores = [row.wis, row.baseline_wis, row.relative_wis, row.relative_wis_log1p];
        if texts.iter().any(|t| t.trim().is_empty()) || row.tasks == 0 {
            return Err(format!("{} {} {} has an empty cell", row.target, row.season, row.place));
        }
        if !shares.iter().all(|s| (0.0..=1.0).contains(s))
            || !scores.iter().all(|s| s.is_finite() && *s >= 0.0)
        {
            return Err(format!("{} {} {} has a score that is none", row.target, row.season, row.place));
        }
        rows.push(row);
    }
    Ok(rows)
}
