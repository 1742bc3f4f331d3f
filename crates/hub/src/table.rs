//! Rows of named columns from `.csv`, `.csv.gz` and `.parquet`, whatever types their writer chose.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use crate::HubError;

/// One value, as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Text(String),
    Number(f64),
    Day(NaiveDate),
}

/// A row: one cell for each wanted column.
pub(crate) struct Row<'a> {
    path: &'a Path,
    columns: &'a [&'a str],
    cells: &'a [Cell],
    /// Row number, 1 for the first row of data.
    pub(crate) number: usize,
}

impl Row<'_> {
    /// Whether the row has a value in this column.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.cells.get(column).is_some_and(|c| *c != Cell::Missing)
    }

    fn wrong(&self, column: usize, wanted: &str) -> HubError {
        let found = match self.cells.get(column) {
            None | Some(Cell::Missing) => "is empty".to_owned(),
            Some(Cell::Text(t)) => format!("is `{t}`"),
            Some(Cell::Number(n)) => format!("is {n}"),
            Some(Cell::Day(d)) => format!("is {d}"),
        };
        let names = self.columns.get(column).copied().unwrap_or("?").trim_end_matches('?');
        let name = names.split('|').next().unwrap_or(names);
        HubError::content(self.path, format!("row {}: `{name}` {found}, {wanted} is needed", self.number))
    }

    /// The text of a cell; a whole number becomes its digits, padded to two as in FIPS codes.
    pub(crate) fn text(&self, column: usize) -> Result<String, HubError> {
        match self.cells.get(column) {
            Some(Cell::Text(text)) => Ok(text.clone()),
            Some(Cell::Number(n)) => Ok(format!("{n:02}")),
            Some(Cell::Day(day)) => Ok(day.to_string()),
            None | Some(Cell::Missing) => Err(self.wrong(column, "a text")),
        }
    }

    /// A date, or the day (UTC) of a time.
    pub(crate) fn day(&self, column: usize) -> Result<NaiveDate, HubError> {
        let found = match self.cells.get(column) {
            Some(Cell::Day(day)) => Some(*day),
            Some(Cell::Text(text)) => text.get(..10).and_then(|t| t.parse().ok()),
            _ => None,
        };
        found.ok_or_else(|| self.wrong(column, "a date like 2025-01-31"))
    }

    /// A number; `None` if the cell is empty, `NA` or `NaN`.
    pub(crate) fn number(&self, column: usize) -> Result<Option<f64>, HubError> {
        match self.cells.get(column) {
            None | Some(Cell::Missing) => Ok(None),
            Some(Cell::Number(n)) => Ok(n.is_finite().then_some(*n)),
            Some(Cell::Text(text)) => match text.parse::<f64>() {
                Ok(n) => Ok(n.is_finite().then_some(n)),
                Err(_) => Err(self.wrong(column, "a number")),
            },
            Some(Cell::Day(_)) => Err(self.wrong(column, "a number")),
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
    let mut call = |cells: &[Cell]| {
        number += 1;
        each(&Row { path, columns, cells, number })
    };
    let name = path.to_string_lossy();
    if name.ends_with(".parquet") {
        parquet_rows(path, columns, &mut call)
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
    call: &mut impl FnMut(&[Cell]) -> Result<(), HubError>,
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
    let mut cells = vec![Cell::Missing; columns.len()];
    while reader.read_record(&mut record).map_err(broken)? {
        for (cell, place) in cells.iter_mut().zip(&places) {
            let text = place.and_then(|p| record.get(p)).map(str::trim);
            *cell = match text {
                None | Some("" | "NA" | "NaN" | "nan" | "null") => Cell::Missing,
                Some(text) => Cell::Text(text.to_owned()),
            };
        }
        call(&cells)?;
    }
    Ok(())
}

fn parquet_rows(
    path: &Path,
    columns: &[&str],
    call: &mut impl FnMut(&[Cell]) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let broken =
        |e: parquet::errors::ParquetError| HubError::content(path, format!("is not a Parquet table: {e}"));
    let file = File::open(path).map_err(HubError::file(path))?;
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let schema = reader.metadata().file_metadata().schema().clone();
    let fields: Vec<Arc<Type>> = schema.get_fields().to_vec();
    let have: Vec<String> = fields.iter().map(|f| f.name().to_owned()).collect();
    let places = places(path, columns, &have)?;
    let mut kept: Vec<usize> = places.iter().flatten().copied().collect();
    kept.sort_unstable();
    kept.dedup();
    let projection = Type::group_type_builder(schema.name())
        .with_fields(kept.iter().map(|place| Arc::clone(&fields[*place])).collect())
        .build()
        .map_err(broken)?;
    let source: Vec<Option<usize>> =
        places.iter().map(|p| p.and_then(|p| kept.binary_search(&p).ok())).collect();
    let mut cells = vec![Cell::Missing; columns.len()];
    for row in reader.get_row_iter(Some(projection)).map_err(broken)? {
        let row = row.map_err(broken)?;
        let found: Vec<&Field> = row.get_column_iter().map(|(_, field)| field).collect();
        for (cell, place) in cells.iter_mut().zip(&source) {
            *cell = place.and_then(|p| found.get(p)).map_or(Cell::Missing, |field| of_field(field));
        }
        call(&cells)?;
    }
    Ok(())
}

fn of_field(field: &Field) -> Cell {
    let number = |n: f64| if n.is_finite() { Cell::Number(n) } else { Cell::Missing };
    let time = |t: Option<DateTime<chrono::Utc>>| t.map_or(Cell::Missing, |t| Cell::Day(t.date_naive()));
    match field {
        Field::Str(text) => Cell::Text(text.clone()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Missing,
        },
        Field::Date(days) => Cell::Day(NaiveDate::default() + Duration::days(i64::from(*days))),
        Field::TimestampMillis(t) => time(DateTime::from_timestamp_millis(*t)),
        Field::TimestampMicros(t) => time(DateTime::from_timestamp_micros(*t)),
        // Nanoseconds have no variant of their own; no count of persons is as large as this.
        Field::Long(t) if t.abs() > 100_000_000_000_000_000 => {
            Cell::Day(DateTime::from_timestamp_nanos(*t).date_naive())
        }
        Field::Byte(n) => number(f64::from(*n)),
        Field::Short(n) => number(f64::from(*n)),
        Field::Int(n) => number(f64::from(*n)),
        Field::Long(n) => number(*n as f64),
        Field::UByte(n) => number(f64::from(*n)),
        Field::UShort(n) => number(f64::from(*n)),
        Field::UInt(n) => number(f64::from(*n)),
        Field::ULong(n) => number(*n as f64),
        Field::Float(n) => number(f64::from(*n)),
        Field::Double(n) => number(*n),
        Field::Bool(b) => Cell::Text(b.to_string()),
        _ => Cell::Missing,
    }
}
