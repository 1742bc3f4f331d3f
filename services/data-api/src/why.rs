//! `why/{id}`: where a value comes from.

use crate::Api;
use crate::body::{RecordedSituation, Value};
use crate::openapi::Id;
use crate::words::{Target, Words};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use domain::{ObservationKey, Step};
use kit::keys::{ReadFigures, Scoped};
use kit::{Params, Problem};
use serde::Serialize;
use std::sync::Arc;
use store::scan::{Mode, Question};
use store::series::{KnownBy, Limit};
use store::sources::Release;
use utoipa::ToSchema;

/// One value and everything that it was made from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Why<'w> {
    value: Value<'w>,
    /// Is this the newest issue of the cell at the platform's clock? Else the last of `revisions` is.
    newest: bool,
    publisher: Publisher,
    retrieval: RetrievalBody,
    /// What was done to the publisher's figure, in order.
    transformations: Vec<Transformation>,
    /// Every issue of the cell, oldest first.
    revisions: Vec<Value<'w>>,
    recorded_situation: Option<RecordedSituation>,
}

/// Who published it, and on what terms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Publisher {
    name: String,
    table: String,
    page_url: String,
    licence: String,
    licence_url: String,
    credit: String,
}

/// The publisher's payload, as it was received.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetrievalBody {
    id: String,
    /// Where it was fetched.
    url: String,
    /// Where the recording keeps it; empty for a payload that was fetched by this installation.
    recorded_as: String,
    retrieved_at: DateTime<Utc>,
    /// SHA-256 of the payload, in hex.
    sha256: String,
    bytes: i64,
    /// Name and version of the parser that read it.
    parser: String,
}

/// One step from the payload to the value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Transformation {
    /// Its word: it does not change.
    #[schema(value_type = String, example = "week_end")]
    step: Step,
    /// The same as a sentence.
    about: String,
}

impl Transformation {
    fn new(step: Step, release: Option<&Release>) -> Self {
        let about = match step {
            Step::Cell => {
                "The cell of this place, period and indicator is taken from the table; shares of it (ages, sexes) and sums of places are not."
            }
            Step::Difference => {
                "Where the table gives running totals, the value is the total of the day less that of the day before."
            }
            Step::AsPublished => {
                "The number is the publisher's: not rounded, smoothed, filled in or added up."
            }
            Step::WeekEnd => "The publisher's week becomes the date of its last day.",
            Step::EndOfDay => "Of the issue only the day is known: it counts from the end of that day (UTC).",
            Step::FirstIssue => "A later issue that repeats the value is not kept a second time.",
            Step::Withdrawn => {
                "The cell was in the tables before and is not in this one, which is complete: it was taken back."
            }
            Step::Released => "The checks had refused the payload; an operator accepted it.",
        };
        let because = release.filter(|_| step == Step::Released);
        let because = because.map(|r| format!(" {}: {}", r.released_at.to_rfc3339(), r.because));
        Self { step, about: about.to_owned() + &because.unwrap_or_default() }
    }
}

/// Where a value comes from: publisher, payload, parser, what was done to it, and its revisions.
#[utoipa::path(get, path = "/api/data/v1/why/{id}", operation_id = "why", tag = "figures",
    params(("id" = Id, Path, description = "The `id` of a value")),
    responses(
        (status = 200, description = "The answer", body = Why),
        (status = 400, description = "Not an id", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such value", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn why(
    _: Scoped<ReadFigures>,
    State(api): State<Api>,
    id: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let app = &api.app;
    Params::parse(query.as_deref(), &[])?;
    let Path(id) = id.map_err(|_| Problem::invalid("id", "is not UTF-8"))?;
    let key: ObservationKey = id.parse().map_err(|e| match crate::select::is_id(&id) {
        true => Problem::NotFound("value"),
        false => Problem::invalid("id", format!("cannot be read: {e}")),
    })?;
    let signal = app.profile.signal(&key.signal).ok_or(Problem::NotFound("signal"))?;
    if key.place.nation() != app.profile.nation {
        return Err(Problem::NotFound("place"));
    }
    let mut visit = api.memory.visit(&app.db).await?;
    let (place, source) = (key.place.as_str(), key.source.as_str());
    let series = store::series::keys(&mut visit.conn, signal.id.as_str(), &[source], &[place]).await?;
    let day = Some(key.reference_date);
    let question =
        Question { span: (day, day), as_of: app.clock.now(), by: KnownBy::Issue, mode: Mode::Issues };
    let all = Limit { each: i64::MAX, all: i64::MAX };
    let rows = store::series::rows(&mut visit.conn, &series, &question, None, all).await?;
    let targets =
        series.into_iter().map(|series| Target { place: place.into(), source: source.into(), series });
    let payloads = visit.payloads(&rows).await?;
    let words = Words::new(app, signal, Arc::new(targets.collect())).with(payloads);
    let revisions = words.values(&rows)?;
    let same = |v: &&Value<'_>| v.issued_at.0 == key.issued_at;
    let value = revisions.iter().find(same).ok_or(Problem::NotFound("value"))?.clone();
    let conn = &mut visit.conn;
    let lost = |what: &str| Problem::Internal(anyhow::anyhow!("{what} of {id} is not in the database"));
    let source = store::sources::get(conn, source).await?.ok_or_else(|| lost("the source"))?;
    let retrieval = store::sources::retrieval(conn, value.retrieval).await?;
    let retrieval = retrieval.ok_or_else(|| lost("the retrieval"))?;
    let (steps, release) =
        store::sources::steps(conn, &source, value.status.as_str(), value.retrieval).await?;
    let why = Why {
        newest: revisions.last().is_some_and(|last| last.issued_at.0 == key.issued_at),
        value,
        publisher: Publisher {
            name: source.publisher,
            table: source.title,
            page_url: source.page_url,
            licence: source.licence,
            licence_url: source.licence_url,
            credit: source.credit,
        },
        retrieval: RetrievalBody {
            id: retrieval.id,
            url: retrieval.url,
            recorded_as: retrieval.recorded_as,
            retrieved_at: retrieval.retrieved_at,
            sha256: retrieval.sha256,
            bytes: retrieval.bytes,
            parser: retrieval.parser,
        },
        transformations: steps.into_iter().map(|s| Transformation::new(s, release.as_ref())).collect(),
        revisions,
        recorded_situation: RecordedSituation::of(app),
    };
    Ok(Json(why).into_response())
}
