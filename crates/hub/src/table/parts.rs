//! Reads the rows of a table, or only some of its parts.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;

use chrono::NaiveDate;
use flate2::read::MultiGzDecoder;

use super::{Row, Source, Texts, parquet};
use crate::HubError;

/// A file in the parts that it is written in, for whom does not need all of them: the row groups of Parquet. Every other
/// table is one part.
pub(crate) struct Parts<'a> {
    path: &'a Path,
    columns: &'a [&'a str],
    /// As in [`Row`].
    fixed: Vec<Option<String>>,
    table: Option<parquet::Table>,
    /// Of a CSV the place of each wanted column.
    lines: Vec<Option<usize>>,
}

impl<'a> Parts<'a> {
    /// Columns as for [`for_each`].
    pub(crate) fn open(path: &'a Path, columns: &'a [&'a str]) -> Result<Self, HubError> {
        Self::open_part(path, columns, &[])
    }

    /// A file below folders that stand for columns (`as_of=2025-11-26`): those of its rows have these values.
    pub(crate) fn open_part(
        path: &'a Path,
        columns: &'a [&'a str],
        folders: &[(String, String)],
    ) -> Result<Self, HubError> {
        let said = |column: &&str| {
            let mut names = column.trim_end_matches('?').split('|');
            names.find_map(|name| folders.iter().find(|(n, _)| n == name)).map(|(_, value)| value.clone())
        };
        let mut fixed: Vec<Option<String>> = columns.iter().map(said).collect();
        if folders.is_empty() {
            fixed.clear();
        }
        let name = path.to_string_lossy();
        let (table, lines) = if name.ends_with(".parquet") {
            (Some(parquet::Table::open(path, |have| places(path, columns, &fixed, have))?), Vec::new())
        } else if name.ends_with(".csv") || name.ends_with(".csv.gz") {
            (None, places(path, columns, &fixed, &csv_header(path)?)?)
        } else {
            return Err(HubError::content(path, "is neither .parquet nor .csv nor .csv.gz"));
        };
        Ok(Self { path, columns, fixed, table, lines })
    }

    /// Whether there is this column, in the file or in its folders.
    pub(crate) fn has(&self, column: usize) -> bool {
        let in_file = match &self.table {
            Some(table) => table.has(column),
            None => self.lines.get(column).is_some_and(Option::is_some),
        };
        in_file || self.fixed.get(column).is_some_and(Option::is_some)
    }

    pub(crate) fn count(&self) -> usize {
        self.table.as_ref().map_or(1, parquet::Table::groups)
    }

    /// No day in this column of this part is later, where the file says so.
    pub(crate) fn last_day(&self, part: usize, column: usize) -> Option<NaiveDate> {
        match self.fixed.get(column) {
            Some(Some(text)) => text.parse().ok(),
            _ => self.table.as_ref()?.last_day(part, column),
        }
    }

    /// The different texts in this column of this part, where the file has them aside.
    pub(crate) fn texts(&self, part: usize, column: usize) -> Result<Option<Texts>, HubError> {
        let texts = self.table.as_ref().map(|table| table.texts(part, column));
        Ok(texts.transpose().map_err(parquet::broken(self.path))?.flatten())
    }

    /// Calls `each` for every row of these parts, in their order.
    pub(crate) fn read(
        &self,
        parts: Range<usize>,
        mut each: impl FnMut(&Row<'_>) -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        let (path, columns, fixed) = (self.path, self.columns, self.fixed.as_slice());
        let mut number = self.table.as_ref().map_or(0, |table| table.rows_before(parts.start));
        let mut call = |source: Source<'_>| {
            number += 1;
            each(&Row { path, columns, fixed, source, number })
        };
        if let Some(table) = &self.table {
            table.for_each_block(path, parts, |block| {
                (0..block.rows()).try_for_each(|row| call(Source::Block(block, row)))
            })
        } else {
            csv_rows(path, &self.lines, &mut call)
        }
    }
}

/// Place of each wanted column among those that the file has.
fn places(
    path: &Path,
    wanted: &[&str],
    fixed: &[Option<String>],
    have: &[String],
) -> Result<Vec<Option<usize>>, HubError> {
    let find = |(number, column): (usize, &&str)| {
        let names = column.trim_end_matches('?');
        let place = names.split('|').find_map(|name| have.iter().position(|h| h == name));
        if place.is_some() || column.ends_with('?') || fixed.get(number).is_some_and(Option::is_some) {
            return Ok(place);
        }
        let (name, have) = (names.replace('|', "` or `"), have.join(", "));
        Err(HubError::content(path, format!("has no column `{name}`, only: {have}")))
    };
    wanted.iter().enumerate().map(find).collect()
}

type Lines = csv::Reader<Box<dyn Read>>;

fn csv_lines(path: &Path) -> Result<Lines, HubError> {
    let file = BufReader::new(File::open(path).map_err(HubError::file(path))?);
    let packed = path.to_string_lossy().ends_with(".gz");
    let input: Box<dyn Read> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(input))
}

fn no_table(path: &Path) -> impl Fn(csv::Error) -> HubError + use<'_> {
    move |error| HubError::content(path, format!("is not a CSV table: {error}"))
}

fn csv_header(path: &Path) -> Result<Vec<String>, HubError> {
    let mut lines = csv_lines(path)?;
    let header = lines.byte_headers().map_err(no_table(path))?.iter();
    let name =
        |h: &[u8]| String::from_utf8_lossy(h).trim_start_matches('\u{feff}').trim_matches(UNSEEN).to_owned();
    Ok(header.map(name).collect())
}

/// Around a column's name: spaces, and the quotes that a byte order mark before them keeps from being read as such.
const UNSEEN: [char; 4] = [' ', '\t', '"', '\r'];

fn csv_rows(
    path: &Path,
    places: &[Option<usize>],
    call: &mut impl FnMut(Source<'_>) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let mut lines = csv_lines(path)?;
    let mut bytes = csv::ByteRecord::new();
    while lines.read_byte_record(&mut bytes).map_err(no_table(path))? {
        // A name in another encoding is no reason to refuse the figures beside it.
        let record = csv::StringRecord::from_byte_record_lossy(bytes);
        call(Source::Line(&record, places))?;
        bytes = record.into_byte_record();
    }
    Ok(())
}
