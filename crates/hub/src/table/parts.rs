//! Reads the rows of a table, or only some of its parts.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use chrono::NaiveDate;

use super::{Row, Source, Texts, parquet};
use crate::HubError;

/// A file in the parts that it is written in, for whom does not need all of them: the row groups of Parquet. Every other
/// table is one part.
pub(crate) struct Parts<'a> {
    path: &'a Path,
    columns: &'a [&'a str],
    table: Option<parquet::Table>,
}

impl<'a> Parts<'a> {
    /// Columns as for [`for_each`].
    pub(crate) fn open(path: &'a Path, columns: &'a [&'a str]) -> Result<Self, HubError> {
        let is_parquet = path.to_string_lossy().ends_with(".parquet");
        let open = || parquet::Table::open(path, |have| places(path, columns, have));
        Ok(Self { path, columns, table: is_parquet.then(open).transpose()? })
    }

    pub(crate) fn count(&self) -> usize {
        self.table.as_ref().map_or(1, parquet::Table::groups)
    }

    /// No day in this column of this part is later, where the file says so.
    pub(crate) fn last_day(&self, part: usize, column: usize) -> Option<NaiveDate> {
        self.table.as_ref()?.last_day(part, column)
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
        let (path, columns) = (self.path, self.columns);
        let mut number = self.table.as_ref().map_or(0, |table| table.rows_before(parts.start));
        let mut call = |source: Source<'_>| {
            number += 1;
            each(&Row { path, columns, source, number })
        };
        let name = path.to_string_lossy();
        if let Some(table) = &self.table {
            table.for_each_block(path, parts, |block| {
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
