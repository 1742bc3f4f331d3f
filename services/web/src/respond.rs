//! From a template to an answer.

use crate::here::Here;
use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kit::Problem;
use kit::style::hash;

/// A page in the language of `here`.
///
/// # Errors
/// [`Problem::Internal`] when the template fails.
pub(crate) fn page(here: &Here, template: &impl Template) -> Result<Response, Problem> {
    text(here, "text/html; charset=utf-8", template.render().map_err(anyhow::Error::from)?)
}

/// A text file in the language of `here`, with its tag, so that it is sent again only when it changed.
///
/// # Errors
/// [`Problem::Internal`] when a header cannot be written.
pub(crate) fn text(here: &Here, mime: &'static str, body: String) -> Result<Response, Problem> {
    let tag =
        HeaderValue::from_str(&format!("W/\"{}\"", hash(body.as_bytes()))).map_err(anyhow::Error::from)?;
    let language = HeaderValue::from_str(&here.lang().language.tag).map_err(anyhow::Error::from)?;
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(mime));
    headers.insert(CONTENT_LANGUAGE, language);
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    Ok(response)
}

/// Answers 304 when the reader has this very text already.
pub(crate) async fn unless_known(request: Request<axum::body::Body>, next: Next) -> Response {
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    match (known, response.headers().get(ETAG)) {
        (Some(known), Some(tag)) if response.status() == StatusCode::OK && names(&known, tag) => {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, tag.clone());
            (StatusCode::NOT_MODIFIED, headers).into_response()
        }
        _ => response,
    }
}

fn names(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(list), Ok(tag)) = (list.to_str(), tag.to_str()) else { return false };
    let bare = |t: &str| t.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|t| t.trim() == "*" || bare(t) == bare(tag))
}
