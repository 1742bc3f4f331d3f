//! `/account`: the ways in, or one's sessions.

use super::me;
use crate::here::{Entry, Lang, Site};
use crate::redirects::in_language;
use crate::routes::holder::may;
use crate::{accounts, keys, passkeys, respond, sessions};
use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::access::{Gate, OwnKeys, Permission as _, ReadAudit};
use kit::{Params, Problem};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    return_to: String,
    missing: Option<String>,
    languages: Vec<(String, String, String, bool)>,
}

impl LoginPage<'_> {
    fn address(&self, entry: &Entry) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("lang", &self.lang.language.code)
            .append_pair("return_to", &self.return_to)
            .finish();
        format!("/account/login/{}?{query}", entry.declared.id)
    }
}

/// A session as its owner sees it.
struct Row {
    id: String,
    began: String,
    seen: String,
    ends: String,
    this: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    site: &'a Site,
    lang: &'a Lang,
    said: Option<String>,
    /// The way to a further login, where one is wanted first.
    anew: Option<String>,
    id: String,
    provider: String,
    since: String,
    roles: Vec<String>,
    /// Has a role that wants a passkey; and how many they have.
    operates: bool,
    passkeys: usize,
    /// Whether there are keys to see or to make.
    keys: bool,
    /// Whether they may read the audit.
    audits: bool,
    rows: Vec<Row>,
    languages: Vec<(String, String, String, bool)>,
}

/// This page in every language, where the country has several. `path` with what else its address has to say.
pub(crate) fn languages(site: &Site, lang: &Lang, path: &str) -> Vec<(String, String, String, bool)> {
    if site.langs.len() < 2 {
        return Vec::new();
    }
    let link = |l: &Lang| {
        let (code, name, tag) = (&l.language.code, l.language.name.clone(), l.language.tag.clone());
        (in_language(path, code), name, tag, *code == lang.language.code)
    };
    site.langs.iter().map(link).collect()
}

/// `GET /account`.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    Extension(gate): Extension<Arc<Gate>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["lang", "return_to", "done"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let done = params.one("done")?.filter(|d| ["ended", "others", "out", "passkey", "anew"].contains(d));
    let said = done.map(|d| lang.t(format!("done.{d}")));
    let Some(me) = me(&site, &headers).await? else {
        return ways_in(&site, lang, said, site.local(params.one("return_to")?));
    };
    let (limits, now) = (site.app.profile.identity.session, site.time.now());
    let mut conn = site.app.db.acquire().await?;
    let living = sessions::of_account(&mut conn, &me.account.id, limits, now).await?;
    let roles = accounts::roles(&mut conn, &me.account.id, now).await?;
    let operates = site.policy.operates(roles.iter().map(String::as_str));
    let passkeys = passkeys::of_account(&mut conn, &me.account.id).await?.len();
    let has = !keys::of_account(&mut conn, &me.account.id).await?.is_empty();
    drop(conn);
    let offered = site.app.profile.identity.keys.is_some();
    let keys = offered && (has || may(&site, &gate, &me, OwnKeys::NAME).await?);
    let audits = may(&site, &gate, &me, ReadAudit::NAME).await?;
    let rows = living.into_iter().map(|s| Row {
        this: s.id == me.session.id,
        began: lang.formats.moment(s.created_at),
        seen: lang.formats.moment(s.last_seen_at),
        ends: lang.formats.moment(s.expires_at),
        id: s.id,
    });
    let entry = site.providers.iter().find(|e| e.declared.id == me.account.provider);
    let again = |e: &Entry| {
        let (id, code) = (&e.declared.id, &lang.language.code);
        format!("/account/login/{id}?lang={code}&anew=1&return_to=/account")
    };
    let page = AccountPage {
        said,
        anew: entry.filter(|_| done == Some("anew")).map(again),
        keys,
        audits,
        provider: entry.map_or_else(|| me.account.provider.clone(), |e| e.declared.name.clone()),
        since: lang.formats.moment(me.account.created_at),
        id: me.account.id,
        roles: roles.iter().map(|r| lang.or(&format!("role.{r}"), "role.unknown")).collect(),
        operates,
        passkeys,
        rows: rows.collect(),
        languages: languages(&site, lang, "/account"),
        lang,
        site: &site,
    };
    let out = match entry.and_then(|e| e.client.as_ref()) {
        Some(provider) => provider.logout_origin().await,
        None => None,
    };
    respond::page(lang, StatusCode::OK, &page, out.as_deref())
}

fn ways_in(site: &Site, lang: &Lang, said: Option<String>, return_to: String) -> Result<Response, Problem> {
    let missing = if site.providers.iter().any(|e| e.client.is_some()) {
        (!site.secure).then(|| lang.f("login.insecure", "origin", site.origin.as_str()))
    } else {
        let why = site.missing.as_deref().unwrap_or("registration");
        Some(lang.or(&format!("login.missing_{why}"), "login.missing_registration"))
    };
    let languages = languages(site, lang, "/account");
    respond::page(lang, StatusCode::OK, &LoginPage { site, lang, said, return_to, missing, languages }, None)
}

/// `GET /account/goodbye`: back from the provider's logout.
pub(crate) async fn goodbye(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["state"]);
    let spoken = params.one("state")?.and_then(|state| state.rsplit_once('.')).map(|(_, code)| code);
    let lang = site.lang(spoken, &headers).ok_or(Problem::NotFound("language"))?;
    let said = Some(lang.t("done.out"));
    ways_in(&site, lang, said, "/account".to_owned())
}
