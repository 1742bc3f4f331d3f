//! Values of a column's own type as numbers, days and texts.

use std::collections::HashMap;
use std::sync::Arc;

use ::parquet::basic::{ConvertedType, LogicalType};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::ColumnDescriptor;
use chrono::{DateTime, NaiveDate};

use super::block::{Column, NONE};

/// The next `rows` values.
pub(super) fn column(
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
            let utc = |time: Option<DateTime<_>>| time.map(|t| t.naive_utc());
            match kind {
                Kind::TIMESTAMP_MILLIS => {
                    Column::Moment(found.each(None, |n| utc(DateTime::from_timestamp_millis(n))))
                }
                Kind::TIMESTAMP_MICROS => {
                    Column::Moment(found.each(None, |n| utc(DateTime::from_timestamp_micros(n))))
                }
                Kind::DECIMAL | Kind::TIME_MICROS => Column::Absent,
                Kind::UINT_64 => Column::Number(found.each(f64::NAN, |n| n as u64 as f64)),
                // Nanoseconds have no such type of their own; no count of persons is as large as this.
                _ if found.some(|n| n.abs() > 100_000_000_000_000_000) => {
                    Column::Moment(found.each(None, |n| utc(Some(DateTime::from_timestamp_nanos(n)))))
                }
                _ => Column::Number(found.each(f64::NAN, |n| n as f64)),
            }
        }
        ColumnReader::Int96ColumnReader(r) => {
            let utc = |millis| DateTime::from_timestamp_millis(millis).map(|t| t.naive_utc());
            Column::Moment(values(described, r, rows)?.each(None, |t| utc(t.to_millis())))
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
pub(super) struct Values<T> {
    found: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Values<T> {
    pub(super) fn each<V: Clone>(self, none: V, of: impl Fn(T) -> V) -> Vec<V> {
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
pub(super) fn values<T: DataType>(
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
    let mut texts = Vec::new();
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
                None => {
                    texts.push(text(described, bytes)?);
                    texts.len() as u32 - 1
                }
            };
            known.insert(bytes, place);
            before = (bytes, place);
        }
        of.push(before.1);
    }
    Ok(Column::Text(Arc::new(texts), of))
}

/// Bytes that are not UTF-8 are an error in a column of texts, and no text in another.
pub(super) fn text(described: &ColumnDescriptor, bytes: &[u8]) -> Result<Option<String>, ParquetError> {
    use ConvertedType::{ENUM, JSON, UTF8};
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) if matches!(described.converted_type(), UTF8 | ENUM | JSON) => Err(error.into()),
        Err(_) => Ok(None),
    }
}
