//! What is shown of keys: the list, and once the key itself.

use super::settings;
use crate::here::{Lang, Site};
use crate::keys::{self, Key, State as KeyState};
use crate::respond;
use crate::routes::account::languages;
use crate::routes::holder::may;
use crate::routes::sessions::mine;
use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use kit::access::{Gate, OwnKeys, Permission as _};
use kit::{Params, Problem};
use std::sync::Arc;

/// Days that the form proposes: a quarter of a year, so that replacing a key stays a habit.
const PROPOSED: u32 = 90;

/// A key in the list.
struct Row {
    id: String,
    name: String,
    /// Beginning and end of the key.
    known_by: String,
    scopes: String,
    created: String,
    expires: String,
    used: String,
    state: String,
    /// Whether it can be replaced, and revoked.
    can: (bool, bool),
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    rows: Vec<Row>,
    /// Id and words; empty where none can be made.
    scopes: Vec<(String, String)>,
    /// The longest life, and what the form proposes.
    days: (String, String),
    per_minute: String,
    overlap: String,
    languages: Vec<(String, String, String, bool)>,
}

#[derive(Template)]
#[template(path = "key_made.html")]
struct Made<'a> {
    site: &'a Site,
    lang: &'a Lang,
    name: &'a str,
    key: &'a str,
    said: &'a str,
    languages: Vec<(String, String, String, bool)>,
}

/// A scope in words.
fn scope(lang: &Lang, id: &str) -> String {
    lang.or(&format!("keys.scope.{}", id.replace(':', "_")), "keys.scope.unknown")
}

fn row(lang: &Lang, prefix: &str, key: Key, may: bool, now: DateTime<Utc>) -> Row {
    let state = key.state(now);
    let word = match state {
        KeyState::Active => "active",
        KeyState::Replaced => "replaced",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
    };
    let moment = |at| lang.formats.moment(at);
    Row {
        known_by: format!("{prefix}…{}", key.ending),
        // As a program writes them; the form says what they mean.
        scopes: key.scopes.join(" "),
        created: moment(key.created_at),
        expires: moment(key.revoked_at.unwrap_or(key.expires_at)),
        used: key.last_used_at.map_or_else(|| lang.t("keys.never"), moment),
        state: lang.t(format!("keys.state.{word}")),
        can: (may && state == KeyState::Active, matches!(state, KeyState::Active | KeyState::Replaced)),
        id: key.id,
        name: key.name,
    }
}

const SAID: [&str; 5] = ["revoked", "name", "days", "scopes", "many"];

/// `GET /account/keys`. Whoever has lost the role still sees their keys, and revokes them.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Extension(gate): Extension<Arc<Gate>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang", "done"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let me = mine(&site, &headers).await?;
    let (settings, now) = (settings(&site)?, site.time.now());
    let may = may(&site, &gate, &me, OwnKeys::NAME).await?;
    let mut conn = site.app.db.acquire().await?;
    let kept = keys::of_account(&mut conn, &me.account.id).await?;
    drop(conn);
    let prefix = kit::keys::format::prefix(&site.app.profile.country.to_string());
    let scopes = settings.scopes.iter().filter(|_| may).map(|s| (s.clone(), scope(lang, s)));
    let page = Page {
        said: params.one("done")?.filter(|d| SAID.contains(d)).map(|d| lang.t(format!("keys.done.{d}"))),
        rows: kept.into_iter().map(|key| row(lang, &prefix, key, may, now)).collect(),
        scopes: scopes.collect(),
        days: (settings.max_days.to_string(), settings.max_days.min(PROPOSED).to_string()),
        per_minute: lang.formats.number(settings.per_minute.into(), 0),
        overlap: settings.overlap_hours.to_string(),
        languages: languages(&site, lang, "/account/keys"),
        site: &site,
        lang,
    };
    respond::page(lang, StatusCode::OK, &page, None)
}

/// The one page that shows a key. No cache keeps it.
pub(super) fn made(site: &Site, lang: &Lang, name: &str, key: &str, said: &str) -> Result<Response, Problem> {
    // In a POST's answer another language has no address.
    let page = Made { site, lang, name, key, said, languages: Vec::new() };
    respond::page(lang, StatusCode::OK, &page, None)
}
