//! Why a payload is not accepted: sentences that say what was wrong and where.

use chrono::NaiveDate;

/// The reason that goes into the quarantine. A refused payload changes nothing: the last good data stay.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Zero bytes.
    #[error(
        "the payload is empty (zero bytes); the publisher's file may be under way: wait for the next check"
    )]
    Empty,
    /// Something else than the table that was asked for.
    #[error("the payload is {0}, not the table that was asked for")]
    NotData(&'static str),
    /// The bytes break the rules of their own format.
    #[error("the payload cannot be read as {format}: {why}")]
    Unreadable {
        /// `CSV`, `Parquet`.
        format: &'static str,
        /// What the reader said.
        why: String,
    },
    /// The table lacks what the parser needs.
    #[error("the column `{column}` is missing; the table has: {header}")]
    MissingColumn {
        /// What was looked for.
        column: String,
        /// What is there.
        header: String,
    },
    /// A cell that cannot be what its column holds.
    #[error("line {line}, column `{column}`: `{text}` is not {expected}")]
    Cell {
        /// Line of the payload, the header being 1.
        line: u64,
        /// The column.
        column: String,
        /// What the cell holds (its first 40 characters).
        text: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A table without a usable row.
    #[error("the table has no row that this platform can use")]
    NoRows,
    /// The same key twice in one vintage.
    #[error("{count} rows repeat a key within one vintage, the first being {key}")]
    Duplicate {
        /// `signal place date issue`.
        key: String,
        /// How many rows repeat one.
        count: usize,
    },
    /// A key column that lost its content.
    #[error("all {rows} rows say the place {place}: the place column is corrupt")]
    OnePlace {
        /// The only label.
        place: String,
        /// How many rows.
        rows: usize,
    },
    /// A truncated file.
    #[error(
        "only {rows} rows, where {known} are known from before: the file is truncated; absence is not deletion"
    )]
    Fewer {
        /// Rows now.
        rows: usize,
        /// Cells known before.
        known: usize,
    },
    /// A count below zero from a publisher that does not publish corrections.
    #[error("{key} is {value}: a count below zero")]
    Negative {
        /// Which cell.
        key: String,
        /// Its value.
        value: f64,
    },
    /// A value that is no number: an infinity.
    #[error("{key} is not a finite number")]
    NotFinite {
        /// Which cell.
        key: String,
    },
    /// About a day that had not come when it was published.
    #[error("{key} is about a day after its issue")]
    Future {
        /// Which cell.
        key: String,
    },
    /// About a day before the thing existed.
    #[error("{key} is about a day before {first}, when this series begins")]
    Early {
        /// Which cell.
        key: String,
        /// The first possible day.
        first: NaiveDate,
    },
    /// A weekly value that is not dated by the end of a week.
    #[error("{key} is not dated by the last day of a week")]
    Weekday {
        /// Which cell.
        key: String,
    },
    /// Numbers of another size than those known of the same cells: another unit, half of the reports.
    #[error(
        "the {cells} values of {signal} that are known from before are now {factor:.2} times as large (median): the unit or the reports changed"
    )]
    Scale {
        /// Which signal.
        signal: String,
        /// Median of new value by known value.
        factor: f64,
        /// How many cells were compared.
        cells: usize,
    },
    /// A day or week in the middle that is known, or must be there, and has no row.
    #[error(
        "{signal} has no row for {date}, although it has earlier and later ones: a day or week is missing"
    )]
    Gap {
        /// Which signal.
        signal: String,
        /// The first date that is missing.
        date: NaiveDate,
    },
    /// A new week that says what the week before said, everywhere.
    #[error(
        "all {cells} values of {signal} for {date} are those of the week before: one week stands there twice"
    )]
    Repeated {
        /// Which signal.
        signal: String,
        /// The week that repeats.
        date: NaiveDate,
        /// How many values are equal.
        cells: usize,
    },
    /// Places that reported until now and are in the table no more.
    #[error(
        "{count} of {known} places that reported {signal} until now have no row, the first being {place}: the file is truncated"
    )]
    PlacesGone {
        /// Which signal.
        signal: String,
        /// The first of them.
        place: String,
        /// How many.
        count: usize,
        /// How many reported lately.
        known: usize,
    },
}
