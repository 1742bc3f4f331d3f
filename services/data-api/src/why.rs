//! `why/{id}`: where a value comes from.

use crate::Api;
use crate::body::{RecordedSituation, Shape, Value};
use crate::openapi::Id;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use chrono::{DateTime, Utc};
use domain::ObservationKey;
use kit::{Params, Problem};
use serde::Serialize;
use store::series::{Cells, KnownBy, Point};
use utoipa::ToSchema;

/// One value and everything that it was made from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Why {
    value: Value,
    /// Is this the newest issue of the cell at the platform's clock? Else the last of `revisions` is.
    newest: bool,
    publisher: Publisher,
    retrieval: RetrievalBody,
    /// Every issue of the cell, oldest first.
    revisions: Vec<Value>,
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

/// Where a value comes from: publisher, payload, parser, and its revisions.
#[utoipa::path(get, path = "/api/data/v1/why/{id}", operation_id = "why", tag = "figures",
    params(("id" = Id, Path, description = "The `id` of a value")),
    responses(
        (status = 200, description = "The answer", body = Why),
        (status = 400, description = "Not an id", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such value", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn why(
    State(api): State<Api>,
    id: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Why>, Problem> {
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
    let mut conn = app.db.acquire().await?;
    let cell = Cells {
        signal: key.signal.as_str(),
        source: key.source.as_str(),
        place: key.place.as_str(),
        from: Some(key.reference_date),
        to: Some(key.reference_date),
        as_of: app.clock.now(),
        by: KnownBy::Issue,
    };
    let issues = store::series::issues(&mut conn, &cell, None, i64::MAX).await?;
    let same = |p: &&Point| p.issued_at == key.issued_at;
    let point = issues.iter().find(same).ok_or(Problem::NotFound("value"))?;
    let lost = |what: &str| Problem::Internal(anyhow::anyhow!("{what} of {id} is not in the database"));
    let source =
        store::sources::get(&mut conn, key.source.as_str()).await?.ok_or_else(|| lost("the source"))?;
    let retrieval = store::sources::retrieval(&mut conn, &point.retrieval_id).await?;
    let retrieval = retrieval.ok_or_else(|| lost("the retrieval"))?;
    let shape = Shape::new(app, signal);
    let value = shape.value(&source.id, point)?;
    let revisions = issues.iter().map(|p| shape.value(&source.id, p)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Why {
        newest: issues.last().is_some_and(|last| last.issued_at == key.issued_at),
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
        revisions,
        recorded_situation: RecordedSituation::of(app),
    }))
}
