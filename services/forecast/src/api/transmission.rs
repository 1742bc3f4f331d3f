//! `transmission`: is it spreading from one to more than one?

use super::Answer;
use super::question::{self, Question};
use crate::batch::Reason;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use chrono::NaiveDate;
use kit::{App, Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// Reproduction numbers by week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Transmission {
    /// Method: Cori et al. 2013 on weekly figures (Nash et al. 2023), dated by the report, not by the infection.
    method: &'static str,
    /// Mean and standard deviation of the serial interval, in days.
    serial_interval_days: (f64, f64),
    serial_interval_source: String,
    /// By week, oldest first. The last one rests on figures that may still be corrected.
    windows: Vec<Window>,
}

/// The reproduction number of one week: a posterior, never a point alone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Window {
    start: NaiveDate,
    end: NaiveDate,
    week: String,
    mean: f64,
    sd: f64,
    median: f64,
    /// Central 50 % interval.
    band_50: [f64; 2],
    /// Central 95 % interval.
    band_95: [f64; 2],
}

/// The reproduction number R of each of the last weeks, with its band.
///
/// Above 1 the disease spreads. From counts, or from rates: there R is estimated on "effective counts", the series
/// divided by its own variance-to-mean ratio, so that the band follows the scatter of the data and not the unit.
#[utoipa::path(get, path = "/api/forecast/v1/transmission", operation_id = "transmission", tag = "questions",
    params(
        ("signal" = Option<String>, Query, description = "Default: the country's main signal"),
        ("place" = Option<String>, Query, description = "Default: the whole country"),
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
    ),
    responses(
        (status = 200, description = "The answer", body = Answer<Transmission>),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such signal or place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn transmission(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Answer<Transmission>>, Problem> {
    let params = Params::parse(query.as_deref(), &["signal", "place", "as_of"])?;
    let signal = question::signal(&app, &params)?;
    let mut conn = app.db.acquire().await?;
    let q = Question::read(&app, &mut conn, "transmission", signal, &params, &headers).await?;
    let run = match q.run(&mut conn, signal.is_forecast_at(&q.place.level)).await? {
        Ok(run) => run,
        Err((reason, last)) => return Ok(Json(q.not_estimated(reason, last))),
    };
    let found = store::forecasts::rt(&mut conn, &run.id, Some(&q.place.id)).await?;
    let (Some(plan), false) = (&signal.forecast, found.is_empty()) else {
        return Ok(Json(q.not_estimated(Reason::TooFew, Some(run.reference_date))));
    };
    let windows = found
        .iter()
        .map(|r| Window {
            start: r.window_start,
            end: r.window_end,
            week: q.week(r.window_end),
            mean: r.mean,
            sd: r.sd,
            median: r.q50,
            band_50: [r.q25, r.q75],
            band_95: [r.q025, r.q975],
        })
        .collect();
    let result = Transmission {
        method: "Cori et al. 2013; weekly: Nash et al. 2023; model card vigie-rt",
        serial_interval_days: plan.serial_interval_days,
        serial_interval_source: plan.serial_interval_source.clone(),
        windows,
    };
    Ok(Json(q.estimated(run, "reproduction_number", result)))
}
