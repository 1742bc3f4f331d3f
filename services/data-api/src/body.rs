//! What the answers look like.

use chrono::{DateTime, Utc};
use domain::{Day, EpiWeek, ObservationId, Stamp, Status};
use kit::App;
use serde::{Serialize, Serializer};
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

/// One published value.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Value<'w> {
    /// Permanent id of exactly this issue of the value: `GET why/{id}` says where it comes from.
    #[schema(value_type = String, example = "flu_hosp_admissions~cdc-flusight~US-NY~2025-01-04~20250108T182656Z")]
    pub(crate) id: ObservationId<'w>,
    /// What is counted.
    pub(crate) signal: &'w str,
    /// Where: ISO 3166, below that country:national code.
    pub(crate) place: &'w str,
    /// The day that the value is about, or the last day of the week.
    #[schema(value_type = NaiveDate)]
    pub(crate) reference_date: Day,
    /// The week by the country's rule, where the signal is weekly.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = Option<String>)]
    pub(crate) week: Option<EpiWeek>,
    /// The number; `null` where the status has none.
    #[serde(serialize_with = "plain")]
    #[schema(value_type = Option<f64>)]
    pub(crate) value: Option<f64>,
    /// Why there is, or is not, a number.
    #[schema(value_type = StatusWord)]
    pub(crate) status: Status,
    /// `persons`, `per100k`, `per100k_visits`, `percent`.
    pub(crate) unit: &'static str,
    /// When the publisher issued it.
    #[schema(value_type = DateTime<Utc>)]
    pub(crate) issued_at: Stamp,
    /// When this platform, or the recording that it carries, first had it.
    #[schema(value_type = DateTime<Utc>)]
    pub(crate) seen_at: Stamp,
    /// The publisher's table.
    pub(crate) source: &'w str,
    /// The payload that it was read from.
    pub(crate) retrieval: &'w str,
    /// The time at which the platform's clock stands, when it is stopped.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub(crate) recorded_situation: Option<&'w str>,
}

fn shown<S: Serializer>(week: &Option<EpiWeek>, out: S) -> Result<S::Ok, S::Error> {
    match week {
        None => out.serialize_none(),
        Some(week) => out.collect_str(week),
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
