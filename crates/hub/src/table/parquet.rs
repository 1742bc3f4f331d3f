//! Parquet, a column at a time: a thread decodes blocks of rows while the caller goes through those before. Of texts each
//! block has the different ones, and of each row which of them it is.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use ::parquet::basic::{ConvertedType, LogicalType};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;
use chrono::{DateTime, NaiveDate};

use super::{Cell, places};
use crate::HubError;

/// Rows of one block: what is decoded at once stays in the processor's cache.
const ROWS: usize = 4096;
/// Blocks that may wait for the caller.
const AHEAD: usize = 16;
/// Of a row without a text.
const NONE: u32 = u32::MAX;

/// Some rows, by wanted column.
pub(super) struct Block {
    rows: usize,
    columns: Vec<Column>,
}

enum Column {
    /// Not in the file, or of a type that holds no text, number or day.
    Absent,
    /// NaN where there is none.
    Number(Vec<f64>),
    Day(Vec<Option<NaiveDate>>),
    /// The different texts, and the place of each row's among them.
    Text(Vec<String>, Vec<u32>),
}

impl Block {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    #[inline]
    pub(super) fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        let found = match self.columns.get(column) {
            Some(Column::Number(numbers)) => {
                numbers.get(row).filter(|n| n.is_finite()).map(|n| Cell::Number(*n))
            }
            Some(Column::Day(days)) => days.get(row).copied().flatten().map(Cell::Day),
            Some(Column::Text(texts, of)) => {
                of.get(row).and_then(|place| texts.get(*place as usize)).map(|text| Cell::Text(text))
            }
            Some(Column::Absent) | None => None,
        };
        found.unwrap_or(Cell::Missing)
    }
}

/// Calls `each` for the blocks of the file in their order.
pub(super) fn for_each_block(
    path: &Path,
    wanted: &[&str],
    mut each: impl FnMut(&Block) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let broken = |e: ParquetError| HubError::content(path, format!("is not a Parquet table: {e}"));
    let file = File::open(path).map_err(HubError::file(path))?;
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let have: Vec<String> = schema.root_schema().get_fields().iter().map(|f| f.name().to_owned()).collect();
    // A nested column has no value of its own.
    let leaf = |name: &String| schema.columns().iter().position(|c| c.path().parts() == [name.as_str()]);
    let leaves: Vec<Option<usize>> =
        places(path, wanted, &have)?.into_iter().map(|p| p.and_then(|p| leaf(&have[p]))).collect();
    thread::scope(|scope| {
        let (send, receive) = sync_channel(AHEAD);
        scope.spawn(move || {
            // If the caller has gone nobody waits for more.
            if let Err(error) = decode(&reader, &leaves, |block| send.send(Ok(block)).is_ok()) {
                let _ = send.send(Err(error));
            }
        });
        receive.into_iter().try_for_each(|block| each(&block.map_err(broken)?))
    })
}

/// Hands the blocks on until one is not wanted.
fn decode(
    reader: &SerializedFileReader<File>,
    leaves: &[Option<usize>],
    mut hand_on: impl FnMut(Block) -> bool,
) -> Result<(), ParquetError> {
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let mut left = group.metadata().num_rows() as usize;
        let mut readers = Vec::new();
        for leaf in leaves {
            readers.push(match leaf {
                Some(leaf) => Some((schema.column(*leaf), group.get_column_reader(*leaf)?)),
                None => None,
            });
        }
        while left > 0 {
            let rows = left.min(ROWS);
            let mut columns = Vec::with_capacity(readers.len());
            for reader in &mut readers {
                columns.push(match reader {
                    Some((described, reader)) => column(described, reader, rows)?,
                    None => Column::Absent,
                });
            }
            if !hand_on(Block { rows, columns }) {
                return Ok(());
            }
            left -= rows;
        }
    }
    Ok(())
}

