//! What the answers look like.

use crate::parquet_file::Row;
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{Cadence, Signal, Unit};
use domain::{EpiWeek, ObservationKey, Status, WeekSystem};
use kit::{App, Problem};
use serde::{Serialize, Serializer};
use store::series::Point;
use utoipa::ToSchema;

/// With a stopped clock: whose situation the answer shows. `null` with the real clock.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecordedSituation {
    /// The time at which the platform's clock stands.
    as_of: DateTime<Utc>,
    /// The same as a sentence.
    notice: String,
}

impl RecordedSituation {
    /// Nothing when the clock is real.
    pub(crate) fn of(app: &App) -> Option<Self> {
        let notice = app.recorded_notice(app.language("en")?)?;
        Some(Self { as_of: app.clock.recorded()?, notice })
    }
}

/// What kind of value a cell holds; never a sentinel number.
#[expect(dead_code, reason = "describes domain::Status, which knows nothing of OpenAPI")]
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum StatusWord {
    /// A value, as published.
    Observed,
    /// A value that its publisher marks as preliminary.
    Provisional,
    /// The publisher lists the cell and has no value for it.
    Missing,
    /// The publisher withholds the value (small cell).
    Suppressed,
    /// The question makes no sense for this cell.
    NotApplicable,
    /// The publisher took a value back.
    Withdrawn,
}

/// A unit as the word that all formats write.
fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Persons => "persons",
        Unit::Per100k => "per100k",
        Unit::Per100kVisits => "per100k_visits",
        Unit::Percent => "percent",
        Unit::Percentile => "percentile",
    }
}

/// One published value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Value {
    /// Permanent id of exactly this issue of the value: `GET why/{id}` says where it comes from.
    #[schema(example = "flu_hosp_admissions~cdc-flusight~US-NY~2025-01-04~20250108T171512Z")]
    pub(crate) id: String,
    /// What is counted.
    pub(crate) signal: String,
    /// Where: ISO 3166, below that country:national code.
    pub(crate) place: String,
    /// The day that the value is about, or the last day of the week.
    pub(crate) reference_date: NaiveDate,
    /// The week by the country's rule, where the signal is weekly.
    pub(crate) week: Option<String>,
    /// The number; `null` where the status has none.
    #[serde(serialize_with = "plain")]
    #[schema(value_type = Option<f64>)]
    pub(crate) value: Option<f64>,
    /// Why there is, or is not, a number.
    #[schema(value_type = StatusWord)]
    pub(crate) status: Status,
    /// `persons`, `per100k`, `per100k_visits`, `percent`.
    #[schema(value_type = String)]
    pub(crate) unit: Unit,
    /// When the publisher issued it.
    pub(crate) issued_at: DateTime<Utc>,
    /// When this platform, or the recording that it carries, first had it.
    pub(crate) seen_at: DateTime<Utc>,
    /// The publisher's table.
    pub(crate) source: String,
    /// The payload that it was read from.
    pub(crate) retrieval: String,
    /// The time at which the platform's clock stands, when it is stopped.
    pub(crate) recorded_situation: Option<DateTime<Utc>>,
}

impl Value {
    /// The same as a row of a Parquet file.
    pub(crate) fn row(&self) -> Row<'_> {
        Row {
            id: &self.id,
            signal: &self.signal,
            place: &self.place,
            reference_date: self.reference_date,
            week: self.week.as_deref(),
            value: self.value,
            status: self.status.as_str(),
            unit: unit_word(self.unit),
            issued_at: self.issued_at,
            seen_at: self.seen_at,
            source: &self.source,
            retrieval: &self.retrieval,
            recorded_situation: self.recorded_situation,
        }
    }
}

/// Whole numbers without a decimal point: 812, not 812.0.
fn plain<S: Serializer>(value: &Option<f64>, out: S) -> Result<S::Ok, S::Error> {
    match value {
        None => out.serialize_none(),
        // Below 2^53 every whole number is exact, so the cast loses nothing.
        Some(v) if v.fract() == 0.0 && v.abs() < 9e15 => out.serialize_i64(*v as i64),
        Some(v) => out.serialize_f64(*v),
    }
}

/// The same for a value of JSON.
pub(crate) fn plain_number(value: Option<f64>) -> serde_json::Value {
    plain(&value, serde_json::value::Serializer).unwrap_or_default()
}

/// What turns rows of the database into values.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    signal: Signal,
    weeks: WeekSystem,
    recorded: Option<DateTime<Utc>>,
}

impl Shape {
    pub(crate) fn new(app: &App, signal: &Signal) -> Self {
        Self { signal: signal.clone(), weeks: app.profile.week_system, recorded: app.clock.recorded() }
    }

    /// The week of a date, where the signal is weekly.
    pub(crate) fn week(&self, date: NaiveDate) -> Option<String> {
        (self.signal.cadence == Cadence::Week).then(|| EpiWeek::of(date, self.weeks).to_string())
    }

    /// One row as a value.
    ///
    /// # Errors
    /// When the row breaks a rule of `domain`: the database was written by something else than this platform.
    pub(crate) fn value(&self, source: &str, p: &Point) -> Result<Value, Problem> {
        let key = ObservationKey {
            signal: self.signal.id.clone(),
            source: source.parse().map_err(anyhow::Error::from)?,
            place: p.place_id.parse().map_err(anyhow::Error::from)?,
            reference_date: p.reference_date,
            issued_at: p.issued_at,
        };
        Ok(Value {
            id: key.id(),
            signal: self.signal.id.to_string(),
            place: p.place_id.clone(),
            reference_date: p.reference_date,
            week: self.week(p.reference_date),
            value: p.value,
            status: p.status.parse().map_err(anyhow::Error::from)?,
            unit: self.signal.unit,
            issued_at: p.issued_at,
            seen_at: p.seen_at,
            source: source.to_owned(),
            retrieval: p.retrieval_id.clone(),
            recorded_situation: self.recorded,
        })
    }
}
