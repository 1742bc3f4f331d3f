//! `forecasts`: what is likely to come.

use super::question::{self, Question};
use super::{Answer, Bands, TargetWeek};
use crate::batch::Reason;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use kit::{App, Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// Predictive distributions of the weeks ahead.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ForecastBody {
    /// The levels of all `quantiles`.
    levels: [f64; 23],
    /// By week, nearest first.
    horizons: Vec<Horizon>,
}

/// One week ahead.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Horizon {
    /// As the hubs count it: 0 is the week that ends on the hub's reference date.
    horizon: i32,
    #[serde(flatten)]
    target: TargetWeek,
    #[serde(flatten)]
    bands: Bands,
    /// At `levels`, ascending.
    quantiles: Vec<f64>,
}

impl ForecastBody {
    /// From what a run stored; `None` when there is nothing.
    pub(crate) fn of(q: &Question<'_>, found: Vec<store::forecasts::Forecast>) -> Option<Self> {
        let horizons: Vec<Horizon> = found
            .into_iter()
            .filter_map(|f| {
                Some(Horizon {
                    horizon: f.horizon,
                    target: q.target(f.target_end_date),
                    bands: Bands::of(&f.quantiles)?,
                    quantiles: f.quantiles,
                })
            })
            .collect();
        (!horizons.is_empty()).then_some(Self { levels: domain::LEVELS, horizons })
    }
}

/// The weeks ahead: 23 quantiles and the central 50, 80 and 95 % intervals of each.
#[utoipa::path(get, path = "/api/forecast/v1/forecasts", operation_id = "forecasts", tag = "questions",
    params(
        ("signal" = Option<String>, Query, description = "Default: the country's main signal"),
        ("place" = Option<String>, Query, description = "Default: the whole country"),
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
    ),
    responses(
        (status = 200, description = "The answer", body = Answer<ForecastBody>),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such signal or place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn forecasts(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Answer<ForecastBody>>, Problem> {
    let params = Params::parse(query.as_deref(), &["signal", "place", "as_of"])?;
    let signal = question::signal(&app, &params)?;
    let mut conn = app.db.acquire().await?;
    let q = Question::read(&app, &mut conn, "forecast", signal, &params, &headers).await?;
    let run = match q.run(&mut conn, signal.is_forecast_at(&q.place.level)).await? {
        Ok(run) => run,
        Err((reason, last)) => return Ok(Json(q.not_estimated(reason, last))),
    };
    let found = store::forecasts::forecasts(&mut conn, &run.id, Some(&q.place.id)).await?;
    Ok(Json(match ForecastBody::of(&q, found) {
        Some(body) => q.estimated(run, signal.unit.as_str(), body),
        None => q.not_estimated(Reason::TooFew, Some(run.reference_date)),
    }))
}
