//! How good what was said of spread has been: mean scores beside those of climatology, and the same in sentences.

use chrono::{DateTime, Utc};
use domain::profile::Language;
use kit::locale::Formats;
use kit::record::{LEAST_WEEKS, RECORD_WEEKS};
use kit::{App, Problem};
use rust_i18n::t;
use serde::Serialize;
use sqlx::PgConnection;
use store::scores::{Means, ScoredSpread};
use utoipa::ToSchema;

/// What was said of spread against what came, over the newest weeks that have a figure. Each part is `null` where nothing was
/// scored.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SpreadRecord {
    /// So many target weeks are looked at, fewer where fewer have a figure.
    most_weeks: u32,
    /// The five classes of change: ranked probability score.
    classes: Option<Skill>,
    /// A rise: Brier score.
    rises: Option<Skill>,
    /// An arrival, in places that were quiet: Brier score.
    arrives: Option<Skill>,
}

/// Mean scores of one question; smaller is better, 0 is perfect.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Skill {
    /// Target weeks that have a figure.
    weeks: i64,
    /// Forecasts of them: places, horizons and runs.
    forecasts: i64,
    /// How many were computed after the first figure of their week was out, from what was known before.
    replayed: i64,
    /// How often it came. Of the classes `null`.
    came: Option<i64>,
    /// How often it was to be expected: the sum of the probabilities. Of the classes `null`.
    expected: Option<f64>,
    /// Against the figures known at `as_of`.
    mean_score: f64,
    /// Against the first figures of each week.
    mean_score_at_first_issue: Option<f64>,
    /// Forecasts that have a climatology: how often it came at this time of earlier seasons, as known at the origin.
    compared: i64,
    /// The sum of their scores over that of climatology; below 1 is better than it.
    relative_to_climatology: Option<f64>,
    /// The same as a sentence, in the language of the answer; `null` with fewer than four weeks, which tell nothing.
    sentence: Option<String>,
}

/// What was said of the spread in one week, against what came.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SpreadScore {
    /// When the newer of the figures was issued: that of this week, or of the last one known at the origin.
    truth_issued_at: DateTime<Utc>,
    /// The class of change that came.
    class: String,
    /// Ranked probability score of the five classes.
    rps: f64,
    /// That of climatology; `null` where no earlier season was known.
    rps_climatology: Option<f64>,
    rises: EventScore,
    /// `null` where nothing was said of an arrival.
    arrives: Option<EventScore>,
    first_issue: FirstSpread,
}

/// Something that was given a probability, and came or not.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EventScore {
    probability: f64,
    came: bool,
    brier: f64,
    /// That of climatology; `null` where no earlier season was known.
    brier_climatology: Option<f64>,
}

/// The same against the first figures. `null` where none was left of them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FirstSpread {
    truth_issued_at: DateTime<Utc>,
    class: Option<String>,
    rps: Option<f64>,
    rises_brier: Option<f64>,
    arrives_brier: Option<f64>,
}

impl From<ScoredSpread> for SpreadScore {
    fn from(s: ScoredSpread) -> Self {
        let arrives = s.arrives_probability.zip(s.arrives).zip(s.arrives_brier);
        Self {
            truth_issued_at: s.truth_issued_at,
            class: s.class,
            rps: s.rps,
            rps_climatology: s.rps_climatology,
            rises: EventScore {
                probability: s.rises_probability,
                came: s.rises,
                brier: s.rises_brier,
                brier_climatology: s.rises_climatology,
            },
            arrives: arrives.map(|((probability, came), brier)| EventScore {
                probability,
                came,
                brier,
                brier_climatology: s.arrives_climatology,
            }),
            first_issue: FirstSpread {
                truth_issued_at: s.first_issued_at,
                class: s.first_class,
                rps: s.first_rps,
                rises_brier: s.first_rises_brier,
                arrives_brier: s.first_arrives_brier,
            },
        }
    }
}

impl SpreadRecord {
    /// Reads that of `signal` in `place`, or in all places; `None` before anything was scored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        app: &App,
        language: &Language,
        signal: &str,
        place: Option<&str>,
        as_of: DateTime<Utc>,
    ) -> Result<Option<Self>, Problem> {
        let means = store::scores::spread_means(conn, signal, place, as_of, RECORD_WEEKS).await?;
        if means.is_empty() {
            return Ok(None);
        }
        let formats = Formats::new(&language.tag, app.profile.time_zone, app.profile.week_system)
            .map_err(|e| Problem::Internal(e.into()))?;
        let of = |question: &str| {
            let found = means.iter().find(|m| m.question == question)?;
            Some(Skill::of(found, &formats, language.code.as_str()))
        };
        let (classes, rises, arrives) = (of("classes"), of("rises"), of("arrives"));
        Ok(Some(Self { most_weeks: RECORD_WEEKS, classes, rises, arrives }))
    }
}

impl Skill {
    fn of(m: &Means, formats: &Formats, locale: &str) -> Self {
        let enough = usize::try_from(m.weeks).is_ok_and(|weeks| weeks >= LEAST_WEEKS);
        Self {
            weeks: m.weeks,
            forecasts: m.forecasts,
            replayed: m.replayed,
            came: m.came,
            expected: m.expected,
            mean_score: m.score,
            mean_score_at_first_issue: m.first_score,
            compared: m.compared,
            relative_to_climatology: m.relative,
            sentence: enough.then(|| sentence(m, formats, locale)),
        }
    }
}

/// What was forecast how often and what came; beside climatology, where there is one; what was computed afterwards.
fn sentence(m: &Means, formats: &Formats, locale: &str) -> String {
    let count = |n: i64| formats.number(n as f64, 0);
    let first = t!(
        format!("spread.{}", m.question),
        locale = locale,
        weeks = count(m.weeks),
        forecasts = count(m.forecasts),
        came = count(m.came.unwrap_or_default()),
        expected = formats.number(m.expected.unwrap_or_default(), 1),
        score = formats.number(m.score, 3)
    );
    let relative = m.relative.map(|relative| {
        let (relative, compared) = (formats.number(relative, 2), count(m.compared));
        t!("spread.relative", locale = locale, relative = relative, compared = compared)
    });
    let replayed =
        (m.replayed > 0).then(|| t!("spread.replayed", locale = locale, replayed = count(m.replayed)));
    [Some(first), relative, replayed].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
