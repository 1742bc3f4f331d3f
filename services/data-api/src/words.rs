//! What the numbers in the rows of a scan stand for.

use crate::body::{Shape, Value};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{ObservationKey, SourceId, WeekSystem};
use kit::Problem;
use std::collections::HashMap;
use store::scan::Row;

/// Texts that repeat, once each.
#[derive(Debug)]
pub struct Words {
    /// The signal.
    pub signal: String,
    /// A word of [`domain::profile::Unit`].
    pub unit: &'static str,
    /// Place and source of each series, by its number.
    pub series: Vec<(String, String)>,
    /// Ids of payloads, by key.
    pub payloads: HashMap<i32, String>,
    /// How weeks are numbered, where the signal is weekly.
    pub weeks: Option<WeekSystem>,
    /// The time at which a stopped clock stands.
    pub recorded: Option<DateTime<Utc>>,
}

impl Words {
    /// The id of a payload.
    ///
    /// # Errors
    /// When it is no payload of the sources that were asked.
    pub(crate) fn payload(&self, key: i32) -> Result<&str, Unknown> {
        self.payloads.get(&key).map(String::as_str).ok_or(Unknown(key))
    }

    /// A row in full, as it is written where every row stands by itself.
    ///
    /// # Errors
    /// When the row breaks a rule of `domain`: the database was written by something else than this platform.
    pub(crate) fn value(&self, row: &Row, shape: &Shape) -> Result<Value, Problem> {
        let (place, source) = self.series.get(row.series as usize).ok_or_else(|| lost("a series"))?;
        let time = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(|| lost("a time"));
        let key = ObservationKey {
            signal: shape.signal().clone(),
            source: source.parse::<SourceId>().map_err(anyhow::Error::from)?,
            place: place.parse().map_err(anyhow::Error::from)?,
            reference_date: NaiveDate::from_epoch_days(row.date).ok_or_else(|| lost("a date"))?,
            issued_at: time(row.issued_at)?,
        };
        let payload = self.payload(row.payload).map_err(anyhow::Error::from)?;
        Ok(shape.keyed(&key, row.value, row.status, time(row.seen_at)?, payload))
    }
}

fn lost(what: &str) -> anyhow::Error {
    anyhow::anyhow!("{what} of a row is none")
}

/// A payload of another source than those of the rows.
#[derive(Debug, thiserror::Error)]
#[error("payload {0} is none of the sources of this signal")]
pub(crate) struct Unknown(i32);
