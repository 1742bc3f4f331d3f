//! Formats, cache validators and streams.

use crate::body::Value;
use crate::parquet_file;
use crate::reader::Reader;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use kit::{App, Params, Problem};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Rows read, and sent, at a time.
const PIECE: usize = 2000;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    JsonLines,
    Parquet,
}

impl Format {
    /// By the `format` parameter, else by `Accept`, else JSON.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for an unknown `format`.
    pub(crate) fn read(params: &Params, headers: &HeaderMap) -> Result<Self, Problem> {
        match params.one("format")? {
            Some("json") => return Ok(Self::Json),
            Some("csv") => return Ok(Self::Csv),
            Some("jsonl") => return Ok(Self::JsonLines),
            Some("parquet") => return Ok(Self::Parquet),
            Some(_) => return Err(Problem::invalid("format", "is none of json, csv, jsonl, parquet")),
            None => {}
        }
        let accept = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or("");
        let named = accept.split(',').filter_map(|part| part.split(';').next()).map(str::trim);
        Ok(named
            .filter_map(|media| match media {
                "application/json" => Some(Self::Json),
                "text/csv" => Some(Self::Csv),
                "application/jsonl" | "application/x-ndjson" => Some(Self::JsonLines),
                parquet_file::MEDIA_TYPE => Some(Self::Parquet),
                _ => None,
            })
            .next()
            .unwrap_or(Self::Json))
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
            Self::Parquet => parquet_file::MEDIA_TYPE,
        }
    }
}

/// A weak validator of everything that an answer depends on. Weak: a compressed answer has other bytes.
pub(crate) fn etag(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("W/\"{}\"", &hex::encode(hash.finalize())[..32])
}

/// A time as HTTP writes it (RFC 9110, 5.6.7).
fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What tells two versions of an answer apart.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) etag: String,
    /// When the answer last changed, or later.
    pub(crate) modified: DateTime<Utc>,
}

/// `304 Not Modified` when the client has this version already.
///
/// A client that names tags is asked for tags alone (RFC 9110, 13.1.3); a date that cannot be read counts as none.
pub(crate) fn not_modified(headers: &HeaderMap, version: &Version) -> Option<Response> {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or(""));
    let same = match (text(header::IF_NONE_MATCH), text(header::IF_MODIFIED_SINCE)) {
        (Some(known), _) => {
            known.trim() == "*" || known.split(',').any(|tag| bare(tag) == bare(&version.etag))
        }
        (None, Some(since)) => DateTime::parse_from_rfc2822(since)
            .is_ok_and(|since| version.modified.timestamp() <= since.timestamp()),
        (None, None) => false,
    };
    same.then(|| {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        validators(&mut response, version);
        response
    })
}

fn validators(response: &mut Response, version: &Version) {
    set(response, header::ETAG, &version.etag);
    set(response, header::LAST_MODIFIED, &http_date(version.modified));
    set(response, header::VARY, "accept");
    set(response, header::CACHE_CONTROL, "public, no-cache");
}

/// Sets a header whose value was built here; one that HTTP cannot carry is left out.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The headers that every data answer has.
pub(crate) fn dress(response: &mut Response, app: &App, media_type: &str, version: &Version) {
    set(response, header::CONTENT_TYPE, media_type);
    validators(response, version);
    if let Some(at) = app.clock.recorded() {
        set(response, HeaderName::from_static("vigie-recorded-situation"), &at.to_rfc3339());
    }
}

/// Values as lines of CSV (with the header line if `header`) or JSON.
///
/// # Errors
/// When a value cannot be written; none of ours can fail.
pub(crate) fn lines(values: &[Value<'_>], format: Format, header: bool) -> Result<Vec<u8>, Problem> {
    if format == Format::Csv {
        let mut csv = csv::WriterBuilder::new().has_headers(header).from_writer(Vec::new());
        for value in values {
            csv.serialize(value).map_err(anyhow::Error::from)?;
        }
        return Ok(csv.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?);
    }
    json_lines(values)
}

/// JSON of about `rows` values, in memory that is asked for once.
///
/// # Errors
/// When it cannot be written; none of ours can fail.
pub(crate) fn json<T: Serialize>(page: &T, rows: usize) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(1024 + rows * 450);
    serde_json::to_writer(&mut out, page).map_err(anyhow::Error::from)?;
    Ok(out)
}

/// One line of JSON each.
///
/// # Errors
/// When one cannot be written; none of ours can fail.
pub(crate) fn json_lines<T: Serialize>(values: &[T]) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    for value in values {
        serde_json::to_writer(&mut out, value).map_err(anyhow::Error::from)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// The column line of an empty CSV.
pub(crate) const COLUMNS: &str = "id,signal,place,reference_date,week,value,status,unit,issued_at,seen_at,source,\
                                  retrieval,recorded_situation\n";

/// The next lines of a selection: empty at its end.
pub(crate) async fn piece(
    reader: &mut Reader,
    format: Format,
    first: bool,
) -> Result<(Vec<u8>, u64), Problem> {
    let (rows, words) = reader.piece(PIECE).await?;
    match (rows.is_empty(), first && format == Format::Csv) {
        (true, true) => Ok((COLUMNS.into(), 0)),
        (_, first) => Ok((lines(&words.values(&rows)?, format, first)?, rows.len() as u64)),
    }
}

/// Everything in a selection, sent as it is read, with `first` before it (what [`piece`] gave already). When the
/// database fails midway, or figures came meanwhile that the pieces sent already lack, the connection is cut, so that a
/// short or mixed file is never taken for a whole one.
pub(crate) fn stream(first: (Vec<u8>, u64), reader: Reader, format: Format) -> Body {
    let (first, rows) = first;
    if rows < PIECE as u64 {
        return first.into();
    }
    let rest = stream::try_unfold(reader, move |mut reader| async move {
        match piece(&mut reader, format, false).await {
            Ok((_, 0)) => match reader.unchanged().await {
                Ok(true) => Ok(None),
                Ok(false) => {
                    tracing::warn!("a stream was cut off: figures that it should have held came meanwhile");
                    Err(std::io::Error::other("the figures changed meanwhile: ask again"))
                }
                Err(error) => {
                    tracing::error!(%error, "a stream was cut off");
                    Err(std::io::Error::other("internal error"))
                }
            },
            Ok((bytes, _)) => Ok::<_, std::io::Error>(Some((Bytes::from(bytes), reader))),
            Err(problem) => {
                tracing::error!(%problem, "a stream was cut off");
                Err(std::io::Error::other("internal error"))
            }
        }
    });
    Body::from_stream(stream::once(async { Ok(Bytes::from(first)) }).chain(rest))
}
