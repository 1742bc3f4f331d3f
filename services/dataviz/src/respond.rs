//! From a text to an answer.

use crate::here::Lang;
use axum::http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kit::Problem;
use kit::style::hash;

/// A text with its tag; 304 when the reader has it already.
///
/// # Errors
/// [`Problem::Internal`] when a header cannot be written.
pub(crate) fn text(
    lang: &Lang,
    headers: &HeaderMap,
    mime: &'static str,
    body: String,
) -> Result<Response, Problem> {
    let tag = format!("W/\"{}\"", hash(body.as_bytes()));
    let known = headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or("");
    let same = known.split(',').any(|t| t.trim().trim_start_matches("W/") == tag.trim_start_matches("W/"));
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    set(&mut response, CONTENT_TYPE, mime)?;
    set(&mut response, CONTENT_LANGUAGE, &lang.language.tag)?;
    set(&mut response, CACHE_CONTROL, "public, max-age=60")?;
    set(&mut response, VARY, "accept-language")?;
    set(&mut response, ETAG, &tag)?;
    Ok(response)
}

/// Sets a header.
///
/// # Errors
/// [`Problem::Internal`] when HTTP cannot carry its value.
pub(crate) fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(value).map_err(anyhow::Error::from)?;
    response.headers_mut().insert(name, value);
    Ok(())
}
