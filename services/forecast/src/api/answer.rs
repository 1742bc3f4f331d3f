//! What the answers have in common.

use crate::batch::Reason;
use chrono::{DateTime, NaiveDate, Utc};
use domain::quantiles::{BANDS, MEDIAN};
use serde::Serialize;
use utoipa::ToSchema;

/// With a stopped clock: whose situation the answer shows. `null` with the real clock.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RecordedSituation {
    /// The time at which the platform's clock stands.
    pub(crate) as_of: DateTime<Utc>,
    /// The same as a sentence, in the language of the answer.
    pub(crate) notice: String,
}

/// What every answer says of the question.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Asked {
    /// `transmission`, `mortality`, `spread` or `forecast`.
    pub(crate) question: &'static str,
    pub(crate) signal: String,
    pub(crate) disease: String,
    /// ISO 3166, below that country:national code.
    pub(crate) place: String,
    /// The place's level: `nation`, or one of the country's.
    pub(crate) level: String,
    /// The time as of which figures were known.
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) recorded_situation: Option<RecordedSituation>,
}

/// An estimate, and what it was made from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Estimated<T> {
    /// Always `estimated`.
    #[schema(example = "estimated")]
    pub(crate) status: &'static str,
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// Unit of the values.
    pub(crate) unit: String,
    /// The last day of the last week that was known.
    pub(crate) reference_date: NaiveDate,
    /// That week, by the country's rule.
    pub(crate) reference_week: String,
    pub(crate) run: RunBody,
    pub(crate) result: T,
}

/// Where an estimate comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RunBody {
    /// The same code on the same rows at the same time has the same id.
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) model_version: String,
    /// What was known when it ran.
    pub(crate) as_of: DateTime<Utc>,
    /// The newest issue among the rows that were used.
    pub(crate) data_vintage: DateTime<Utc>,
    /// SHA-256 of the rows that were used.
    pub(crate) data_hash: String,
    /// SHA-256 of the model's source code.
    pub(crate) source_hash: String,
    /// When it was computed, by the machine's clock.
    pub(crate) created_at: DateTime<Utc>,
}

impl From<store::forecasts::Run> for RunBody {
    fn from(run: store::forecasts::Run) -> Self {
        Self {
            id: run.id,
            model: run.model_id,
            model_version: run.model_version,
            as_of: run.as_of,
            data_vintage: run.data_vintage,
            data_hash: run.data_hash,
            source_hash: run.source_hash,
            created_at: run.created_at,
        }
    }
}

/// Why there is no estimate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NotEstimated {
    /// Always `not_estimated`.
    #[schema(example = "not_estimated")]
    pub(crate) status: &'static str,
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// A stable word.
    pub(crate) reason: ReasonWord,
    /// The reason as a sentence, in the language of the answer.
    pub(crate) explanation: String,
    /// The last day or week with a figure, where there is one.
    pub(crate) last_figure: Option<NaiveDate>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReasonWord {
    /// The publisher has stopped.
    Ended,
    /// The newest figure is too old to say anything of now.
    Stale,
    /// Too few events or weeks.
    TooFew,
    /// No figure of this place is published in a form that could be kept.
    NoData,
    /// No model of this platform answers this question for this signal.
    NoModel,
    /// A model would answer, and has not run on what was known then.
    NotComputed,
    /// The publisher's newest table was refused and neither accepted by an operator nor replaced since.
    Quarantined,
    /// The model has failed lately: too few figures lay in its 80 % intervals, or its scores were worse than those of the
    /// persistence baseline. It goes on being computed and scored, and comes back when it passes.
    Withdrawn,
}

impl From<Reason> for ReasonWord {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Ended => Self::Ended,
            Reason::Stale => Self::Stale,
            Reason::TooFew => Self::TooFew,
            Reason::NoData => Self::NoData,
            Reason::NoModel => Self::NoModel,
            Reason::NotComputed => Self::NotComputed,
            Reason::Quarantined => Self::Quarantined,
            Reason::Withdrawn => Self::Withdrawn,
        }
    }
}

/// An estimate, or why there is none. Both are answers: HTTP 200.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Answer<T> {
    /// `status` is `estimated`.
    Estimated(Box<Estimated<T>>),
    /// `status` is `not_estimated`.
    NotEstimated(Box<NotEstimated>),
}

/// A week that something is said of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TargetWeek {
    /// The last day of the week that is forecast.
    pub(crate) target_end_date: NaiveDate,
    /// That week, by the country's rule.
    pub(crate) week: String,
    /// Was it over at `as_of`? Publishers are late: a forecast begins after the last week known, so that its first weeks can
    /// be over already, with no figure out.
    pub(crate) elapsed: bool,
}

/// A median with its central intervals: never a point without its band.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Bands {
    pub(crate) median: f64,
    /// Lower and upper end of the central 50 % interval.
    pub(crate) band_50: [f64; 2],
    /// Of the 80 % interval.
    pub(crate) band_80: [f64; 2],
    /// Of the 95 % interval.
    pub(crate) band_95: [f64; 2],
}

impl Bands {
    /// From the 23 quantiles; `None` if there are not 23.
    pub(crate) fn of(quantiles: &[f64]) -> Option<Self> {
        let band = |i: usize| {
            let (_, low, high) = BANDS[i];
            Some([*quantiles.get(low)?, *quantiles.get(high)?])
        };
        let median = *quantiles.get(MEDIAN)?;
        Some(Self { median, band_50: band(0)?, band_80: band(1)?, band_95: band(2)? })
    }
}
