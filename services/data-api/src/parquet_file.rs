//! Values as Parquet: the columns of the CSV with their types. Rows go in one by one; what is held is one row group.

use chrono::{DateTime, NaiveDate, Utc};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use std::io::{self, Write};
use std::sync::Arc;

/// The media type of Parquet.
pub const MEDIA_TYPE: &str = "application/vnd.apache.parquet";

/// Rows in a row group: enough for good compression, few enough to be held.
pub const GROUP: usize = 65_536;

const SCHEMA: &str = "message observation {
    required binary id (STRING);
    required binary signal (STRING);
    required binary place (STRING);
    required int32 reference_date (DATE);
    optional binary week (STRING);
    optional double value;
    required binary status (STRING);
    required binary unit (STRING);
    required int64 issued_at (TIMESTAMP(MICROS,true));
    required int64 seen_at (TIMESTAMP(MICROS,true));
    required binary source (STRING);
    required binary retrieval (STRING);
    optional int64 recorded_situation (TIMESTAMP(MICROS,true));
}";

/// One value; the fields are those of `observations`.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Permanent id of this issue of the value.
    pub id: &'a str,
    /// What is counted.
    pub signal: &'a str,
    /// Where.
    pub place: &'a str,
    /// The day that the value is about, or the last day of the week.
    pub reference_date: NaiveDate,
    /// The week, where the signal is weekly.
    pub week: Option<&'a str>,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// A word of [`domain::Status`].
    pub status: &'a str,
    /// A word of [`domain::profile::Unit`].
    pub unit: &'a str,
    /// When the publisher issued it.
    pub issued_at: DateTime<Utc>,
    /// When this platform first had it.
    pub seen_at: DateTime<Utc>,
    /// The publisher's table.
    pub source: &'a str,
    /// The payload that it was read from.
    pub retrieval: &'a str,
    /// The time at which a stopped clock stands.
    pub recorded_situation: Option<DateTime<Utc>>,
}

/// A column in memory; of an optional one only what is there, and for each row whether it is.
#[derive(Default)]
struct Column<T> {
    values: Vec<T>,
    present: Vec<i16>,
}

impl<T> Column<T> {
    fn push(&mut self, value: Option<T>) {
        self.present.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

impl Column<ByteArray> {
    /// A text that is the one before it again shares its bytes.
    fn text(&mut self, text: Option<&str>) {
        let last = self.values.last();
        let shared = |t: &str| last.filter(|l| l.data() == t.as_bytes()).cloned();
        let value = text.map(|t| shared(t).unwrap_or_else(|| ByteArray::from(t)));
        self.push(value);
    }
}

/// Writes rows to `W`.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    /// In the order of the schema, each kind by itself.
    texts: [Column<ByteArray>; 8],
    dates: Column<i32>,
    numbers: Column<f64>,
    times: [Column<i64>; 3],
    rows: usize,
}

impl<W: Write + Send> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When `out` does not take the first bytes.
    pub fn new(out: W) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(failed)?))
            // No id is there twice, but each begins as the one before it: a dictionary would only be in the way.
            .set_column_dictionary_enabled("id".into(), false)
            .set_column_encoding("id".into(), Encoding::DELTA_BYTE_ARRAY)
            // Not the library's version: the same figures give the same bytes.
            .set_created_by("vigie".into())
            .build();
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(failed)?;
        let (dates, numbers) = (Column::default(), Column::default());
        Ok(Self { file, texts: Default::default(), dates, numbers, times: Default::default(), rows: 0 })
    }

    /// Takes one row; every [`GROUP`] rows they are written.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    pub fn push(&mut self, row: &Row<'_>) -> io::Result<()> {
        let words = [row.id, row.signal, row.place].map(Some);
        let more = [Some(row.status), Some(row.unit), Some(row.source), Some(row.retrieval)];
        let texts = words.into_iter().chain([row.week]).chain(more);
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.text(text);
        }
        let epoch = NaiveDate::default();
        // A day of the years that the database takes is far inside 32 bits.
        self.dates.push(i32::try_from((row.reference_date - epoch).num_days()).ok());
        self.numbers.push(row.value);
        for (column, time) in
            self.times.iter_mut().zip([Some(row.issued_at), Some(row.seen_at), row.recorded_situation])
        {
            column.push(time.map(|t| t.timestamp_micros()));
        }
        self.rows += 1;
        if self.rows == GROUP { self.flush().map_err(failed) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            match at {
                0..=2 => text(&mut column, &self.texts[at], false)?,
                3 => column.typed::<Int32Type>().write_batch(&self.dates.values, None, None).map(drop)?,
                4 => text(&mut column, &self.texts[3], true)?,
                5 => {
                    let levels = Some(&self.numbers.present[..]);
                    column.typed::<DoubleType>().write_batch(&self.numbers.values, levels, None).map(drop)?;
                }
                6 | 7 => text(&mut column, &self.texts[at - 2], false)?,
                8 | 9 | 12 => {
                    let times = &self.times[if at == 12 { 2 } else { at - 8 }];
                    let levels = (at == 12).then_some(&times.present[..]);
                    column.typed::<Int64Type>().write_batch(&times.values, levels, None).map(drop)?;
                }
                _ => text(&mut column, &self.texts[at - 4], false)?,
            }
            column.close()?;
            at += 1;
        }
        group.close()?;
        self.texts = Default::default();
        (self.dates, self.numbers, self.times) = Default::default();
        self.rows = 0;
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.flush().map_err(failed)?;
        }
        self.file.into_inner().map_err(failed)
    }

    /// What it is written to. What is written to it from outside would break the file.
    pub fn inner(&self) -> &W {
        self.file.inner()
    }
}

fn text(
    column: &mut SerializedColumnWriter<'_>,
    from: &Column<ByteArray>,
    optional: bool,
) -> Result<(), ParquetError> {
    let levels = optional.then_some(&from.present[..]);
    column.typed::<ByteArrayType>().write_batch(&from.values, levels, None).map(drop)
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
