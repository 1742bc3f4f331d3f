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
use store::forecasts::Relation;
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
    /// Deaths of the weeks ahead, averaged over all delays that were tried, each with the weight that the figures give it.
    #[serde(flatten)]
    ahead: ForecastBody,
}

/// Deaths per event, or why they are not given. Averaged over the delays.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Ratio {
    /// `status` is `estimated`.
    Estimated(RatioBand),
    /// `status` is `not_estimated`.
    NotEstimated(NoRatio),
}

/// A ratio with its band: never a point alone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RatioBand {
    /// Always `estimated`.
    #[schema(example = "estimated")]
    status: &'static str,
    /// Median.
    estimate: f64,
    /// Central 95 % interval, within 0 to 1.
    band_95: [f64; 2],
}

/// Deaths can be forecast and the ratio not be given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NoRatio {
    /// Always `not_estimated`.
    #[schema(example = "not_estimated")]
    status: &'static str,
    /// Always `not_a_share`: the 95 % interval reaches above 1.
    #[schema(example = "not_a_share")]
    reason: &'static str,
    /// The reason as a sentence, in the language of the answer.
    explanation: String,
}

/// The mean delay, or why it is not given.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Delay {
    /// `status` is `estimated`.
    Estimated(DelayBand),
    /// `status` is `not_estimated`.
    NotEstimated(NoDelay),
}

/// A mean delay with its band, in weeks. Both ends of the band lie within what was tried: shorter and longer ones fit worse.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DelayBand {
    /// Always `estimated`.
    #[schema(example = "estimated")]
    status: &'static str,
    /// As the past fits it best, of the delays that were tried.
    estimate: f64,
    /// 95 % interval by the profile likelihood.
    band_95: [f64; 2],
    /// The shortest and the longest delay that were tried.
    tried: [f64; 2],
}

/// Deaths can be forecast without one delay, by an average over those that were tried.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NoDelay {
    /// Always `not_estimated`.
    #[schema(example = "not_estimated")]
    status: &'static str,
    /// Always `not_identified`: the shortest or the longest delay that was tried fits about as well as any.
    #[schema(example = "not_identified")]
    reason: &'static str,
    /// The reason as a sentence, in the language of the answer.
    explanation: String,
    /// The shortest and the longest delay that were tried.
    tried: [f64; 2],
}

impl Ratio {
    fn of(q: &Question<'_>, r: &Relation) -> Self {
        if r.ratio_975 > 1.0 {
            let explanation = q.say("ratio.not_a_share");
            return Self::NotEstimated(NoRatio {
                status: "not_estimated",
                reason: "not_a_share",
                explanation,
            });
        }
        let band_95 = [r.ratio_025, r.ratio_975];
        Self::Estimated(RatioBand { status: "estimated", estimate: r.ratio_50, band_95 })
    }
}

impl Delay {
    fn of(q: &Question<'_>, r: &Relation) -> Self {
        let tried = [r.tried_low, r.tried_high];
        match (r.delay, r.delay_low, r.delay_high) {
            (Some(estimate), Some(low), Some(high)) => {
                Self::Estimated(DelayBand { status: "estimated", estimate, band_95: [low, high], tried })
            }
            _ => Self::NotEstimated(NoDelay {
                status: "not_estimated",
                reason: "not_identified",
                explanation: q.say("delay.not_identified"),
                tried,
            }),
        }
    }
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
/// Only where both deaths and what they follow are published at the time asked for, and where the model was measured and
/// found better than the last figure; elsewhere `no_model`. Ratio and delay have a status of their own: a delay that the
/// figures do not identify is not given, nor is a ratio whose interval reaches above 1. Deaths ahead do not need them: they
/// are an average over the delays. Method and limits: the model card `vigie-deaths`.
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
    let has_model = signal.deaths_ahead_at(&q.place.level) && !app.profile.leads(signal).is_empty();
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
    let relation = store::forecasts::relation(&mut conn, &run.id, &q.place.id).await?;
    let last = Some(run.reference_date);
    let Some(ahead) = ForecastBody::of(&q, found) else {
        return Ok(Json(q.not_estimated(Reason::TooFew, last)));
    };
    // A run from before the relation was stored chose one delay, and its bands were too narrow.
    let Some(relation) = relation else { return Ok(Json(q.not_estimated(Reason::NotComputed, last))) };
    let result = Mortality {
        fatality_ratio: Ratio::of(&q, &relation),
        delay_weeks: Delay::of(&q, &relation),
        follows: relation.follows,
        ahead,
    };
    Ok(Json(q.estimated(run, signal.unit.as_str(), result)))
}
