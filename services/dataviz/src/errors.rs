//! Failures as pages in the reader's language; as problem+json for those who ask for JSON.

use crate::here::{Lang, Site};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use kit::Params;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    site: &'a Site,
    lang: &'a Lang,
    code: &'a str,
    status: u16,
    notice: Option<String>,
    turned_back: Option<String>,
    latest: String,
    languages: Vec<(String, String, String, bool)>,
}

/// Turns every failed answer that is no page yet into one.
pub(crate) async fn as_pages(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    // The language that the address names, if the rest of it can be read at all.
    let named =
        Params::parse(request.uri().query(), &["lang", "signal", "place", "from", "to", "as_of", "scale"]);
    let named = named.ok().and_then(|p| p.one("lang").ok().flatten().map(str::to_owned));
    let response = next.run(request).await;
    let status = response.status();
    let accept = headers.get(ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or("");
    if !(status.is_client_error() || status.is_server_error())
        || (accept.contains("json") && !accept.contains("html"))
    {
        return response;
    }
    let Some(lang) = site.lang(named.as_deref(), &headers) else { return response };
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        s if s.is_client_error() => "invalid",
        _ => "internal",
    };
    let page = ErrorPage {
        site: &site,
        lang,
        code,
        status: status.as_u16(),
        notice: site.app.recorded_notice(&lang.language),
        turned_back: None,
        latest: String::new(),
        languages: Vec::new(),
    };
    let Ok(body) = page.render() else { return response };
    let mut answer = (status, Html(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&lang.language.tag) {
        answer.headers_mut().insert(CONTENT_LANGUAGE, tag);
    }
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Some(allow) = response.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    answer
}
