//! The audit as an auditor reads it with a browser; programs read `/account/audit`.

use super::access::{PAGE, read};
use super::account::languages;
use super::holder::Holder;
use crate::audit::Entry;
use crate::here::{Lang, Site};
use crate::respond;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::access::ReadAudit;
use kit::{Params, Problem};
use std::sync::Arc;

/// An entry in the list.
struct Row {
    number: i64,
    at: String,
    actor: String,
    action: String,
    about: String,
    /// JSON; empty where there is no more to say.
    detail: String,
    hash: String,
}

#[derive(Template)]
#[template(path = "trail.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    rows: Vec<Row>,
    /// Whether newer entries than these are left out.
    newer: bool,
    /// The entry before which the next page begins, where there may be older ones.
    older: Option<i64>,
    languages: Vec<(String, String, String, bool)>,
}

fn row(lang: &Lang, entry: Entry) -> Row {
    let none = entry.detail.as_object().is_some_and(|fields| fields.is_empty());
    Row {
        number: entry.seq,
        at: lang.formats.moment(entry.at),
        actor: entry.actor,
        action: entry.action,
        about: entry.about,
        detail: if none { String::new() } else { entry.detail.to_string() },
        hash: store::chain::hex(&entry.hash),
    }
}

/// `GET /account/audit-trail?before=17`: a page of the audit, the newest first. That it was read is the next entry.
pub(super) async fn show(
    reader: Holder<ReadAudit>,
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang", "before"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let before: Option<i64> = params.read("before", "the number of an entry")?;
    let here =
        "/account/audit-trail".to_owned() + &before.map_or_else(String::new, |n| format!("?before={n}"));
    let mut tx = site.app.db.begin().await?;
    let entries = read(&site, &mut tx, &reader.me.account, before).await?;
    tx.commit().await?;
    let full = i64::try_from(entries.len()).is_ok_and(|count| count == PAGE);
    let page = Page {
        newer: before.is_some(),
        older: entries.last().map(|entry| entry.seq).filter(|_| full),
        rows: entries.into_iter().map(|entry| row(lang, entry)).collect(),
        languages: languages(&site, lang, &here),
        site: &site,
        lang,
    };
    respond::page(lang, StatusCode::OK, &page, None)
}
