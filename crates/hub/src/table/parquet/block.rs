//! Rows that were decoded together.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};

use crate::table::Cell;

/// Of a row without a text.
pub(super) const NONE: u32 = u32::MAX;

/// Different texts; nothing where the bytes are none.
pub(crate) type Texts = Arc<Vec<Option<String>>>;

/// Some rows, by wanted column.
pub(crate) struct Block {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
}

pub(super) enum Column {
    /// Not in the file, or of a type that holds no text, number or day.
    Absent,
    /// NaN where there is none.
    Number(Vec<f64>),
    Day(Vec<Option<NaiveDate>>),
    Moment(Vec<Option<NaiveDateTime>>),
    /// The different texts, and the place of each row's among them.
    Text(Texts, Vec<u32>),
}

impl Block {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    #[inline]
    pub(crate) fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        let found = match self.columns.get(column) {
            Some(Column::Number(numbers)) => {
                numbers.get(row).filter(|n| n.is_finite()).map(|n| Cell::Number(*n))
            }
            Some(Column::Day(days)) => days.get(row).copied().flatten().map(Cell::Day),
            Some(Column::Moment(times)) => times.get(row).copied().flatten().map(Cell::Moment),
            Some(Column::Text(texts, of)) => {
                let text = of.get(row).and_then(|place| texts.get(*place as usize));
                text.and_then(|text| text.as_deref()).map(Cell::Text)
            }
            Some(Column::Absent) | None => None,
        };
        found.unwrap_or(Cell::Missing)
    }

    /// Whether a cell is surely equal to the one above it in this block.
    #[inline]
    pub(crate) fn repeats(&self, column: usize, row: usize) -> bool {
        fn same<T>(cells: &[T], row: usize, equal: impl Fn(&T, &T) -> bool) -> bool {
            row > 0 && matches!(cells.get(row - 1..=row), Some([above, here]) if equal(above, here))
        }
        match self.columns.get(column) {
            Some(Column::Number(numbers)) => same(numbers, row, |a, b| a.to_bits() == b.to_bits()),
            Some(Column::Day(days)) => same(days, row, PartialEq::eq),
            Some(Column::Moment(times)) => same(times, row, PartialEq::eq),
            Some(Column::Text(_, of)) => same(of, row, PartialEq::eq),
            Some(Column::Absent) | None => row > 0,
        }
    }
}
