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
use epimodels::secondary::DELAYS;
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
    /// Mean time from that event to the death.
    delay_weeks: Delay,
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

/// A mean delay with its band, in weeks.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Delay {
    /// As the past fits it best, of the delays that were tried.
    estimate: f64,
    /// 95 % interval by the profile likelihood. Where it reaches an end of what was tried, no more is known in that direction.
    band_95: [f64; 2],
    /// The shortest and the longest delay that were tried.
    tried: [f64; 2],
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
    let (shortest, longest) = relation.found.delay_band;
    let result = Mortality {
        follows: relation.lead,
        fatality_ratio: Ratio {
            estimate: ratio,
            band_95: [(ratio - 1.96 * error).max(0.0), ratio + 1.96 * error],
        },
        delay_weeks: Delay { estimate: relation.found.delay, band_95: [shortest, longest], tried: DELAYS },
        ahead,
    };
    Ok(Json(q.estimated(run, signal.unit.as_str(), result)))
}
