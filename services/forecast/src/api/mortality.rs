//! `mortality`: how many deaths are likely to follow?

use super::Answer;
use super::forecasts::ForecastBody;
use super::question::Question;
use crate::batch::{self, Reason};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use domain::SignalId;
use domain::profile::{Event, Signal};
use kit::{App, Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// Deaths ahead, and the relation that they follow from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Mortality {
    /// The signal that the deaths follow.
    follows: String,
    /// Deaths per event of that signal, in the last weeks.
    fatality_ratio: Ratio,
    /// Mean time from that event to the death, in weeks, as the past fits it best.
    delay_weeks: f64,
    /// Variance of weekly deaths over their expectation (1: Poisson).
    dispersion: f64,
    /// Deaths of the weeks ahead.
    #[serde(flatten)]
    ahead: ForecastBody,
}

/// A ratio with its band: never a point alone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Ratio {
    estimate: f64,
    /// 95 % interval, by the normal approximation.
    band_95: [f64; 2],
}

/// The signal of deaths that is asked about: by its id, by its disease, or the country's first one.
fn deaths<'a>(app: &'a App, params: &Params) -> Result<&'a Signal, Problem> {
    let counts = |s: &&Signal| s.event == Event::Deaths && !s.cumulative;
    if let Some(text) = params.one("signal")? {
        let id = text.parse::<SignalId>().map_err(|_| Problem::NotFound("signal"))?;
        let signal = app.profile.signal(&id).ok_or(Problem::NotFound("signal"))?;
        return Some(signal)
            .filter(counts)
            .ok_or_else(|| Problem::invalid("signal", "does not count deaths"));
    }
    let mut all = app.profile.signals.iter().filter(counts);
    let found = match params.one("disease")? {
        Some(disease) => {
            app.profile.disease(disease).ok_or(Problem::NotFound("disease"))?;
            all.find(|s| s.disease == disease)
        }
        None => all.next(),
    };
    found.ok_or(Problem::NotFound("figures of deaths"))
}

/// Deaths of the next four weeks, from admissions or cases by a delayed convolution with an estimated fatality ratio.
///
/// Only where both deaths and what they follow are published at the time asked for. Method and limits: the model card
/// `vigie-deaths`.
#[utoipa::path(get, path = "/api/forecast/v1/mortality", operation_id = "mortality", tag = "questions",
    params(
        ("disease" = Option<String>, Query, description = "Default: the first disease with figures of deaths"),
        ("signal" = Option<String>, Query, description = "A signal that counts deaths, instead of `disease`"),
        ("place" = Option<String>, Query, description = "Default: the whole country"),
        ("as_of" = Option<String>, Query, description = "A date (its end, UTC) or an RFC 3339 time. Default: the platform's clock"),
    ),
    responses(
        (status = 200, description = "The answer", body = Answer<Mortality>),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such disease, signal or place, or no figures of deaths", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn mortality(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Answer<Mortality>>, Problem> {
    let params = Params::parse(query.as_deref(), &["disease", "signal", "place", "as_of"])?;
    let signal = deaths(&app, &params)?;
    let mut conn = app.db.acquire().await?;
    let q = Question::read(&app, &mut conn, "mortality", signal, &params, &headers).await?;
    let has_model = !app.profile.leads(signal).is_empty();
    let run = match q.run(&mut conn, has_model).await? {
        Ok(run) => run,
        Err((Reason::NotComputed, last)) => {
            // The batch stores no run when no place can be estimated: then the reason is that of the place.
            let found = batch::estimate(&mut conn, &app.profile, signal, &q.place, q.as_of).await?;
            return Ok(Json(q.not_estimated(found.err().unwrap_or(Reason::NotComputed), last)));
        }
        Err((reason, last)) => return Ok(Json(q.not_estimated(reason, last))),
    };
    let found = store::forecasts::forecasts(&mut conn, &run.id, Some(&q.place.id)).await?;
    // The same rows at the same time give the same relation; it takes milliseconds for one place.
    let relation = batch::estimate(&mut conn, &app.profile, signal, &q.place, run.as_of).await?;
    let (Some(ahead), Ok(relation)) = (ForecastBody::of(&q, found), relation) else {
        return Ok(Json(q.not_estimated(Reason::TooFew, Some(run.reference_date))));
    };
    let (ratio, error) = relation.found.ratio;
    let result = Mortality {
        follows: relation.lead,
        fatality_ratio: Ratio {
            estimate: ratio,
            band_95: [(ratio - 1.96 * error).max(0.0), ratio + 1.96 * error],
        },
        delay_weeks: relation.found.delay,
        dispersion: relation.found.dispersion,
        ahead,
    };
    Ok(Json(q.estimated(run, signal.unit.as_str(), result)))
}
