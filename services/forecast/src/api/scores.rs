//! `scores`: how good were the forecasts of this installation?

use super::RecordedSituation;
use super::question;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use chrono::{DateTime, NaiveDate, Utc};
use epimodels::scores::score;
use kit::{App, Params, Problem};
use serde::Serialize;
use std::collections::HashMap;
use store::observations::Point;
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
    /// Newest run first, by place and horizon.
    scores: Vec<ScoreBody>,
    /// Why the list is empty: `no_runs` (nothing was forecast yet) or `no_truth_yet` (no week that was forecast has
    /// been reported).
    reason: Option<&'static str>,
}

/// Means over all scored forecasts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Summary {
    forecasts: usize,
    /// Weighted interval score, in the unit of the signal; smaller is better.
    mean_wis: f64,
    /// Share of the truths inside the central intervals.
    coverage_50: f64,
    coverage_80: f64,
    coverage_95: f64,
}

/// One forecast against what came.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ScoreBody {
    run: String,
    model: String,
    model_version: String,
    /// What the forecast knew.
    forecast_as_of: DateTime<Utc>,
    place: String,
    horizon: i32,
    target_end_date: NaiveDate,
    median: f64,
    truth: f64,
    /// When that truth was issued.
    truth_issued_at: DateTime<Utc>,
    wis: f64,
    covered_50: bool,
    covered_80: bool,
    covered_95: bool,
}

/// Most runs that one answer scores.
const RUNS: usize = 60;

/// The platform's own past forecasts, scored against the truth as known at `as_of`: WIS and coverage.
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
    let runs = store::forecasts::runs(&mut conn, signal.id.as_str(), as_of).await?;
    let mut truth: HashMap<(String, NaiveDate), Point> = HashMap::new();
    for source in signal.sources.values().collect::<std::collections::BTreeSet<_>>() {
        let known = store::observations::panel(&mut conn, signal.id.as_str(), source.as_str(), as_of).await?;
        let level = |p: &Point| places.iter().find(|at| at.id == p.place_id).map(|at| at.level.as_str());
        let ours = known.into_iter().filter(|p| level(p).and_then(|l| signal.source_at(l)) == Some(source));
        truth.extend(ours.map(|p| ((p.place_id.clone(), p.reference_date), p)));
    }
    let mut scores = Vec::new();
    // A newer program may have forecast from the same rows again: its forecast counts, once.
    let mut runs = runs;
    runs.dedup_by_key(|run| run.as_of);
    for run in runs.iter().take(RUNS) {
        for f in store::forecasts::forecasts(&mut conn, &run.id, place).await? {
            let Some(point) = truth.get(&(f.place_id.clone(), f.target_end_date)) else { continue };
            let (Some(value), Ok(quantiles)) = (point.value, f.quantiles.as_slice().try_into()) else {
                continue;
            };
            let s = score(quantiles, value);
            scores.push(ScoreBody {
                run: run.id.clone(),
                model: run.model_id.clone(),
                model_version: run.model_version.clone(),
                forecast_as_of: run.as_of,
                place: f.place_id.clone(),
                horizon: f.horizon,
                target_end_date: f.target_end_date,
                median: quantiles[domain::quantiles::MEDIAN],
                truth: value,
                truth_issued_at: point.issued_at,
                wis: s.wis,
                covered_50: s.covered_50,
                covered_80: s.covered_80,
                covered_95: s.covered_95,
            });
        }
    }
    let reason = match (runs.is_empty(), scores.is_empty()) {
        (true, _) => Some("no_runs"),
        (false, true) => Some("no_truth_yet"),
        (false, false) => None,
    };
    Ok(Json(ScoreList {
        signal: signal.id.to_string(),
        as_of,
        recorded_situation: question::recorded(&app, language),
        summary: summary(&scores),
        scores,
        reason,
    }))
}

fn summary(scores: &[ScoreBody]) -> Option<Summary> {
    let n = scores.len() as f64;
    let share = |f: fn(&ScoreBody) -> bool| scores.iter().filter(|s| f(s)).count() as f64 / n;
    (!scores.is_empty()).then(|| Summary {
        forecasts: scores.len(),
        mean_wis: scores.iter().map(|s| s.wis).sum::<f64>() / n,
        coverage_50: share(|s| s.covered_50),
        coverage_80: share(|s| s.covered_80),
        coverage_95: share(|s| s.covered_95),
    })
}
