//! What the numbers in the rows of the database stand for.

use crate::body::Value;
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{Cadence, Signal};
use domain::{Day, EpiWeek, ObservationId, Stamp, WeekSystem};
use kit::{App, Problem};
use std::collections::HashMap;
use std::sync::Arc;
use store::scan::Row;

/// A place and whose figures stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The place.
    pub place: String,
    /// The source.
    pub source: String,
    /// The key of the series; 0 where there is none yet.
    pub series: i32,
}

/// Texts that repeat, once each.
#[derive(Debug, Clone)]
pub struct Words {
    /// The signal.
    pub signal: String,
    /// A word of [`domain::profile::Unit`].
    pub unit: &'static str,
    /// The series that were asked for: a row names its own by its number in this list.
    pub targets: Arc<Vec<Target>>,
    /// Ids of payloads, by key.
    pub payloads: HashMap<i32, String>,
    /// How weeks are numbered, where the signal is weekly.
    pub weeks: Option<WeekSystem>,
    /// The time at which a stopped clock stands.
    pub recorded: Option<DateTime<Utc>>,
    /// The same as a text.
    pub recorded_text: Option<String>,
}

impl Words {
    /// The words of a signal's rows: all but the payloads, which only the rows tell.
    pub(crate) fn new(app: &App, signal: &Signal, targets: Arc<Vec<Target>>) -> Self {
        Self {
            signal: signal.id.to_string(),
            unit: signal.unit.as_str(),
            targets,
            payloads: HashMap::new(),
            weeks: (signal.cadence == Cadence::Week).then_some(app.profile.week_system),
            recorded: app.clock.recorded(),
            recorded_text: app.clock.recorded().map(|at| Stamp(at).to_string()),
        }
    }

    /// The same words with the payloads of some rows.
    pub(crate) fn with(mut self, payloads: HashMap<i32, String>) -> Self {
        self.payloads = payloads;
        self
    }

    /// The week of a date, where the signal is weekly.
    pub(crate) fn week(&self, date: NaiveDate) -> Option<EpiWeek> {
        self.weeks.map(|system| EpiWeek::of(date, system))
    }

    /// The id of a payload.
    ///
    /// # Errors
    /// When it is none that was looked up.
    pub(crate) fn payload(&self, key: i32) -> Result<&str, Unknown> {
        self.payloads.get(&key).map(String::as_str).ok_or(Unknown::Payload(key))
    }

    /// The place and source of a series.
    ///
    /// # Errors
    /// When nobody asked for it.
    pub(crate) fn target(&self, series: u32) -> Result<&Target, Unknown> {
        self.targets.get(series as usize).ok_or(Unknown::Series(series))
    }

    /// A row in full, as it is written where every row stands by itself.
    ///
    /// # Errors
    /// When a number of the row stands for nothing: the database was written by something else than this platform.
    pub(crate) fn value(&self, row: &Row) -> Result<Value<'_>, Unknown> {
        let Target { place, source, .. } = self.target(row.series)?;
        let (reference_date, issued_at) = (date(row.date)?, time(row.issued_at)?);
        Ok(Value {
            id: ObservationId { signal: &self.signal, source, place, reference_date, issued_at },
            signal: &self.signal,
            place,
            reference_date: Day(reference_date),
            week: self.week(reference_date),
            value: row.value,
            status: row.status,
            unit: self.unit,
            issued_at: Stamp(issued_at),
            seen_at: Stamp(time(row.seen_at)?),
            source,
            retrieval: self.payload(row.payload)?,
            recorded_situation: self.recorded_text.as_deref(),
        })
    }

    /// Rows in full.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub(crate) fn values(&self, rows: &[Row]) -> Result<Vec<Value<'_>>, Problem> {
        Ok(rows.iter().map(|row| self.value(row)).collect::<Result<_, _>>().map_err(anyhow::Error::from)?)
    }
}

/// The date that is so many days after 1970 began.
///
/// # Errors
/// When that is outside the calendar.
pub(crate) fn date(days: i32) -> Result<NaiveDate, Unknown> {
    NaiveDate::from_epoch_days(days).ok_or(Unknown::Date(days))
}

/// The time that is so many microseconds after 1970 began.
///
/// # Errors
/// When that is outside the calendar.
pub(crate) fn time(micros: i64) -> Result<DateTime<Utc>, Unknown> {
    DateTime::from_timestamp_micros(micros).ok_or(Unknown::Time(micros))
}

/// A number in a row that stands for nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unknown {
    #[error("payload {0} is none of the sources of this signal")]
    Payload(i32),
    #[error("series {0} was not asked for")]
    Series(u32),
    #[error("{0} days after 1970 is no date")]
    Date(i32),
    #[error("{0} microseconds after 1970 is no time")]
    Time(i64),
}
