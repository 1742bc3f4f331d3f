//! Rows of named columns from `.csv`, `.csv.gz` and `.parquet`, whatever types their writer chose.

mod parquet;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;

use self::parquet::Block;
use crate::HubError;

/// One value, as the file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Text(&'a str),
    Number(f64),
    Day(NaiveDate),
}

/// A row: one cell for each wanted column, looked up when it is asked for.
pub(crate) struct Row<'a> {
    path: &'a Path,
    columns: &'a [&'a str],
    source: Source<'a>,
    /// Row number, 1 for the first row of data.
    pub(crate) number: usize,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    /// A line, and the place of each wanted column in it.
    Line(&'a csv::StringRecord, &'a [Option<usize>]),
    /// A row of columns.
    Block(&'a Block, usize),
}

impl<'a> Row<'a> {
    #[inline]
    fn cell(&self, column: usize) -> Cell<'a> {
        match self.source {
            Source::Block(block, row) => block.cell(column, row),
            Source::Line(line, places) => {
                let place = places.get(column).copied().flatten();
                match place.and_then(|p| line.get(p)).map(str::trim) {
                    None | Some("" | "NA" | "NaN" | "nan" | "null") => Cell::Missing,
                    Some(text) => Cell::Text(text),
                }
            }
        }
    }

    /// Whether the row has a value in this column.
    #[inline]
    pub(crate) fn has(&self, column: usize) -> bool {
        self.cell(column) != Cell::Missing
    }

    #[cold]
    fn wrong(&self, column: usize, wanted: &str) -> HubError {
        let found = match self.cell(column) {
            Cell::Missing => "is empty".to_owned(),
            Cell::Text(t) => format!("is `{t}`"),
            Cell::Number(n) => format!("is {n}"),
            Cell::Day(d) => format!("is {d}"),
        };
        let names = self.columns.get(column).copied().unwrap_or("?").trim_end_matches('?');
        let name = names.split('|').next().unwrap_or(names);
        HubError::content(self.path, format!("row {}: `{name}` {found}, {wanted} is needed", self.number))
    }

    /// The text of a cell; a whole number becomes its digits, padded to two as in FIPS codes.
    #[inline]
    pub(crate) fn text(&self, column: usize) -> Result<Cow<'a, str>, HubError> {
        match self.cell(column) {
            Cell::Text(text) => Ok(Cow::Borrowed(text)),
            Cell::Number(n) => Ok(Cow::Owned(format!("{n:02}"))),
            Cell::Day(day) => Ok(Cow::Owned(day.to_string())),
            Cell::Missing => Err(self.wrong(column, "a text")),
        }
    }

    /// A date, or the day (UTC) of a time.
    #[inline]
    pub(crate) fn day(&self, column: usize) -> Result<NaiveDate, HubError> {
        let found = match self.cell(column) {
            Cell::Day(day) => Some(day),
            Cell::Text(text) => text.get(..10).and_then(|t| t.parse().ok()),
            _ => None,
        };
        found.ok_or_else(|| self.wrong(column, "a date like 2025-01-31"))
    }

    /// A number; `None` if the cell is empty, `NA` or `NaN`.
    #[inline]
    pub(crate) fn number(&self, column: usize) -> Result<Option<f64>, HubError> {
        match self.cell(column) {
            Cell::Missing => Ok(None),
            Cell::Number(n) => Ok(n.is_finite().then_some(n)),
            Cell::Text(text) => match text.parse::<f64>() {
                Ok(n) => Ok(n.is_finite().then_some(n)),
                Err(_) => Err(self.wrong(column, "a number")),
            },
            Cell::Day(_) => Err(self.wrong(column, "a number")),
        }
    }
}

/// Calls `each` for every row of the file. A column may give several names (`a|b`: the first that exists); one
/// that ends in `?` may be absent and is then missing in every row.
pub(crate) fn for_each(
    path: &Path,
    columns: &[&str],
    mut each: impl FnMut(&Row<'_>) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let mut number = 0;
    let mut call = |source: Source<'_>| {
        number += 1;
        each(&Row { path, columns, source, number })
    };
    let name = path.to_string_lossy();
    if name.ends_with(".parquet") {
        parquet::for_each_block(path, columns, |block| {
            (0..block.rows()).try_for_each(|row| call(Source::Block(block, row)))
        })
    } else if name.ends_with(".csv") {
        let file = File::open(path).map_err(HubError::file(path))?;
        csv_rows(path, file, columns, &mut call)
    } else if name.ends_with(".csv.gz") {
        let file = File::open(path).map_err(HubError::file(path))?;
        csv_rows(path, flate2::read::MultiGzDecoder::new(file), columns, &mut call)
    } else {
        Err(HubError::content(path, "is neither .parquet nor .csv nor .csv.gz"))
    }
}

/// Place of each wanted column among those that the file has.
fn places(path: &Path, wanted: &[&str], have: &[String]) -> Result<Vec<Option<usize>>, HubError> {
    let find = |column: &&str| {
        let names = column.trim_end_matches('?');
        let place = names.split('|').find_map(|name| have.iter().position(|h| h == name));
        if place.is_some() || column.ends_with('?') {
            return Ok(place);
        }
        let (name, have) = (names.replace('|', "` or `"), have.join(", "));
        Err(HubError::content(path, format!("has no column `{name}`, only: {have}")))
    };
    wanted.iter().map(find).collect()
}

fn csv_rows(
    path: &Path,
    input: impl Read,
    columns: &[&str],
    call: &mut impl FnMut(Source<'_>) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let broken = |e: csv::Error| HubError::content(path, format!("is not a CSV table: {e}"));
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(std::io::BufReader::new(input));
    let header: Vec<String> = reader
        .headers()
        .map_err(broken)?
        .iter()
        .map(|h| h.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let places = places(path, columns, &header)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(broken)? {
        call(Source::Line(&record, &places))?;
    }
    Ok(())
}
