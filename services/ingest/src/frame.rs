//! Parquet, column by column.

use crate::Refusal;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Twenty times the largest table that is known.
const MOST_CELLS: usize = 250_000_000;

#[derive(Debug)]
enum Cells {
    Text(Vec<Option<Arc<str>>>),
    Number(Vec<Option<f64>>),
    Date(Vec<Option<NaiveDate>>),
    Time(Vec<Option<DateTime<Utc>>>),
}

/// A flat table in memory.
#[derive(Debug)]
pub struct Frame {
    columns: BTreeMap<String, Cells>,
    rows: usize,
}

fn bad(e: impl std::fmt::Display) -> Refusal {
    Refusal::Unreadable { format: "Parquet", why: e.to_string() }
}

fn values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    optional: bool,
    rows: usize,
) -> Result<Vec<Option<T::T>>, Refusal> {
    let (mut levels, mut found) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        match reader.read_records(rows - read, Some(&mut levels), None, &mut found).map_err(bad)?.0 {
            0 => break,
            more => read += more,
        }
    }
    let mut found = found.into_iter();
    let cells: Vec<_> = if optional {
        levels.iter().map(|l| if *l > 0 { found.next() } else { None }).collect()
    } else {
        found.map(Some).collect()
    };
    if cells.len() == rows {
        Ok(cells)
    } else {
        Err(bad(format!("a column holds {} cells, and the footer says {rows} rows", cells.len())))
    }
}

fn text(cells: Vec<Option<ByteArray>>) -> Result<Vec<Option<Arc<str>>>, Refusal> {
    // Few distinct words, many rows: each word is kept once.
    let mut known: BTreeMap<Vec<u8>, Arc<str>> = BTreeMap::new();
    let mut out = Vec::with_capacity(cells.len());
    for cell in cells {
        out.push(match cell {
            None => None,
            Some(bytes) => Some(match known.get(bytes.data()) {
                Some(word) => Arc::clone(word),
                None => {
                    let word: Arc<str> = std::str::from_utf8(bytes.data()).map_err(bad)?.into();
                    known.insert(bytes.data().to_vec(), Arc::clone(&word));
                    word
                }
            }),
        });
    }
    Ok(out)
}

/// `NaN` is how programs for tables write "no value".
fn numbers<T: Into<f64>>(cells: Vec<Option<T>>) -> Cells {
    Cells::Number(cells.into_iter().map(|n| n.map(Into::into).filter(|n| !n.is_nan())).collect())
}

fn day(days: i32) -> Option<NaiveDate> {
    DateTime::UNIX_EPOCH.date_naive().checked_add_signed(TimeDelta::days(i64::from(days)))
}

impl Frame {
    /// Reads all columns of text, numbers, dates and times; a column of another kind is as good as absent.
    ///
    /// # Errors
    /// [`Refusal`] when it is not data, not Parquet, or larger than any table of a publisher.
    pub fn read(payload: &[u8]) -> Result<Self, Refusal> {
        crate::body::sniff(payload)?;
        // The reader's own checks do not cover every broken file: what it cannot bear must not end the service.
        std::panic::catch_unwind(|| Self::unguarded(payload))
            .unwrap_or_else(|_| Err(bad("it is broken in a way that the reader cannot name")))
    }

