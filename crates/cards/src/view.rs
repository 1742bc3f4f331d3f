//! A card as it is shown: the same on the page and in the API.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// The models of a country, and how their cards answer what is asked of such systems.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Models {
    /// The language of the texts.
    pub language: String,
    /// Who publishes this installation; `null` until its operator says so.
    pub operator: Option<String>,
    /// Whom to write to; `null` until the operator says so.
    pub contact: Option<String>,
    /// The commit that the images were built from; `null` where nobody told the program.
    pub commit: Option<String>,
    /// By id.
    pub models: Vec<Model>,
    /// Considerations of WHO (2023) and articles of the AI Act, line by line.
    pub requirements: Vec<Group>,
}

/// A model card.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Model {
    /// As in runs.
    pub id: String,
    /// As in runs.
    pub version: String,
    /// For people.
    pub title: String,
    /// Who answers for it.
    pub signature: Signature,
    /// What this country uses it for, with the newest run and the record of each signal.
    pub signals: Vec<Use>,
    /// What it learns from, with licences.
    pub sources: Vec<Source>,
    /// The written part, in order.
    pub fields: Vec<Field>,
    /// Scores by season and place, measured on what was known at each origin.
    pub scores: Vec<Season>,
    /// What was measured otherwise.
    pub measured: Vec<Measured>,
}

/// Signed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Signature {
    /// `unsigned` or `signed`.
    pub status: &'static str,
    /// Who signed; `null` while it is unsigned.
    pub by: Option<String>,
    /// The day that the signed text states.
    pub on: Option<NaiveDate>,
    /// Fingerprint of the key.
    pub key: Option<String>,
    /// SHA-256 of the card's files: what would be signed.
    pub digest: String,
}

/// What a model is used for here.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Use {
    /// The signal.
    pub signal: String,
    /// The newest run, of whatever version; `null` while there is none.
    pub run: Option<Run>,
    /// The stored forecasts of this model against what was reported, by version of the model, oldest first; empty until
    /// truth arrives.
    pub record: Vec<Record>,
    /// The serial interval, for the reproduction number.
    pub serial_interval: Option<SerialInterval>,
    /// The stages from an infection to its report, for the reproduction number; empty where it is dated by the report.
    pub delays: Vec<Delay>,
}

/// A stage of the time from an infection to its report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Delay {
    /// Which.
    pub stage: Stage,
    /// Mean.
    pub mean_days: f64,
    /// Standard deviation.
    pub sd_days: f64,
    /// Where it was read, or what stands in for it and why.
    pub source: String,
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// From the infection to symptoms.
    Incubation,
    /// From symptoms to the day that the figure is dated by: of the visit, the admission, the test.
    Report,
}

/// What the newest numbers were made from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The model that made it.
    pub model: String,
    /// Its version then.
    pub model_version: String,
    /// What was known.
    pub as_of: DateTime<Utc>,
    /// The newest issue among the rows that were used.
    pub data_vintage: DateTime<Utc>,
    /// SHA-256 of the rows that were used.
    pub data_hash: String,
    /// SHA-256 of the model's source code.
    pub source_hash: String,
}

/// Stored scores, summed up.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Record {
    /// The version of the model.
    pub model_version: String,
    /// Forecasts that have a figure.
    pub forecasts: i64,
    /// How many of them were computed after the figure was out, from what was known before.
    pub replayed: i64,
    /// The end of the first week that was forecast.
    pub first_week: NaiveDate,
    /// The end of the last one.
    pub last_week: NaiveDate,
    /// When the newest figure was issued that they are scored against.
    pub truth_issued_at: DateTime<Utc>,
    /// Sum of the scores over that of the hubs' persistence baseline; below 1 is better than it.
    pub relative_wis: Option<f64>,
    /// Share of the figures inside the central 50 % interval.
    pub coverage_50: f64,
    /// Inside the 80 % interval.
    pub coverage_80: f64,
    /// Inside the 95 % interval.
    pub coverage_95: f64,
}

/// Days between a case and the one that it leads to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SerialInterval {
    /// Mean, in days.
    pub mean_days: f64,
    /// Standard deviation, in days.
    pub sd_days: f64,
    /// Where it was read.
    pub source: String,
}

/// A source of figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// Who publishes it; `null` where this installation has not loaded it.
    pub publisher: Option<String>,
    /// What the publisher calls it.
    pub title: Option<String>,
    /// Where a person can read about it.
    pub page_url: Option<String>,
    /// Short name of the licence.
    pub licence: Option<String>,
    /// The licence's text.
    pub licence_url: Option<String>,
}

/// A written field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Field {
    /// Its name: `intended_use`.
    pub id: String,
    /// Its heading.
    pub heading: String,
    /// One paragraph, or the points of a list.
    pub text: Vec<String>,
}

/// The scores of one season of one target.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Season {
    /// As the hub names it.
    pub target: String,
    /// `2024-25`.
    pub season: String,
    /// First reference date.
    pub first: NaiveDate,
    /// Last reference date.
    pub last: NaiveDate,
    /// The day of the truth.
    pub truth_as_of: NaiveDate,
    /// What it is compared with.
    pub baseline: String,
    /// How to measure it again.
    pub command: String,
    /// All places together first, as `all`.
    pub places: Vec<PlaceScores>,
}

/// The scores of one place in one season.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlaceScores {
    /// A place's id, or `all`.
    pub place: String,
    /// Forecasts that were scored.
    pub tasks: u64,
    /// Mean weighted interval score, in the unit of the target.
    pub wis: f64,
    /// That of the baseline.
    pub baseline_wis: f64,
    /// The first over the second: below 1 is better than the baseline.
    pub relative_wis: f64,
    /// The same on the scale ln(1 + x).
    pub relative_wis_log1p: f64,
    /// Share of the truths inside the central 50 % interval.
    pub coverage_50: f64,
    /// Inside the 80 % interval.
    pub coverage_80: f64,
    /// Inside the 95 % interval.
    pub coverage_95: f64,
}

/// One measurement outside the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Measured {
    /// On what: target, period, number of forecasts, truth.
    pub on: String,
    /// What was measured.
    pub measure: String,
    /// The figures.
    pub value: String,
    /// The day of the measurement.
    pub date: String,
    /// How to measure it again.
    pub how: String,
}

/// An area of WHO's considerations, or an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Group {
    /// `who-1`, `ai-act-13`.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Line {
    /// Unique.
    pub id: String,
    /// Its place in the text: `13(3)(b)(ii)`.
    pub reference: String,
    /// What it asks for, in our words.
    pub asks: String,
    /// `met`, `partly`, `not_met` or `not_applicable`, as we see it: no authority has assessed it.
    pub status: &'static str,
    /// The same in words.
    pub status_text: String,
    /// Our answer.
    pub says: String,
    /// Fields of the cards that answer it.
    pub fields: Vec<String>,
    /// Pages that answer it, without a language.
    pub pages: Vec<String>,
    /// Tests of the repository that prove the answer.
    pub tests: Vec<String>,
}
