//! What goes into a parser and what comes out of it.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{PlaceId, SignalId, Status};
use std::collections::BTreeMap;

/// What a parser may know besides the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// When the payload was issued; parsers of tables that state their own issue times ignore it.
    pub issued_at: DateTime<Utc>,
    /// The file's name at the publisher or in the recording, without folders.
    pub file: &'a str,
}

/// One published value.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What is counted.
    pub signal: SignalId,
    /// Where.
    pub place: PlaceId,
    /// The day, or the last day of the week.
    pub reference_date: NaiveDate,
    /// When the publisher issued it.
    pub issued_at: DateTime<Utc>,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// What kind of value it is.
    pub status: Status,
}

impl Row {
    /// A cell that the publisher lists: observed when it has a number, missing when it has none.
    #[must_use]
    pub fn new(
        signal: &SignalId,
        place: &PlaceId,
        reference_date: NaiveDate,
        issued_at: DateTime<Utc>,
        value: Option<f64>,
    ) -> Self {
        let status = if value.is_some() { Status::Observed } else { Status::Missing };
        Self { signal: signal.clone(), place: place.clone(), reference_date, issued_at, value, status }
    }
}

/// One vintage inside a payload that holds several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vintage {
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Set when the publisher keeps a file for each signal.
    pub signal: Option<SignalId>,
    /// Tells it apart in the id of its retrieval: a commit, a date.
    pub name: String,
    /// Where the publisher keeps this very vintage.
    pub url: String,
}

/// What a payload says, and what of it was set aside. Nothing is dropped in silence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// The values.
    pub rows: Vec<Row>,
    /// What is in the payload and not for us, with the reason and the number of rows.
    pub skipped: Vec<(String, u64)>,
    /// Rows with a defect that this source tolerates, with the reason and the number of rows.
    pub quarantined: Vec<(String, u64)>,
    /// Set when the payload is a log of many vintages; empty when it is one vintage.
    pub vintages: Vec<Vintage>,
    /// Does the payload hold changes only? Then its rows say nothing about how long the table is.
    pub changes_only: bool,
}

/// A proportion in percent, to the six decimals beyond which no publisher means anything: 0.0055000000000000005 is 0.55.
pub(crate) fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// Counts what a parser leaves out, by reason.
#[derive(Debug, Default)]
pub struct Skips(BTreeMap<String, u64>);

impl Skips {
    /// One more row left out for `reason`.
    pub fn add(&mut self, reason: &str) {
        if let Some(count) = self.0.get_mut(reason) {
            *count += 1;
        } else {
            self.0.insert(reason.to_owned(), 1);
        }
    }

    /// The reasons with their counts, in order.
    #[must_use]
    pub fn into_list(self) -> Vec<(String, u64)> {
        self.0.into_iter().collect()
    }
}

/// A signal of our own declarations: these are constants that a test has read.
///
/// # Errors
/// Never for a constant that is a signal.
pub fn signal(id: &'static str) -> Result<SignalId, crate::Refusal> {
    SignalId::new(id).map_err(|e| crate::Refusal::Unreadable { format: "a signal", why: e.to_string() })
}

/// An issue time that is known only as a date counts from the end of that day (23:59:59 UTC), so that an
/// as-of earlier on that day does not see what may have come out later.
#[must_use]
pub fn end_of_day(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default()).and_utc()
}
