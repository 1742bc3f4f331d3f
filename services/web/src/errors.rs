//! Failures as pages in the reader's language; as problem+json for those who ask for JSON.

use crate::here::Here;
use crate::respond;
use crate::site::Site;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kit::Problem;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    here: &'a Here,
    code: &'a str,
    status: u16,
}

/// Turns every failed answer that is no page yet into one.
pub(crate) async fn as_pages(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let here = Here::new(site, &parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let of_type = response.headers().get(CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or("");
    if !(status.is_client_error() || status.is_server_error()) || of_type.starts_with("text/html") {
        return response;
    }
    if here.json {
        return if of_type.contains("json") { response } else { problem(status).into_response() };
    }
    let allow = response.headers().get(ALLOW).cloned();
    let mut answer = error_page(&here, status).unwrap_or(response);
    if let Some(allow) = allow {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

/// A problem for a status that some layer answered without one.
fn problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::NotFound("address"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        s if s.is_client_error() => Problem::invalid("address", "cannot be read"),
        s => Problem::Internal(anyhow::anyhow!("answered {s} without a reason")),
    }
}

fn error_page(here: &Here, status: StatusCode) -> Result<Response, Problem> {
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        s if s.is_client_error() => "invalid",
        _ => "internal",
    };
    // What is not there is there in no other language either: the links to those lead home.
    let home = (status == StatusCode::NOT_FOUND).then(|| here.at_home());
    let here = home.as_ref().unwrap_or(here);
    let mut page = respond::page(here, &ErrorPage { here, code, status: status.as_u16() })?;
    *page.status_mut() = status;
    page.headers_mut().remove(axum::http::header::ETAG);
    page.headers_mut()
        .insert(axum::http::header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    Ok(page)
}