    fn unguarded(payload: &[u8]) -> Result<Self, Refusal> {
        let file = SerializedFileReader::new(Bytes::copy_from_slice(payload)).map_err(bad)?;
        let mut frame = Self { columns: BTreeMap::new(), rows: 0 };
        // A few bytes can stand for billions of equal cells, so the footer is asked before anything is unpacked.
        for group in file.metadata().row_groups() {
            let rows = usize::try_from(group.num_rows()).map_err(bad)?;
            frame.rows = frame.rows.saturating_add(rows);
            if frame.rows.saturating_mul(group.num_columns()) > MOST_CELLS {
                return Err(bad(format!("its footer states {} rows", frame.rows)));
            }
        }
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group).map_err(bad)?;
            let rows = usize::try_from(group.metadata().num_rows()).map_err(bad)?;
            for (index, column) in group.metadata().columns().iter().enumerate() {
                let about = column.column_descr();
                let optional = about.max_def_level() > 0;
                if about.max_rep_level() > 0 {
                    continue;
                }
                let is_date = about.converted_type() == ConvertedType::DATE;
                let cells = match group.get_column_reader(index).map_err(bad)? {
                    ColumnReader::ByteArrayColumnReader(r) => Cells::Text(text(values(r, optional, rows)?)?),
                    ColumnReader::DoubleColumnReader(r) => numbers(values(r, optional, rows)?),
                    ColumnReader::Int32ColumnReader(r) if is_date => {
                        Cells::Date(values(r, optional, rows)?.into_iter().map(|d| d.and_then(day)).collect())
                    }
                    ColumnReader::Int64ColumnReader(r) => {
                        let micros = matches!(about.logical_type_ref(), Some(LogicalType::Timestamp(t)) if t.unit == TimeUnit::MICROS);
                        let cells = values(r, optional, rows)?;
                        if micros {
                            Cells::Time(
                                cells
                                    .into_iter()
                                    .map(|t| t.and_then(DateTime::from_timestamp_micros))
                                    .collect(),
                            )
                        } else {
                            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
                            Cells::Number(cells.into_iter().map(|n| n.map(|n| n as f64)).collect())
                        }
                    }
                    ColumnReader::Int32ColumnReader(r) => numbers(values(r, optional, rows)?),
                    ColumnReader::FloatColumnReader(r) => numbers(values(r, optional, rows)?),
                    _ => continue,
                };
                frame.extend(about.name(), cells);
            }
        }
        Ok(frame)
    }

    fn extend(&mut self, name: &str, cells: Cells) {
        match (self.columns.get_mut(name), cells) {
            (Some(Cells::Text(a)), Cells::Text(b)) => a.extend(b),
            (Some(Cells::Number(a)), Cells::Number(b)) => a.extend(b),
            (Some(Cells::Date(a)), Cells::Date(b)) => a.extend(b),
            (Some(Cells::Time(a)), Cells::Time(b)) => a.extend(b),
            (_, cells) => {
                self.columns.insert(name.to_owned(), cells);
            }
        }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Has it no row?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    fn get<'f, T: ?Sized>(
        &'f self,
        names: &[&str],
        pick: fn(&'f Cells) -> Option<&'f T>,
    ) -> Result<&'f T, Refusal> {
        names.iter().find_map(|n| self.columns.get(*n)).and_then(pick).ok_or_else(|| Refusal::MissingColumn {
            column: names.join("` or `"),
            header: self.columns.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// A column of words, under one of its names.
    ///
    /// # Errors
    /// [`Refusal::MissingColumn`].
    pub fn text(&self, names: &[&str]) -> Result<&[Option<Arc<str>>], Refusal> {
        self.get(names, |c| if let Cells::Text(v) = c { Some(v.as_slice()) } else { None })
    }

    /// A column of numbers.
    ///
    /// # Errors
    /// [`Refusal::MissingColumn`].
    pub fn number(&self, names: &[&str]) -> Result<&[Option<f64>], Refusal> {
        self.get(names, |c| if let Cells::Number(v) = c { Some(v.as_slice()) } else { None })
    }

    /// A column of dates.
    ///
    /// # Errors
    /// [`Refusal::MissingColumn`].
    pub fn date(&self, names: &[&str]) -> Result<&[Option<NaiveDate>], Refusal> {
        self.get(names, |c| if let Cells::Date(v) = c { Some(v.as_slice()) } else { None })
    }

    /// A column of times.
    ///
    /// # Errors
    /// [`Refusal::MissingColumn`].
    pub fn time(&self, names: &[&str]) -> Result<&[Option<DateTime<Utc>>], Refusal> {
        self.get(names, |c| if let Cells::Time(v) = c { Some(v.as_slice()) } else { None })
    }
}

/// A cell that must be there.
///
/// # Errors
/// [`Refusal::Cell`] with the row's number.
pub fn present<'f, T>(cells: &'f [Option<T>], row: usize, column: &str) -> Result<&'f T, Refusal> {
    cells.get(row).and_then(Option::as_ref).ok_or_else(|| Refusal::Cell {
        line: row as u64 + 1,
        column: column.to_owned(),
        text: "null".to_owned(),
        expected: "a value",
    })
}
