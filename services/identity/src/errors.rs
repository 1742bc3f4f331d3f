//! Failures as pages in the reader's language; as problem+json for those who ask for JSON.

use crate::here::{Lang, Site};
use crate::respond;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kit::{Params, Problem};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    site: &'a Site,
    lang: &'a Lang,
    code: &'a str,
    status: u16,
    languages: Vec<(String, String, String, bool)>,
}

/// Turns every failed answer that is no page yet into one. Machines at `/oidc` read problem+json.
pub(crate) async fn as_pages(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let named = Params::known(request.uri().query(), &["lang"]);
    // Where a form was sent nothing can be shown again.
    let back = (request.method() == Method::GET).then(|| request.uri().to_string());
    let accepts = headers.get(ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or("").to_owned();
    let reads = accepts.contains("html");
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or("");
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || !reads || kind.starts_with("text/html") {
        return response;
    }
    // Where a passkey is wanted, a person is led to the page that asks for it.
    let wanted = response.headers().get(WWW_AUTHENTICATE).and_then(|w| w.to_str().ok());
    if wanted.is_some_and(|w| w.contains("insufficient_user_authentication")) {
        let mut query = form_urlencoded::Serializer::new("done=wanted".to_owned());
        if let Some(back) = back {
            query.append_pair("return_to", &back);
        }
        return respond::see_other(&format!("/account/passkeys?{}", query.finish())).unwrap_or(response);
    }
    page(&site, named.one("lang").ok().flatten(), &headers, status, response.headers()).unwrap_or(response)
}

/// Whoever is sent on goes on in the language that they chose. The page that they are sent from is no help: a browser does not name
/// it to the next one.
pub(crate) async fn goes_on(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let named = Params::known(request.uri().query(), &["lang"]);
    let named = named.one("lang").ok().flatten().and_then(|code| site.by_code(code));
    let chosen = named.or_else(|| site.chosen(request.headers()));
    let mut response = next.run(request).await;
    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
    if let Some(to) = to.and_then(|to| HeaderValue::from_str(&site.onward(to, chosen)).ok()) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

/// No address of ours holds the character zero, and no text of the database can: there is nothing there.
pub(crate) async fn no_zero(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if [uri.path(), uri.query().unwrap_or("")].iter().any(|part| part.contains("%00")) {
        return Problem::NotFound("address").into_response();
    }
    next.run(request).await
}

fn page(
    site: &Site,
    named: Option<&str>,
    headers: &HeaderMap,
    status: StatusCode,
    had: &HeaderMap,
) -> Option<Response> {
    let lang = site.lang(named, headers)?;
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "forbidden",
        s if s.is_client_error() => "invalid",
        _ => "internal",
    };
    let page = ErrorPage { site, lang, code, status: status.as_u16(), languages: Vec::new() };
    let mut answer = respond::page(lang, status, &page, None).ok()?;
    for name in [ALLOW, RETRY_AFTER] {
        if let Some(value) = had.get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    Some(answer)
}
