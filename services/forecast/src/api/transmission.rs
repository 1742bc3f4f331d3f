//! `transmission`: is it spreading from one to more than one, and how fast?

use super::Answer;
use super::growth::{GrowthRate, KnownShare, Time};
use super::question::{self, Question};
use crate::batch::{RT, Reason, SOURCE_HASH};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use chrono::NaiveDate;
use domain::profile::Reporting;
use kit::{App, Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// Reproduction numbers and growth by week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Transmission {
    /// The model: `vigie-rt`. The run beside it is that of the forecasts, in which R is computed.
    model: &'static str,
    /// Its version, as on its model card; `null` when the run was computed by other code than the one that answers
    /// (`run.source_hash`).
    model_version: Option<&'static str>,
    /// How it was estimated.
    method: &'static str,
    /// What happened in a window: `infection`, where the delay to the report is known, or `report`.
    dated: String,
    /// Mean and standard deviation of the serial interval, in days.
    serial_interval_days: (f64, f64),
    serial_interval_source: String,
    /// From infection to report; `null` where R is dated by the report.
    delay: Option<ReportDelay>,
    /// By week, oldest first. With a delay the last one is the last week of infection of which half of the reports are due.
    windows: Vec<Window>,
}

/// The time from infection to report, in two stages: mean and standard deviation in days.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReportDelay {
    incubation_days: (f64, f64),
    incubation_source: String,
    report_days: (f64, f64),
    report_source: String,
}

impl From<&Reporting> for ReportDelay {
    fn from(r: &Reporting) -> Self {
        Self {
            incubation_days: r.incubation_days,
            incubation_source: r.incubation_source.clone(),
            report_days: r.report_days,
            report_source: r.report_source.clone(),
        }
    }
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
    /// How fast it grows; `null` in a run from before this was computed.
    growth: Option<GrowthRate>,
    /// In how many days it doubles or halves; `null` where neither is said: the 50 % interval of growth holds 0, or one would
    /// take more than a year, or the run is from before this was computed.
    time: Option<Time>,
    /// How much of what these infections lead to is known; `null` in a run from before this was computed.
    known: Option<KnownShare>,
}

const METHODS: [(&str, &str); 2] = [
    (
        "infection",
        "renewal equation with a delay to the report (as EpiNow2, Abbott et al. 2020), normal approximation of the posterior (as EpiLPS, Gressani et al. 2022), missing reports learnt from earlier issues; model card vigie-rt",
    ),
    ("report", "Cori et al. 2013; weekly: Nash et al. 2023; model card vigie-rt"),
];

/// The reproduction number R of each of the last weeks, the growth rate, and the time in which infections double or halve,
/// each with its band.
///
/// Above 1 the disease spreads. Where the profile knows the delay from infection to report, R is dated by the infection, and
/// what the youngest figures still miss is corrected, with the uncertainty of that in the band: each window says how much of
/// its reports is known. Elsewhere R is dated by the report.
///
/// Where R and the trend of the reports disagree: R is of infections a week or more before the newest report, takes a single
/// jump for scatter until another week confirms it, and with a serial interval of few days is close to 1 even in a steep wave
/// (at 2.6 days 1.1 means about a third more infections a week): look at `growth` and its band for how steep it is, and where
/// the newest reports have left that band take R as late.
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
    let (Some(plan), Some(newest)) = (&signal.forecast, found.last()) else {
        return Ok(Json(q.not_estimated(Reason::TooFew, Some(run.reference_date))));
    };
    // What was stored decides, not what the profile says today.
    let dated = newest.growth.as_ref().map_or("report", |g| g.dated.as_str()).to_owned();
    let method = METHODS.iter().find(|(word, _)| *word == dated).map_or(METHODS[1].1, |(_, method)| method);
    let by_infection = dated == "infection";
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
            growth: r.growth.as_ref().map(GrowthRate::from),
            time: r.growth.as_ref().and_then(kit::growth::Time::of).map(Time::from),
            known: r.growth.as_ref().map(KnownShare::from),
        })
        .collect();
    let (model, version) = RT;
    let result = Transmission {
        model,
        model_version: (run.source_hash == SOURCE_HASH).then_some(version),
        method,
        dated,
        serial_interval_days: plan.serial_interval_days,
        serial_interval_source: plan.serial_interval_source.clone(),
        delay: plan.reporting.as_ref().filter(|_| by_infection).map(ReportDelay::from),
        windows,
    };
    Ok(Json(q.estimated(run, "reproduction_number", result)))
}
