//! `bulk`: one file a signal, at an address that stays.

use crate::Api;
use crate::build::Job;
use crate::bulk_file::{self, Built, Kind};
use crate::jobs::Keep;
use crate::respond::{self, Version};
use crate::select::Places;
use crate::words::Words;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::Signal;
use kit::keys::{ReadBulk, Scoped};
use kit::{App, Params, Problem};
use serde::Serialize;
use store::issued::coverage;
use store::scan::{Mode, Question};
use store::series::KnownBy;
use utoipa::ToSchema;

/// Which file.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) signal: &'a Signal,
    /// Every issue, or one row a cell.
    pub(crate) all: bool,
    pub(crate) kind: Kind,
    /// A day and its end; `None`: as of the platform's clock.
    pub(crate) vintage: Option<(NaiveDate, DateTime<Utc>)>,
}

impl Wanted<'_> {
    fn name(&self) -> String {
        let (id, suffix) = (&self.signal.id, self.kind.suffix());
        match self.vintage {
            Some((day, _)) => format!("{id}/{day}{suffix}"),
            None => format!("{id}{}{suffix}", if self.all { "-issues" } else { "" }),
        }
    }

    /// The file, built where there is none of this state of the figures.
    ///
    /// # Errors
    /// [`Problem::NotReady`] when that takes long; when the database does not answer or the disk is full.
    pub(crate) async fn get(&self, api: &Api) -> Result<Built, Problem> {
        let &Wanted { signal, all, kind, vintage } = self;
        let app = &api.app;
        let as_of = vintage.map_or_else(|| app.clock.now(), |v| v.1);
        let mut visit = api.memory.visit(&app.db).await?;
        let coverage = coverage(&visit.issued(signal.id.as_str()).await?, as_of, KnownBy::Issue);
        let targets = visit.targets(app, signal, &Places::default()).await?;
        drop(visit);
        let state = format!("{coverage:?} {}", targets.len());
        let mode = if all { Mode::Issues } else { Mode::Known { lag: None } };
        let question = Question { span: (None, None), as_of, by: KnownBy::Issue, mode };
        let job = Job { db: app.db.clone(), words: Words::new(app, signal, targets), question, kind };
        let keep = if vintage.is_some() { Keep::Vintage } else { Keep::Always };
        api.files.get(&self.name(), &state, keep, job).await
    }
}

/// The files that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkList {
    /// Figures as of the platform's clock.
    as_of: DateTime<Utc>,
    recorded_situation: Option<crate::body::RecordedSituation>,
    files: Vec<BulkEntry>,
}

/// One file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkEntry {
    signal: String,
    /// One row a cell, as known now.
    url: String,
    /// One row for every issue of every cell.
    issues_url: String,
    /// One row a cell, as Parquet.
    parquet_url: String,
    /// One row for every issue of every cell, as Parquet.
    issues_parquet_url: String,
    /// The list of its vintages: the files of each day on which something was issued.
    vintages_url: String,
    /// What is added to any of these addresses for its SHA-256.
    checksum_suffix: &'static str,
}

/// The files that there are: whole signals as gzipped CSV and as Parquet, columns as in `observations`.
#[utoipa::path(get, path = "/api/data/v1/bulk", operation_id = "bulk_list", tag = "bulk",
    responses((status = 200, description = "The answer", body = BulkList)))]
pub(crate) async fn list(
    _: Scoped<ReadBulk>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Json<BulkList>, Problem> {
    Params::parse(query.as_deref(), &[])?;
    let entry = |s: &Signal| BulkEntry {
        signal: s.id.to_string(),
        url: format!("/api/data/v1/bulk/{}.csv.gz", s.id),
        issues_url: format!("/api/data/v1/bulk/{}-issues.csv.gz", s.id),
        parquet_url: format!("/api/data/v1/bulk/{}.parquet", s.id),
        issues_parquet_url: format!("/api/data/v1/bulk/{}-issues.parquet", s.id),
        vintages_url: format!("/api/data/v1/bulk/{}", s.id),
        checksum_suffix: ".sha256",
    };
    Ok(Json(BulkList {
        as_of: api.app.clock.now(),
        recorded_situation: crate::body::RecordedSituation::of(&api.app),
        files: api.app.profile.signals.iter().map(entry).collect(),
    }))
}

/// What a file's name asks for.
struct Name<'a> {
    signal: &'a Signal,
    all: bool,
    kind: Kind,
    checksum: bool,
}

