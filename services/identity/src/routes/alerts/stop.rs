//! Ending an alert from its mail: by its link, or by the mail program itself.

use crate::alerts;
use crate::here::{Lang, Site};
use crate::respond;
use crate::routes::rights::link::Click;
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use kit::Problem;
use std::sync::Arc;

/// Sent by mail programs, without cookies and without saying where from (RFC 8058): the link itself is the proof.
pub(in crate::routes) fn machines() -> Router<Arc<Site>> {
    Router::new().route("/account/alerts/stop/{id}/{word}", get(asks_stop).post(stop))
}

#[derive(Template)]
#[template(path = "stopped.html")]
struct Stopped<'a> {
    site: &'a Site,
    lang: &'a Lang,
    languages: Vec<(String, String, String, bool)>,
}

/// `GET /account/alerts/stop/{id}/{word}`: asks for one click, since programs open links too.
async fn asks_stop(
    State(site): State<Arc<Site>>,
    Path((id, word)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let lang = site.lang(None, &headers).ok_or(Problem::NotFound("language"))?;
    let action = format!("/account/alerts/stop/{id}/{word}");
    let page = Click { site: &site, lang, what: "stop", action, token: String::new(), languages: Vec::new() };
    respond::page(lang, StatusCode::OK, &page, None)
}

/// `POST` to the same: ends it. A second click finds it ended and says the same; so does a word that is none of ours, since the
/// one who clicks wants no more mail. Answered here: a redirect of such a click is not followed (RFC 8058, 3.1).
async fn stop(
    State(site): State<Arc<Site>>,
    Path((id, word)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut tx = site.app.db.begin().await?;
    if alerts::stop(&mut tx, &id, &word, site.time.now()).await? {
        site.ended(vec![id]).await?;
    }
    tx.commit().await?;
    let lang = site.lang(None, &headers).ok_or(Problem::NotFound("language"))?;
    respond::page(lang, StatusCode::OK, &Stopped { site: &site, lang, languages: Vec::new() }, None)
}
