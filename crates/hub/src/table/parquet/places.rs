//! Texts by the dictionary of their row group: each different one is read once, and of each row only its place.

use std::collections::VecDeque;
use std::sync::Arc;

use ::parquet::basic::{ConvertedType, Encoding, Type};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::column::reader::ColumnReaderImpl;
use ::parquet::data_type::Int32Type;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::RowGroupReader;
use ::parquet::schema::types::ColumnDescriptor;

use super::block::{Column, NONE, Texts};
use super::column::{text, values};

/// A column of a row group.
pub(super) struct Places {
    pub(super) texts: Texts,
    reader: ColumnReaderImpl<Int32Type>,
}

impl Places {
    /// `None` if the column holds no texts, or some outside of its dictionary.
    ///
    /// The crate decodes a place and looks its value up at once. So it is given the numbers 0, 1, 2 … for dictionary, and
    /// what it finds are the places.
    pub(super) fn open(group: &dyn RowGroupReader, leaf: usize) -> Result<Option<Self>, ParquetError> {
        let described = group.metadata().schema_descr().column(leaf);
        if described.physical_type() != Type::BYTE_ARRAY
            || described.converted_type() == ConvertedType::DECIMAL
        {
            return Ok(None);
        }
        let mut source = group.get_column_page_reader(leaf)?;
        let Some(Page::DictionaryPage { buf, num_values, encoding, is_sorted }) = source.get_next_page()?
        else {
            return Ok(None);
        };
        let numbers: Vec<u8> = (0..num_values).flat_map(u32::to_le_bytes).collect();
        let dictionary = Page::DictionaryPage { buf: numbers.into(), num_values, encoding, is_sorted };
        let mut pages = VecDeque::from([dictionary]);
        while let Some(page) = source.get_next_page()? {
            if !matches!(page.encoding(), Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY) {
                return Ok(None);
            }
            pages.push_back(page);
        }
        let texts = Arc::new(texts(&described, &buf, num_values)?);
        Ok(Some(Self { texts, reader: ColumnReaderImpl::new(described, Box::new(Pages(pages))) }))
    }

    pub(super) fn next(&mut self, described: &ColumnDescriptor, rows: usize) -> Result<Column, ParquetError> {
        let places = values(described, &mut self.reader, rows)?.each(NONE, |place| place as u32);
        Ok(Column::Text(Arc::clone(&self.texts), places))
    }
}

/// Each text stands behind its length in bytes.
fn texts(
    described: &ColumnDescriptor,
    mut bytes: &[u8],
    count: u32,
) -> Result<Vec<Option<String>>, ParquetError> {
    let mut next = || {
        let (length, rest) = bytes.split_first_chunk()?;
        let (found, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        bytes = rest;
        Some(found)
    };
    let ends = || ParquetError::EOF(format!("the dictionary of column {} ends early", described.name()));
    (0..count).map(|_| text(described, next().ok_or_else(ends)?)).collect()
}

/// Pages that were read already.
struct Pages(VecDeque<Page>);

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front().map(Ok)
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        Ok(self.0.pop_front())
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        let about = |page: &Page| PageMetadata {
            num_rows: None,
            num_levels: page.is_data_page().then_some(page.num_values() as usize),
            is_dict: page.is_dictionary_page(),
        };
        Ok(self.0.front().map(about))
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.0.pop_front();
        Ok(())
    }
}