/// The stem of a file's name, how it is written, and whether its checksum is asked for.
pub(crate) fn split(name: &str) -> Option<(&str, Kind, bool)> {
    let (name, checksum) = name.strip_suffix(".sha256").map_or((name, false), |n| (n, true));
    let mut kinds = [Kind::CsvGz, Kind::Parquet].into_iter();
    kinds.find_map(|kind| Some((name.strip_suffix(kind.suffix())?, kind, checksum)))
}

fn read_name<'a>(app: &'a App, name: &str) -> Option<Name<'a>> {
    let (stem, kind, checksum) = split(name)?;
    let (stem, all) = stem.strip_suffix("-issues").map_or((stem, false), |s| (s, true));
    Some(Name { signal: app.profile.signal(&stem.parse().ok()?)?, all, kind, checksum })
}

/// A whole signal as of the platform's clock, or the list of its vintages.
///
/// A whole signal as of the platform's clock: `{signal}.csv.gz`, `{signal}-issues.csv.gz` with every issue,
/// `.parquet` instead of `.csv.gz` for Parquet, and any with `.sha256` for its checksum. The ETag of a file is its SHA-256; `Range` is honoured. The
/// bare name of a signal gives the list of its vintages.
#[utoipa::path(get, path = "/api/data/v1/bulk/{file}", operation_id = "bulk_file", tag = "bulk",
    params(("file" = String, Path, example = "flu_hosp_admissions-issues.parquet", description = "The name of a file of `bulk`, or of a signal")),
    responses(
        (status = 200, description = "The file, or the list of vintages", content((crate::vintage::VintageList = "application/json"), (Vec<u8> = "application/gzip"), (Vec<u8> = "application/vnd.apache.parquet"), (String = "text/plain"))),
        (status = 206, description = "A part of it"),
        (status = 304, description = "The version that the client has"),
        (status = 404, description = "No such file", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 416, description = "The part lies outside the file"),
        (status = 503, description = "The file is being made, which takes longer than a request waits: `Retry-After` says when to ask again", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn file(
    _: Scoped<ReadBulk>,
    State(api): State<Api>,
    name: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Params::parse(query.as_deref(), &[])?;
    let Ok(Path(name)) = name else { return Err(Problem::NotFound("file")) };
    if let Some(signal) = name.parse().ok().and_then(|id| api.app.profile.signal(&id)) {
        return crate::vintage::list(&api.app, signal).await;
    }
    let Name { signal, all, kind, checksum } = read_name(&api.app, &name).ok_or(Problem::NotFound("file"))?;
    let built = Wanted { signal, all, kind, vintage: None }.get(&api).await?;
    Ok(answer(&api, &built, kind, &name, checksum, &headers))
}

/// A built file, or its checksum, to who asked for `name` with `headers`.
pub(crate) fn answer(
    api: &Api,
    built: &Built,
    kind: Kind,
    name: &str,
    checksum: bool,
    headers: &HeaderMap,
) -> Response {
    if checksum {
        let name = name.trim_end_matches(".sha256");
        return format!("{}  {name}\n", built.sha256).into_response();
    }
    let version = Version { etag: format!("\"{}\"", built.sha256), modified: built.since };
    if let Some(same) = respond::not_modified(headers, &version) {
        return same;
    }
    // A part of another version would not fit to what the client has (RFC 9110, 13.1.5).
    let fits = headers.get(header::IF_RANGE).is_none_or(|tag| tag.as_bytes() == version.etag.as_bytes());
    let range = headers.get(header::RANGE).filter(|_| fits).and_then(|r| r.to_str().ok());
    let mut response = send(built, range);
    respond::dress(&mut response, &api.app, kind.media_type(), &version);
    respond::set(&mut response, header::ACCEPT_RANGES, "bytes");
    respond::set(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    respond::set(&mut response, HeaderName::from_static("vigie-rows"), &built.rows.to_string());
    response
}

/// The file, or the part of it that a `Range` header names.
pub(crate) fn send(built: &Built, range: Option<&str>) -> Response {
    let total = built.bytes;
    let (status, start, end) = match range.map(|r| bulk_file::range(r, total)) {
        None | Some(bulk_file::Range::Whole) => (StatusCode::OK, 0, total),
        Some(bulk_file::Range::Part(start, end)) => (StatusCode::PARTIAL_CONTENT, start, end),
        Some(bulk_file::Range::Outside) => {
            let outside = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, outside).into_response();
        }
    };
    let mut response = (status, Body::from_stream(built.stream(start, end))).into_response();
    respond::set(&mut response, header::CONTENT_LENGTH, &(end - start).to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {start}-{}/{total}", end - 1);
        respond::set(&mut response, header::CONTENT_RANGE, &part);
    }
    response
}
