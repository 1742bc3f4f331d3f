//! Rows of named columns from `.csv`, `.csv.gz` and `.parquet`, whatever types their writer chose.

mod parquet;
mod parts;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use self::parquet::Block;
pub(crate) use self::parquet::Texts;
pub(crate) use self::parts::Parts;
use crate::HubError;

/// One value, as the file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Text(&'a str),
    Number(f64),
    Day(NaiveDate),
    /// UTC.
    Moment(NaiveDateTime),
}

/// Nothing that is counted, no rate per 100,000 and no share is larger: there are not so many persons.
const MOST: f64 = 1e10;

/// A row: one cell for each wanted column, looked up when it is asked for.
pub(crate) struct Row<'a> {
    path: &'a Path,
    columns: &'a [&'a str],
    /// What the file's folders say of each wanted column (`as_of=2025-11-26/`); empty where they say nothing.
    fixed: &'a [Option<String>],
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
        if let Some(Some(text)) = self.fixed.get(column) {
            return Cell::Text(text);
        }
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

    /// Whether these cells are surely those of the row before; where nobody knows, not.
    #[inline]
    pub(crate) fn repeats(&self, columns: Range<usize>) -> bool {
        match self.source {
            Source::Block(block, row) => columns.into_iter().all(|column| block.repeats(column, row)),
            Source::Line(..) => false,
        }
    }

    #[cold]
    fn wrong(&self, column: usize, wanted: &str) -> HubError {
        let found = match self.cell(column) {
            Cell::Missing => "is empty".to_owned(),
            Cell::Text(t) => format!("is `{t}`"),
            Cell::Number(n) => format!("is {n}"),
            Cell::Day(d) => format!("is {d}"),
            Cell::Moment(t) => format!("is {t}"),
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
            Cell::Moment(at) => Ok(Cow::Owned(at.date().to_string())),
            Cell::Missing => Err(self.wrong(column, "a text")),
        }
    }

    /// The code of a place, as hubs write them: `1` and `1.0` are the state `01`, `us` is `US`.
    #[inline]
    pub(crate) fn place(&self, column: usize) -> Result<Cow<'a, str>, HubError> {
        let text = self.text(column)?;
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
        Ok(if text.len() > 1 && text.bytes().all(plain) { text } else { Cow::Owned(place_code(&text)) })
    }

    /// A date, or the day (UTC) of a time.
    #[inline]
    pub(crate) fn day(&self, column: usize) -> Result<NaiveDate, HubError> {
        let found = match self.cell(column) {
            Cell::Day(day) => Some(day),
            Cell::Moment(at) => Some(at.date()),
            // As it is written: the day of a week's end is not that of another zone.
            Cell::Text(text) => text.get(..10).and_then(|t| t.parse().ok()),
            _ => None,
        };
        found.ok_or_else(|| self.wrong(column, "a date like 2025-01-31"))
    }

    /// A time in UTC; of a date its beginning.
    pub(crate) fn moment(&self, column: usize) -> Result<NaiveDateTime, HubError> {
        match self.cell(column) {
            Cell::Moment(at) => Ok(at),
            Cell::Text(text) if text.len() > 10 => {
                moment(text).ok_or_else(|| self.wrong(column, "a date or time like 2025-01-31T18:00:00Z"))
            }
            _ => Ok(self.day(column)?.and_time(NaiveTime::MIN)),
        }
    }

    /// A number; `None` if the cell is empty, `NA` or `NaN`.
    #[inline]
    pub(crate) fn number(&self, column: usize) -> Result<Option<f64>, HubError> {
        let found = match self.cell(column) {
            Cell::Missing => return Ok(None),
            Cell::Number(n) => Some(n),
            Cell::Text(text) => text.parse::<f64>().ok(),
            Cell::Day(_) | Cell::Moment(_) => None,
        };
        match found {
            Some(n) if n.is_finite() => Ok(Some(n)),
            Some(n) if n.is_nan() => Ok(None),
            Some(_) => Err(self.wrong(column, "a finite number")),
            None => Err(self.wrong(column, "a number")),
        }
    }

    /// A count, rate or share as [`Row::number`]: not negative, and not more than there can be of anything.
    #[inline]
    pub(crate) fn amount(&self, column: usize) -> Result<Option<f64>, HubError> {
        match self.number(column)? {
            Some(n) if !(0.0..=MOST).contains(&n) => Err(self.wrong(
                column,
                "a count, rate or share from 0 to 1e10 (or an empty cell, where there is none)",
            )),
            found => Ok(found),
        }
    }

    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    /// What stands in the wanted columns.
    #[cold]
    pub(crate) fn cells(&self) -> String {
        let cell = |column| match self.cell(column) {
            Cell::Missing => String::new(),
            Cell::Text(text) => text.to_owned(),
            Cell::Number(number) => number.to_string(),
            Cell::Day(day) => day.to_string(),
            Cell::Moment(at) => at.to_string(),
        };
        (0..self.columns.len()).map(cell).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// For who cannot use a row as it is: the file, the row and what is wrong.
    #[cold]
    pub(crate) fn refuse(&self, what: &str) -> HubError {
        HubError::content(self.path, format!("row {}: {what}", self.number))
    }
}

/// As [`Row::place`].
pub(crate) fn place_code(text: &str) -> String {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    match whole.parse::<u32>() {
        Ok(number) => format!("{number:0>width$}", width = whole.len().max(2)),
        Err(_) => text.to_ascii_uppercase(),
    }
}

/// A date and a time, `T` or a space between them; in UTC, if it names no zone.
fn moment(text: &str) -> Option<NaiveDateTime> {
    let date: NaiveDate = text.get(..10)?.parse().ok()?;
    let time = text.get(10..)?.strip_prefix(['T', ' '])?;
    let local = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(time, form).ok());
    let zoned = || {
        let full = format!("{date} {time}");
        let forms = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%d %H:%M%#z"];
        let found = forms.iter().find_map(|form| DateTime::parse_from_str(&full, form).ok());
        found.map(|at| at.naive_utc())
    };
    local.map(|time| date.and_time(time)).or_else(zoned)
}

/// Calls `each` for every row of the file. A column may give several names (`a|b`: the first that exists); one
/// that ends in `?` may be absent and is then missing in every row.
pub(crate) fn for_each(
    path: &Path,
    columns: &[&str],
    each: impl FnMut(&Row<'_>) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let parts = Parts::open(path, columns)?;
    parts.read(0..parts.count(), each)
}
