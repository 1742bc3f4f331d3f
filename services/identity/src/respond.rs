//! From a template to an answer that nobody keeps.

use crate::here::Lang;
use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kit::Problem;

/// A page in this language. `form_to` is the origin that its forms may lead to beside our own.
///
/// # Errors
/// [`Problem::Internal`] when the template fails.
pub(crate) fn page(
    lang: &Lang,
    status: StatusCode,
    template: &impl Template,
    form_to: Option<&str>,
) -> Result<Response, Problem> {
    with(lang, status, template, form_to, "")
}

/// A page with a script of this origin, which may ask this origin.
///
/// # Errors
/// [`Problem::Internal`] when the template fails.
pub(crate) fn with_script(lang: &Lang, template: &impl Template) -> Result<Response, Problem> {
    with(lang, StatusCode::OK, template, None, "script-src 'self'; connect-src 'self'; ")
}

fn with(
    lang: &Lang,
    status: StatusCode,
    template: &impl Template,
    form_to: Option<&str>,
    more: &str,
) -> Result<Response, Problem> {
    let body = template.render().map_err(anyhow::Error::from)?;
    let policy = format!(
        "default-src 'none'; {more}style-src 'self'; img-src 'self'; form-action 'self' {}; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        form_to.unwrap_or("")
    );
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_LANGUAGE, value(&lang.language.tag)?);
    headers.insert(CONTENT_SECURITY_POLICY, value(&policy)?);
    // Without it a browser that knows no Sec-Fetch-Site would hide from ourselves where our own forms come from.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept-language, cookie, referer"));
    Ok(response)
}

/// `303 See Other`, not kept.
///
/// # Errors
/// [`Problem::Internal`] when `to` is none that a header carries.
pub(crate) fn see_other(to: &str) -> Result<Response, Problem> {
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, value(to)?), no_store]).into_response())
}

/// A header's value.
///
/// # Errors
/// [`Problem::Internal`] when HTTP cannot carry it.
pub(crate) fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|e| Problem::Internal(e.into()))
}
