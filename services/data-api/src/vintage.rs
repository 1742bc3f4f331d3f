//! `bulk/{signal}/{date}`: a signal as it was known at the end of a day, at an address that stays.

use crate::Api;
use crate::bulk::{self, Wanted};
use crate::bulk_file::Kind;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::profile::Signal;
use kit::keys::{ReadBulk, Scoped};
use kit::{App, Params, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// The vintages of a signal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VintageList {
    signal: String,
    as_of: DateTime<Utc>,
    recorded_situation: Option<crate::body::RecordedSituation>,
    /// The days (UTC) on which something was issued and that are over, oldest first.
    vintages: Vec<Vintage>,
    /// What is added to any of these addresses for its SHA-256.
    checksum_suffix: &'static str,
}

/// The files of a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Vintage {
    date: NaiveDate,
    url: String,
    parquet_url: String,
}

/// The vintages of `signal`, for `bulk/{signal}`.
pub(crate) async fn list(app: &App, signal: &Signal) -> Result<Response, Problem> {
    let vintages = days(app, signal, None).await?.into_iter().map(|date| Vintage {
        date,
        url: format!("/api/data/v1/bulk/{}/{date}{}", signal.id, Kind::CsvGz.suffix()),
        parquet_url: format!("/api/data/v1/bulk/{}/{date}{}", signal.id, Kind::Parquet.suffix()),
    });
    Ok(Json(VintageList {
        signal: signal.id.to_string(),
        as_of: app.clock.now(),
        recorded_situation: crate::body::RecordedSituation::of(app),
        vintages: vintages.collect(),
        checksum_suffix: ".sha256",
    })
    .into_response())
}

/// The end of a day as everywhere in this API; `None` where it has not come.
fn end(app: &App, day: NaiveDate) -> Option<DateTime<Utc>> {
    let end = day.and_time(NaiveTime::from_hms_opt(23, 59, 59)?).and_utc();
    (end <= app.clock.now()).then_some(end)
}

/// The days that are over and on which something was issued: all, or `only` that one.
async fn days(app: &App, signal: &Signal, only: Option<NaiveDate>) -> Result<Vec<NaiveDate>, Problem> {
    let mut conn = app.db.acquire().await?;
    let sources: Vec<String> = signal.sources.values().map(ToString::to_string).collect();
    let all = store::issued::days(&mut conn, signal.id.as_str(), &sources, only).await?;
    Ok(all.into_iter().filter(|day| end(app, *day).is_some()).collect())
}

/// A whole signal as it was known at the end of a day (UTC) on which something was issued: `{date}.csv.gz` or
/// `{date}.parquet`, and either with `.sha256` for its checksum. `bulk/{signal}` lists the days.
#[utoipa::path(get, path = "/api/data/v1/bulk/{signal}/{file}", operation_id = "bulk_vintage", tag = "bulk",
    params(
        ("signal" = String, Path, example = "flu_hosp_admissions", description = "A signal of `signals`"),
        ("file" = String, Path, example = "2025-04-23.csv.gz", description = "The name of a file of `bulk/{signal}`"),
    ),
    responses(
        (status = 200, description = "The file", content((Vec<u8> = "application/gzip"), (Vec<u8> = "application/vnd.apache.parquet"), (String = "text/plain"))),
        (status = 206, description = "A part of it"),
        (status = 304, description = "The version that the client has"),
        (status = 400, description = "A parameter cannot be used", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such vintage", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 416, description = "The part lies outside the file"),
        (status = 503, description = "The file is being made, which takes longer than a request waits: `Retry-After` says when to ask again", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn file(
    _: Scoped<ReadBulk>,
    State(api): State<Api>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Params::parse(query.as_deref(), &[])?;
    let Ok(Path((signal, file))) = path else { return Err(Problem::NotFound("file")) };
    let signal = crate::select::signal(&api.app, Some(&signal))?;
    let absent = || Problem::Absent { what: "vintage", list: format!("/api/data/v1/bulk/{}", signal.id) };
    let (stem, kind, checksum) = bulk::split(&file).ok_or_else(absent)?;
    // Only as the list writes it: one file has one address.
    let day = stem.parse::<NaiveDate>().ok().filter(|day| day.to_string() == stem).ok_or_else(absent)?;
    let as_of = end(&api.app, day).ok_or_else(absent)?;
    if days(&api.app, signal, Some(day)).await?.is_empty() {
        return Err(absent());
    }
    let built = Wanted { signal, all: false, kind, vintage: Some((day, as_of)) }.get(&api).await?;
    let mut response = bulk::answer(&api, &built, kind, &file, checksum, &headers);
    // What was known at the end of that day does not change, unless a payload of then is accepted later.
    crate::respond::set(&mut response, header::CACHE_CONTROL, "public, max-age=86400, immutable");
    Ok(response)
}
