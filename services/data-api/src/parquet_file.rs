//! Values as Parquet: the columns of the CSV with their types. Rows come with numbers for what repeats, and those are
//! written: no text is made for a row but the part of its id that no other row has.

mod columns;
mod encoding;

use self::columns::Column;
use crate::words::Words;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
use std::io::{self, Write};
use std::sync::Arc;
use store::scan::Row;

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
/// Of zstd: the fastest that is still small.
const LEVEL: i32 = 1;

/// Writes rows to `W`.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: SchemaDescriptor,
    zstd: zstd::bulk::Compressor<'static>,
}

impl<W: Write + Send> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("file", &self.file).finish_non_exhaustive()
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
            .set_offset_index_disabled(true)
            // Not the library's version: the same figures give the same bytes.
            .set_created_by("vigie".into())
            .build();
        let columns = SchemaDescriptor::new(Arc::clone(&schema));
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(failed)?;
        Ok(Self { file, columns, zstd: zstd::bulk::Compressor::new(LEVEL)? })
    }

    /// Writes rows as one row group.
    ///
    /// # Errors
    /// When the bytes cannot be written, or a number stands for nothing in `words`.
    pub fn group(&mut self, rows: &[Row], words: &Words) -> io::Result<()> {
        let columns = columns::all(rows, words).map_err(io::Error::other)?;
        let chunks = columns.into_iter().enumerate().map(|(at, column)| self.chunk(at, column, rows.len()));
        let chunks = chunks.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let mut group = self.file.next_row_group().map_err(failed)?;
        for (bytes, close) in chunks {
            group.append_column(&bytes, close).map_err(failed)?;
        }
        group.close().map(drop).map_err(failed)
    }

    /// The pages of a column: its dictionary, where it has one, and all values of the group.
    fn chunk(
        &mut self,
        at: usize,
        column: Column,
        rows: usize,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let mut bytes = TrackedWrite::new(Vec::new());
        let (mut plain, mut packed) = (0, 0);
        let mut encodings = vec![Encoding::RLE, column.encoding];
        let mut data_offset = 0;
        if let Some((dictionary, count)) = &column.dictionary {
            let buf = Bytes::from(self.zstd.compress(dictionary)?);
            let (num_values, encoding) = (*count as u32, Encoding::PLAIN);
            let page = Page::DictionaryPage { buf, num_values, encoding, is_sorted: false };
            let written = SerializedPageWriter::new(&mut bytes)
                .write_page(CompressedPage::new(page, dictionary.len()))?;
            (plain, packed) = (written.uncompressed_size, written.compressed_size);
            encodings.push(Encoding::PLAIN);
            data_offset = bytes.bytes_written();
        }
        let page = Page::DataPage {
            buf: self.zstd.compress(&column.page)?.into(),
            num_values: rows as u32,
            encoding: column.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written =
            SerializedPageWriter::new(&mut bytes).write_page(CompressedPage::new(page, column.page.len()))?;
        (plain, packed) = (plain + written.uncompressed_size, packed + written.compressed_size);
        let mut metadata = ColumnChunkMetaData::builder(self.columns.column(at))
            .set_encodings(encodings)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_num_values(rows as i64)
            .set_total_uncompressed_size(plain as i64)
            .set_total_compressed_size(packed as i64)
            .set_data_page_offset(data_offset as i64)
            .set_dictionary_page_offset(column.dictionary.is_some().then_some(0));
        if let Some(statistics) = column.statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let close = ColumnCloseResult {
            bytes_written: packed as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((Bytes::from(bytes.into_inner()?), close))
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    /// When the bytes cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.file.into_inner().map_err(failed)
    }

    /// What it is written to. What is written to it from outside would break the file.
    pub fn inner(&self) -> &W {
        self.file.inner()
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
