//! Parquet, a column at a time: a thread decodes blocks of rows while the caller goes through those before. Of texts each
//! block has the different ones, and of each row which of them it is.

mod block;
mod column;
mod places;

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use ::parquet::basic::{ConvertedType, LogicalType};
use ::parquet::column::reader::ColumnReader;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::statistics::Statistics;
use ::parquet::schema::types::ColumnDescriptor;
use chrono::NaiveDate;

pub(super) use self::block::Block;
use self::block::Column;
pub(crate) use self::block::Texts;
use self::places::Places;
use crate::HubError;

/// Rows of one block: what is decoded at once stays in the processor's cache.
const ROWS: usize = 4096;
/// Blocks that may wait for the caller.
const AHEAD: usize = 16;
/// A file and the wanted columns of it.
pub(super) struct Table {
    reader: SerializedFileReader<File>,
    leaves: Vec<Option<usize>>,
}

impl Table {
    /// `places` of the wanted among the columns that the file has.
    pub(super) fn open(
        path: &Path,
        places: impl FnOnce(&[String]) -> Result<Vec<Option<usize>>, HubError>,
    ) -> Result<Self, HubError> {
        let file = File::open(path).map_err(HubError::file(path))?;
        let reader = SerializedFileReader::new(file).map_err(broken(path))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let have: Vec<String> =
            schema.root_schema().get_fields().iter().map(|f| f.name().to_owned()).collect();
        // A nested column has no value of its own.
        let leaf = |name: &String| schema.columns().iter().position(|c| c.path().parts() == [name.as_str()]);
        let leaves: Vec<_> = places(&have)?.into_iter().map(|p| p.and_then(|p| leaf(&have[p]))).collect();
        // Read as empty they would be values that were withdrawn.
        let unread = leaves.iter().flatten().map(|leaf| schema.column(*leaf)).find(|c| is_unread(c));
        if let Some(column) = unread {
            let (name, kind) = (column.name(), column.converted_type());
            return Err(HubError::content(
                path,
                format!(
                    "the column `{name}` is a {kind}, which is not read; write numbers as double or integer, times as timestamp"
                ),
            ));
        }
        Ok(Self { reader, leaves })
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.leaves.get(column).is_some_and(Option::is_some)
    }

    /// Row groups.
    pub(super) fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// Rows before a group.
    pub(super) fn rows_before(&self, group: usize) -> usize {
        let groups = self.reader.metadata().row_groups();
        groups.iter().take(group).map(|g| g.num_rows() as usize).sum()
    }

    /// No day of this column in this group is later, where the file says so.
    pub(super) fn last_day(&self, group: usize, column: usize) -> Option<NaiveDate> {
        let leaf = self.leaves.get(column).copied().flatten()?;
        let chunk = self.reader.metadata().row_group(group).column(leaf);
        match chunk.statistics()? {
            Statistics::Int32(days) if chunk.column_descr().converted_type() == ConvertedType::DATE => {
                NaiveDate::from_epoch_days(*days.max_opt()?)
            }
            _ => None,
        }
    }

    /// The different texts of a column in this group, where the file has them aside.
    pub(super) fn texts(&self, group: usize, column: usize) -> Result<Option<Texts>, ParquetError> {
        let Some(leaf) = self.leaves.get(column).copied().flatten() else { return Ok(None) };
        let group = self.reader.get_row_group(group)?;
        Ok(Places::open(group.as_ref(), leaf)?.map(|places| places.texts))
    }

    /// Calls `each` for the blocks of these groups in their order.
    pub(super) fn for_each_block(
        &self,
        path: &Path,
        groups: Range<usize>,
        mut each: impl FnMut(&Block) -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        thread::scope(|scope| {
            let (send, receive) = sync_channel(AHEAD);
            scope.spawn(move || {
                // If the caller has gone nobody waits for more.
                if let Err(error) = self.decode(groups, |block| send.send(Ok(block)).is_ok()) {
                    let _ = send.send(Err(error));
                }
            });
            receive.into_iter().try_for_each(|block| each(&block.map_err(broken(path))?))
        })
    }

    /// Hands the blocks on until one is not wanted.
    fn decode(
        &self,
        groups: Range<usize>,
        mut hand_on: impl FnMut(Block) -> bool,
    ) -> Result<(), ParquetError> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        for index in groups {
            let group = self.reader.get_row_group(index)?;
            let mut left = group.metadata().num_rows() as usize;
            let mut readers = Vec::with_capacity(self.leaves.len());
            for leaf in &self.leaves {
                readers.push(match leaf {
                    Some(leaf) => Some((
                        schema.column(*leaf),
                        match Places::open(group.as_ref(), *leaf)? {
                            Some(places) => Reader::Places(places),
                            None => Reader::Values(group.get_column_reader(*leaf)?),
                        },
                    )),
                    None => None,
                });
            }
            while left > 0 {
                let rows = left.min(ROWS);
                let mut columns = Vec::with_capacity(readers.len());
                for reader in &mut readers {
                    columns.push(match reader {
                        Some((described, Reader::Places(places))) => places.next(described, rows)?,
                        Some((described, Reader::Values(reader))) => column::column(described, reader, rows)?,
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
}

/// Types whose values are not turned into a number, a day or a text.
fn is_unread(column: &ColumnDescriptor) -> bool {
    use ConvertedType::{DECIMAL, TIME_MICROS, TIME_MILLIS};
    matches!(column.converted_type(), DECIMAL | TIME_MILLIS | TIME_MICROS)
        || column.logical_type_ref() == Some(&LogicalType::Float16)
}

/// How a column is read.
enum Reader {
    Places(Places),
    Values(ColumnReader),
}

/// For `map_err`.
pub(super) fn broken(path: &Path) -> impl FnOnce(ParquetError) -> HubError + use<'_> {
    move |error| HubError::content(path, format!("is not a Parquet table: {error}"))
}
