//! `spread`: where does it rise, where does it fall?

use super::question::{self, Question};
use super::{Answer, answer::ReasonWord};
use crate::batch::{Reason, alive};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use chrono::NaiveDate;
use domain::profile::NATION;
use kit::{App, Params, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use store::forecasts::Trend;
use utoipa::ToSchema;

/// Places with the probabilities of where they are going.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Spread {
    /// Weeks ahead, as in `forecasts`.
    horizon: i32,
    /// The last day of that week.
    target_end_date: Option<NaiveDate>,
    /// What the five classes mean here.
    classes: &'static str,
    /// By place.
    places: Vec<PlaceTrend>,
}

/// One place: probabilities that sum to 1, or why there are none.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlaceTrend {
    place: String,
    level: String,
    trend: Option<Classes>,
    /// Why there is no trend.
    not_estimated: Option<ReasonWord>,
}

/// Probabilities.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Classes {
    large_decrease: f64,
    decrease: f64,
    stable: f64,
    increase: f64,
    large_increase: f64,
    /// That the value is above the last one known.
    rises: f64,
}

impl From<&Trend> for Classes {
    fn from(t: &Trend) -> Self {
        Self {
            large_decrease: t.large_decrease,
            decrease: t.decrease,
            stable: t.stable,
            increase: t.increase,
            large_increase: t.large_increase,
            rises: t.rises,
        }
    }
}

const CLASSES: &str = "Change of the weekly value from the last week known: FluSight's classes of the rate per \
                       100,000; for other units the same thresholds as shares of the height of a season \
                       (95 % quantile of the series).";

/// For each place the probabilities of a large decrease, a decrease, no change, an increase, a large increase.
#[utoipa::path(get, path = "/api/forecast/v1/spread", operation_id = "spread", tag = "questions",
    params(
        ("signal" = Option<String>, Query, description = "Default: the country's main signal"),
        ("level" = Option<String>, Query, description = "Only places of this level. Default: all"),
        ("place" = Option<String>, Query, description = "Only this place"),
        ("horizon" = Option<i32>, Query, description = "Default: the second of the signal's horizons"),
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
    ),
    responses(
        (status = 200, description = "The answer", body = Answer<Spread>),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such signal or place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn spread(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Answer<Spread>>, Problem> {
    let params = Params::parse(query.as_deref(), &["signal", "level", "place", "horizon", "as_of"])?;
    let signal = question::signal(&app, &params)?;
    let level = params.one("level")?;
    if level.is_some_and(|l| l != NATION && !app.profile.levels.iter().any(|known| known == l)) {
        let levels = app.profile.levels.join(", ");
        return Err(Problem::invalid("level", format!("is none of {NATION}, {levels}")));
    }
    let planned = signal.forecast.as_ref().map(|p| p.horizons.as_slice()).unwrap_or_default();
    let horizon = params.read::<i32>("horizon", "a number of weeks")?;
    if let Some(h) = horizon.filter(|h| !planned.is_empty() && !planned.contains(h)) {
        return Err(Problem::invalid("horizon", format!("{h} is none of {planned:?}")));
    }
    let horizon = horizon.or_else(|| planned.get(1).copied()).unwrap_or(1);
    let mut conn = app.db.acquire().await?;
    let q = Question::read(&app, &mut conn, "spread", signal, &params, &headers).await?;
    let named = params.one("place")?.is_some();
    let run = match q.run(&mut conn, signal.is_forecast_at(&q.place.level)).await? {
        Ok(run) => run,
        // The nation alone may have no figures where its parts do.
        Err((Reason::NoData | Reason::TooFew, last)) if !named => {
            if let Some(reason) = q.closed(&mut conn).await? {
                return Ok(Json(q.not_estimated(reason.into(), last)));
            }
            let run = store::forecasts::latest_run(&mut conn, signal.id.as_str(), q.as_of).await?;
            let Some(run) = run else { return Ok(Json(q.not_estimated(Reason::NoData, last))) };
            // Nor may a run that nothing followed speak of now.
            let newest = Some(run.reference_date);
            match alive(signal, newest, q.as_of) {
                Ok(_) => run,
                Err(reason) => return Ok(Json(q.not_estimated(reason, newest))),
            }
        }
        Err((reason, last)) => return Ok(Json(q.not_estimated(reason, last))),
    };
    let trends = store::forecasts::trends(&mut conn, &run.id, None).await?;
    let refused = store::forecasts::not_estimated(&mut conn, &run.id, None).await?;
    let all = store::places::of_nation(&mut conn, app.profile.nation.as_str()).await?;
    let by_place: BTreeMap<&str, &Trend> =
        trends.iter().filter(|t| t.horizon == horizon).map(|t| (t.place_id.as_str(), t)).collect();
    let wanted = all
        .iter()
        .filter(|p| signal.source_at(&p.level).is_some())
        .filter(|p| level.is_none_or(|l| p.level == l) && (!named || p.id == q.place.id));
    let places: Vec<PlaceTrend> = wanted
        .map(|p| {
            let trend = by_place.get(p.id.as_str()).map(|t| Classes::from(*t));
            let why = refused.iter().find(|n| n.place_id == p.id && n.question == "spread");
            let silent = if signal.is_forecast_at(&p.level) { Reason::TooFew } else { Reason::NoModel };
            let reason = why.and_then(|n| Reason::read(&n.reason)).unwrap_or(silent);
            let not_estimated = trend.is_none().then(|| reason.into());
            PlaceTrend { place: p.id.clone(), level: p.level.clone(), trend, not_estimated }
        })
        .collect();
    let forecasts = store::forecasts::forecasts(&mut conn, &run.id, None).await?;
    let target_end_date = forecasts.iter().find(|f| f.horizon == horizon).map(|f| f.target_end_date);
    let result = Spread { horizon, target_end_date, classes: CLASSES, places };
    Ok(Json(q.estimated(run, signal.unit.as_str(), result)))
}
