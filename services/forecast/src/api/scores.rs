//! `scores`: how good were the forecasts of this installation, by the scores that are stored as truth arrives.

use super::RecordedSituation;
use super::question;
use super::skill::{SpreadRecord, SpreadScore};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use chrono::{DateTime, NaiveDate, Utc};
use kit::record::{self, Recent};
use kit::{App, Params, Problem};
use serde::Serialize;
use std::collections::HashMap;
use store::scores::Scored;
use utoipa::ToSchema;

/// Past forecasts against what was reported.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ScoreList {
    signal: String,
    /// Truth is what was known at this time.
    as_of: DateTime<Utc>,
    recorded_situation: Option<RecordedSituation>,
    /// All of them together; `null` when there are none.
    summary: Option<Summary>,
    /// What the rule sees that withdraws a model: all places, the newest weeks that have a figure. `null` without any.
    rule: Option<RuleBody>,
    /// What was said of spread: classes of change, rises and arrivals beside climatology. `null` before anything was scored.
    spread: Option<SpreadRecord>,
    /// Newest run first, by place and horizon.
    scores: Vec<ScoreBody>,
    /// Why the list is empty: `no_runs` (nothing was forecast yet) or `no_truth_yet` (no week that was forecast has
    /// been scored).
    reason: Option<&'static str>,
}

/// Means over all scored forecasts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Summary {
    forecasts: usize,
    /// How many were computed after the first figure of their week was out, from what was known before.
    replayed: usize,
    /// Weighted interval score, in the unit of the signal; smaller is better.
    mean_wis: f64,
    /// The same against the first figure of each week.
    mean_wis_at_first_issue: f64,
    /// Sum of the scores over that of the hubs' persistence baseline, where there is one; below 1 is better than it.
    relative_wis: Option<f64>,
    /// Share of the truths inside the central intervals.
    coverage_50: f64,
    coverage_80: f64,
    coverage_95: f64,
    coverage_80_at_first_issue: f64,
}

/// The rule and what it sees.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RuleBody {
    /// Is the model withdrawn, so that questions about the future are answered with `withdrawn`?
    withdrawn: bool,
    /// Weeks that were looked at, of at least `weeks_needed`.
    weeks: usize,
    weeks_needed: u32,
    coverage_80: f64,
    /// Below this it is withdrawn.
    least_coverage_80: f64,
    relative_wis: Option<f64>,
    /// Above this it is withdrawn.
    largest_relative_wis: f64,
}

impl From<Recent> for RuleBody {
    fn from(recent: Recent) -> Self {
        Self {
            withdrawn: recent.withdraws(),
            weeks: recent.weeks,
            weeks_needed: record::RULE_WEEKS,
            coverage_80: recent.coverage_80,
            least_coverage_80: record::LEAST_COVERAGE_80,
            relative_wis: recent.relative_wis,
            largest_relative_wis: record::LARGEST_RELATIVE_WIS,
        }
    }
}

/// One forecast against what came.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ScoreBody {
    run: String,
    model: String,
    model_version: String,
    /// What the forecast knew.
    forecast_as_of: DateTime<Utc>,
    /// Was it computed after the first figure of its week was out?
    replayed: bool,
    place: String,
    horizon: i32,
    target_end_date: NaiveDate,
    median: f64,
    /// Lower and upper end of the central 80 % interval of the same forecast.
    band_80: [f64; 2],
    /// The figure known at `as_of`.
    truth: f64,
    /// When that truth was issued.
    truth_issued_at: DateTime<Utc>,
    wis: f64,
    /// Of the hubs' persistence baseline from what was known at `forecast_as_of`; `null` where that is too little.
    baseline_wis: Option<f64>,
    covered_50: bool,
    covered_80: bool,
    covered_95: bool,
    /// Against the figure that was issued first.
    first_issue: FirstIssue,
    /// What the same run said of spread in this week; `null` where it said nothing.
    spread: Option<SpreadScore>,
}

/// The first figure of a week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FirstIssue {
    truth: f64,
    truth_issued_at: DateTime<Utc>,
    wis: f64,
    covered_80: bool,
}

