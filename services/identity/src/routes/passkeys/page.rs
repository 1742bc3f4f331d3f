//! The page: one's passkeys, and what can be done with them now.

use super::ceremony::NAME;
use super::operator::Operator;
use crate::here::{Lang, Site};
use crate::passkeys::recovery;
use crate::routes::account::languages;
use crate::{assets, respond, sessions};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kit::{Params, Problem};
use std::sync::Arc;

/// What the page says about what was just done.
const DONE: [&str; 8] = ["added", "confirmed", "named", "removed", "recovered", "no_code", "weak", "wanted"];

/// After these somebody may want all other sessions to end (OWASP ASVS 5.0, 7.4.3).
const CHANGED: [&str; 2] = ["added", "removed"];

/// Where whoever used a passkey goes who was on the way to nowhere else.
pub(super) const CONFIRMED: &str = "/account/passkeys?done=confirmed";

/// A passkey as its owner sees it.
struct Row {
    id: String,
    name: String,
    created: String,
    used: String,
    refused: bool,
}

#[derive(Template)]
#[template(path = "passkeys.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    script: String,
    return_to: String,
    rows: Vec<Row>,
    /// An authenticator can be asked at all: the origin has a name.
    possible: bool,
    may_register: bool,
    may_change: bool,
    confirmed: bool,
    /// Has a role that wants one; and a login that is strong enough for it.
    operates: bool,
    strong: bool,
    /// A passkey came or went, and there are other sessions.
    others: bool,
    /// Codes that were just made.
    codes: Vec<String>,
    left: String,
    again: String,
    languages: Vec<(String, String, String, bool)>,
}

impl Page<'_> {
    fn longest(&self) -> usize {
        NAME
    }
}

/// `GET /account/passkeys?return_to=/path`. Whoever has lost the role still sees their passkeys, and removes them.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang", "return_to", "done"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let done = params.one("done")?.filter(|d| DONE.contains(d));
    let said = done.map(|d| lang.t(format!("passkeys.done.{d}")));
    let to = params.one("return_to")?.unwrap_or(CONFIRMED).to_owned();
    let operator = Operator::or_owner(&site, &headers).await?;
    let said = match done {
        Some("wanted") if operator.keys.is_empty() => Some(lang.t("passkeys.wanted")),
        _ => said,
    };
    let changed = done.is_some_and(|d| CHANGED.contains(&d));
    page(&site, lang, operator, (said, changed), site.local(Some(&to)), Vec::new()).await
}

/// The page with codes, which no later one shows.
pub(super) async fn with_codes(
    site: &Site,
    headers: &HeaderMap,
    operator: Operator,
    codes: Vec<String>,
) -> Result<Response, Problem> {
    let lang = site.lang(None, headers).ok_or(Problem::NotFound("language"))?;
    page(site, lang, operator, (None, true), CONFIRMED.to_owned(), codes).await
}

async fn page(
    site: &Site,
    lang: &Lang,
    operator: Operator,
    (said, changed): (Option<String>, bool),
    return_to: String,
    codes: Vec<String>,
) -> Result<Response, Problem> {
    let (confirmed, may_register) = (operator.is_confirmed(), operator.may_register());
    let (operates, strong, may_change) = (operator.operates, operator.is_strong(), operator.may_change());
    let mut conn = site.app.db.acquire().await?;
    let left = recovery::left(&mut conn, &operator.me.account.id).await?;
    let (limits, now) = (site.app.profile.identity.session, operator.now);
    let others =
        changed && sessions::of_account(&mut conn, &operator.me.account.id, limits, now).await?.len() > 1;
    drop(conn);
    let row = |key: crate::passkeys::Passkey| Row {
        created: lang.formats.moment(key.created_at),
        used: key.used_at.map_or_else(|| lang.t("passkeys.never"), |at| lang.formats.moment(at)),
        refused: key.refused_at.is_some(),
        name: key.name,
        id: key.id,
    };
    let back = form_urlencoded::Serializer::new(String::new())
        .append_pair("lang", &lang.language.code)
        .append_pair("return_to", "/account/passkeys")
        .append_pair("anew", "1")
        .finish();
    let languages = match (codes.is_empty(), return_to.as_str()) {
        // They are shown once.
        (false, _) => Vec::new(),
        (true, CONFIRMED) => languages(site, lang, "/account/passkeys"),
        (true, to) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", to).finish();
            languages(site, lang, &format!("/account/passkeys?{query}"))
        }
    };
    let page = Page {
        said,
        script: assets::script(),
        return_to,
        rows: operator.keys.into_iter().map(row).collect(),
        possible: site.passkeys.is_some(),
        may_register,
        may_change,
        confirmed,
        operates,
        strong,
        others,
        codes,
        left: left.to_string(),
        again: format!("/account/login/{}?{back}", operator.me.account.provider),
        languages,
        lang,
        site,
    };
    respond::with_script(lang, &page)
}