fn column(
    described: &ColumnDescriptor,
    reader: &mut ColumnReader,
    rows: usize,
) -> Result<Column, ParquetError> {
    use ConvertedType as Kind;
    let kind = described.converted_type();
    Ok(match reader {
        ColumnReader::BoolColumnReader(r) => {
            let words = values(described, r, rows)?.each(None, |b| Some(ByteArray::from(word(b))));
            texts(described, words)?
        }
        ColumnReader::Int32ColumnReader(r) => {
            let found = values(described, r, rows)?;
            match kind {
                Kind::DATE => Column::Day(found.each(None, NaiveDate::from_epoch_days)),
                Kind::DECIMAL | Kind::TIME_MILLIS => Column::Absent,
                Kind::UINT_8 | Kind::UINT_16 | Kind::UINT_32 => {
                    Column::Number(found.each(f64::NAN, |n| f64::from(n as u32)))
                }
                _ => Column::Number(found.each(f64::NAN, f64::from)),
            }
        }
        ColumnReader::Int64ColumnReader(r) => {
            let found = values(described, r, rows)?;
            let day = |time: Option<DateTime<_>>| time.map(|t| t.date_naive());
            match kind {
                Kind::TIMESTAMP_MILLIS => {
                    Column::Day(found.each(None, |n| day(DateTime::from_timestamp_millis(n))))
                }
                Kind::TIMESTAMP_MICROS => {
                    Column::Day(found.each(None, |n| day(DateTime::from_timestamp_micros(n))))
                }
                Kind::DECIMAL | Kind::TIME_MICROS => Column::Absent,
                Kind::UINT_64 => Column::Number(found.each(f64::NAN, |n| n as u64 as f64)),
                // Nanoseconds have no such type of their own; no count of persons is as large as this.
                _ if found.some(|n| n.abs() > 100_000_000_000_000_000) => {
                    Column::Day(found.each(None, |n| day(Some(DateTime::from_timestamp_nanos(n)))))
                }
                _ => Column::Number(found.each(f64::NAN, |n| n as f64)),
            }
        }
        ColumnReader::Int96ColumnReader(r) => {
            let day = |millis| DateTime::from_timestamp_millis(millis).map(|t| t.date_naive());
            Column::Day(values(described, r, rows)?.each(None, |t| day(t.to_millis())))
        }
        ColumnReader::FloatColumnReader(r) => {
            Column::Number(values(described, r, rows)?.each(f64::NAN, f64::from))
        }
        ColumnReader::DoubleColumnReader(r) => {
            Column::Number(values(described, r, rows)?.each(f64::NAN, |n| n))
        }
        ColumnReader::ByteArrayColumnReader(r) => {
            texts(described, values(described, r, rows)?.each(None, Some))?
        }
        ColumnReader::FixedLenByteArrayColumnReader(r) => {
            texts(described, values(described, r, rows)?.each(None, |v| Some(v.into())))?
        }
    })
}

fn word(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

/// Values, and for each row whether it has one (nothing, if all have).
struct Values<T> {
    found: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Values<T> {
    fn each<V: Clone>(self, none: V, of: impl Fn(T) -> V) -> Vec<V> {
        if self.levels.is_empty() {
            return self.found.into_iter().map(of).collect();
        }
        let mut next = self.found.into_iter();
        let mut one = |level: &i16| (*level > 0).then(|| next.next()).flatten();
        self.levels.iter().map(|level| one(level).map_or_else(|| none.clone(), &of)).collect()
    }

    fn some(&self, is: impl Fn(&T) -> bool) -> bool {
        self.found.iter().any(is)
    }
}

/// The next `rows` values.
fn values<T: DataType>(
    described: &ColumnDescriptor,
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
) -> Result<Values<T::T>, ParquetError> {
    let optional = described.max_def_level() > 0;
    let (mut levels, mut found) = (Vec::new(), Vec::with_capacity(rows));
    let (mut read, mut got) = (0, usize::MAX);
    // One call may end with a page.
    while read < rows && got > 0 {
        got = reader.read_records(rows - read, optional.then_some(&mut levels), None, &mut found)?.0;
        read += got;
    }
    if read < rows {
        return Err(ParquetError::EOF(format!("column {} ends early", described.name())));
    }
    if found.len() == rows {
        levels.clear();
    }
    Ok(Values { found, levels })
}

fn texts(described: &ColumnDescriptor, values: Vec<Option<ByteArray>>) -> Result<Column, ParquetError> {
    let kind = described.converted_type();
    if kind == ConvertedType::DECIMAL || described.logical_type_ref() == Some(&LogicalType::Float16) {
        return Ok(Column::Absent);
    }
    let is_text = matches!(kind, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON);
    let mut texts: Vec<String> = Vec::new();
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    // Neighbours are often equal.
    let mut before: (&[u8], u32) = (b"", NONE);
    let mut of = Vec::with_capacity(values.len());
    for value in &values {
        let Some(bytes) = value.as_ref().map(ByteArray::data) else {
            of.push(NONE);
            continue;
        };
        if before.1 == NONE || before.0 != bytes {
            let place = match known.get(bytes) {
                Some(place) => *place,
                None => match std::str::from_utf8(bytes) {
                    Ok(text) => {
                        texts.push(text.to_owned());
                        texts.len() as u32 - 1
                    }
                    Err(error) if is_text => return Err(error.into()),
                    Err(_) => NONE,
                },
            };
            known.insert(bytes, place);
            before = (bytes, place);
        }
        of.push(before.1);
    }
    Ok(Column::Text(texts, of))
}