impl From<Scored> for ScoreBody {
    fn from(s: Scored) -> Self {
        Self {
            run: s.run_id,
            model: s.model_id,
            model_version: s.model_version,
            forecast_as_of: s.origin,
            replayed: s.replayed,
            place: s.place_id,
            horizon: s.horizon,
            target_end_date: s.target_end_date,
            median: s.median,
            band_80: [s.low_80, s.high_80],
            truth: s.truth,
            truth_issued_at: s.truth_issued_at,
            wis: s.wis,
            baseline_wis: s.baseline_wis,
            covered_50: s.covered_50,
            covered_80: s.covered_80,
            covered_95: s.covered_95,
            first_issue: FirstIssue {
                truth: s.first_truth,
                truth_issued_at: s.first_issued_at,
                wis: s.first_wis,
                covered_80: s.first_covered_80,
            },
            spread: None,
        }
    }
}

/// Most runs that one answer shows.
const RUNS: i64 = 60;

/// The platform's own past forecasts, scored against the truth as known at `as_of`: WIS and coverage; what was said of spread
/// by its ranked probability and Brier scores.
#[utoipa::path(get, path = "/api/forecast/v1/scores", operation_id = "scores", tag = "models",
    params(
        ("signal" = Option<String>, Query, description = "Default: the country's main signal"),
        ("place" = Option<String>, Query, description = "Default: all places"),
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
    ),
    responses(
        (status = 200, description = "The answer", body = ScoreList),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such signal or place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn scores(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<ScoreList>, Problem> {
    let params = Params::parse(query.as_deref(), &["signal", "place", "as_of"])?;
    let signal = question::signal(&app, &params)?;
    let as_of = app.as_of(params.one("as_of")?)?;
    let language = question::language(&app, &headers)?;
    let mut conn = app.db.acquire().await?;
    let places = store::places::of_nation(&mut conn, app.profile.nation.as_str()).await?;
    let place = params.one("place")?;
    if place.is_some_and(|id| !places.iter().any(|p| p.id == id)) {
        return Err(Problem::NotFound("place"));
    }
    let id = signal.id.as_str();
    let mut of_spread: HashMap<_, _> = store::scores::spread(&mut conn, id, place, as_of, RUNS)
        .await?
        .into_iter()
        .map(|s| ((s.run_id.clone(), s.place_id.clone(), s.horizon), SpreadScore::from(s)))
        .collect();
    let scores: Vec<ScoreBody> = store::scores::scored(&mut conn, id, place, as_of, RUNS)
        .await?
        .into_iter()
        .map(|s| {
            let spread = of_spread.remove(&(s.run_id.clone(), s.place_id.clone(), s.horizon));
            ScoreBody { spread, ..ScoreBody::from(s) }
        })
        .collect();
    let reason = if !scores.is_empty() {
        None
    } else if store::forecasts::latest_run(&mut conn, id, as_of).await?.is_none() {
        Some("no_runs")
    } else {
        Some("no_truth_yet")
    };
    Ok(Json(ScoreList {
        signal: signal.id.to_string(),
        as_of,
        recorded_situation: question::recorded(&app, language),
        summary: summary(&scores),
        spread: SpreadRecord::read(&mut conn, &app, language, id, place, as_of).await?,
        rule: Recent::read(&mut conn, id, as_of).await?.map(RuleBody::from),
        scores,
        reason,
    }))
}

fn summary(scores: &[ScoreBody]) -> Option<Summary> {
    let n = scores.len() as f64;
    let share = |f: fn(&ScoreBody) -> bool| scores.iter().filter(|s| f(s)).count() as f64 / n;
    let mean = |f: fn(&ScoreBody) -> f64| scores.iter().map(f).sum::<f64>() / n;
    let beside = scores.iter().filter_map(|s| Some((s.wis, s.baseline_wis?)));
    let (ours, theirs) = beside.fold((0.0, 0.0), |(a, b), (ours, theirs)| (a + ours, b + theirs));
    (!scores.is_empty()).then(|| Summary {
        forecasts: scores.len(),
        replayed: scores.iter().filter(|s| s.replayed).count(),
        mean_wis: mean(|s| s.wis),
        mean_wis_at_first_issue: mean(|s| s.first_issue.wis),
        relative_wis: (theirs > 0.0).then(|| ours / theirs),
        coverage_50: share(|s| s.covered_50),
        coverage_80: share(|s| s.covered_80),
        coverage_95: share(|s| s.covered_95),
        coverage_80_at_first_issue: share(|s| s.first_issue.covered_80),
    })
}
