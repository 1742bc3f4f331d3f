//! To the provider and back.

use crate::cookies::{self, LOGIN, SESSION};
use crate::here::{Entry, Lang, Site};
use crate::provider::Failure;
use crate::{accounts, logins, random, respond, sessions};
use askama::Template;
use axum::extract::{ConnectInfo, Extension, Path, RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::TimeDelta;
use kit::security::{self, Event, Outcome};
use kit::{Params, Problem};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// How long somebody may take at the provider.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(15);

pub(super) type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

pub(super) fn ip(peer: &Peer) -> Option<IpAddr> {
    peer.as_ref().map(|Extension(ConnectInfo(addr))| addr.ip())
}

#[derive(Template)]
#[template(path = "failed.html")]
struct Failed<'a> {
    site: &'a Site,
    lang: &'a Lang,
    provider: &'a str,
    reason: &'static str,
    again: Option<String>,
    languages: Vec<(String, String, String, bool)>,
}

/// A login that did not work, said without saying whether there is an account.
fn failed(site: &Site, lang: &Lang, entry: &Entry, failure: &Failure) -> Result<Response, Problem> {
    let (reason, status) = match failure {
        Failure::Provider(_) => ("provider", StatusCode::BAD_GATEWAY),
        Failure::Refused(code) if code == "access_denied" => ("cancelled", StatusCode::FORBIDDEN),
        Failure::Assurance(_) => ("assurance", StatusCode::FORBIDDEN),
        Failure::Refused(_) | Failure::Token(_) => ("other", StatusCode::FORBIDDEN),
    };
    let why = match failure {
        // Whatever the answer says, anybody can write there.
        Failure::Refused(_) => reason.to_owned(),
        other => format!("{reason}: {other}"),
    };
    security::event(Event::Login, Outcome::Refused, &format!("{}: {why}", entry.declared.id));
    refused(site, lang, entry, reason, status)
}

fn refused(
    site: &Site,
    lang: &Lang,
    entry: &Entry,
    reason: &'static str,
    status: StatusCode,
) -> Result<Response, Problem> {
    let again = Some(format!("/account/login/{}?lang={}&anew=1", entry.declared.id, lang.language.code));
    let provider = &entry.declared.name;
    let page = Failed { site, lang, provider, reason, again, languages: Vec::new() };
    respond::page(lang, status, &page, None)
}

fn entry<'a>(site: &'a Site, id: &str) -> Result<&'a Entry, Problem> {
    site.providers
        .iter()
        .find(|e| e.declared.id == id && e.client.is_some())
        .ok_or(Problem::NotFound("provider"))
}

/// `GET /account/login/{provider}?return_to=/path`: sends the browser to the provider.
pub(crate) async fn start(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = Params::known(query.as_deref(), &["return_to", "lang", "anew"]);
    let lang = site.lang(params.one("lang")?, &headers).ok_or(Problem::NotFound("language"))?;
    let entry = entry(&site, &id)?;
    let Some(provider) = entry.client.as_ref().filter(|_| site.secure) else {
        return refused(&site, lang, entry, "insecure", StatusCode::FORBIDDEN);
    };
    site.throttle.network(ip(&peer), &headers)?;
    let start = match provider.start(&lang.language.code, params.one("anew")?.is_some()).await {
        Ok(start) => start,
        Err(failure) => return failed(&site, lang, entry, &failure),
    };
    // One word for all the logins that this browser has under way: two tabs do not spoil one another.
    let browser = match cookies::get(&headers, LOGIN).filter(|b| b.len() == 43) {
        Some(browser) => browser.to_owned(),
        None => random::secret()?,
    };
    let login = logins::Login {
        provider: id,
        nonce: start.nonce,
        pkce_verifier: start.pkce_verifier,
        return_to: site.local(params.one("return_to")?),
        language: lang.language.code.clone(),
    };
    let mut conn = site.app.db.acquire().await?;
    logins::begin(&mut conn, &start.state, &browser, &login, site.time.now() + UNDER_WAY).await?;
    let mut response = respond::see_other(start.url.as_str())?;
    response.headers_mut().append(SET_COOKIE, cookies::set(LOGIN, &browser, UNDER_WAY.num_seconds())?);
    Ok(response)
}

/// `GET /oidc/callback/{provider}`: the provider's answer.
pub(crate) async fn callback(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let params = Params::known(query.as_deref(), &["code", "state", "iss", "error"]);
    let entry = entry(&site, &id)?;
    let provider = site.provider(&id).ok_or(Problem::NotFound("provider"))?;
    let lang = site.lang(None, &headers).ok_or(Problem::NotFound("language"))?;
    let now = site.time.now();
    let mut conn = site.app.db.acquire().await?;
    // Without the cookie of the browser that began it, an answer is somebody else's: nobody is logged in by a link.
    let login = match (params.one("state")?, cookies::get(&headers, LOGIN)) {
        (Some(state), Some(browser)) => logins::take(&mut conn, state, browser, &id, now).await?,
        _ => None,
    };
    let Some(login) = login else {
        security::event(Event::Login, Outcome::Refused, "this browser began none, or it is over");
        return refused(&site, lang, entry, "unknown", StatusCode::BAD_REQUEST);
    };
    let lang = site.lang(Some(&login.language), &headers).unwrap_or(lang);
    // RFC 9207: an answer that names another issuer was meant for another login.
    if params.one("iss")?.is_some_and(|iss| iss != provider.issuer()) {
        return failed(&site, lang, entry, &Failure::Token("the answer names another issuer".to_owned()));
    }
    if let Some(error) = params.one("error")? {
        let word = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
        return failed(&site, lang, entry, &Failure::Refused(word));
    }
    let code = params.one("code")?.ok_or(Problem::invalid("code", "is missing"))?;
    // The connection waits for nobody else's server.
    drop(conn);
    let done = match provider.finish(code, &login).await {
        Ok(done) => done,
        Err(failure) => return failed(&site, lang, entry, &failure),
    };
    let mut tx = site.app.db.begin().await?;
    let account = accounts::of_subject(&mut tx, &id, provider.issuer(), &done.subject, now).await?;
    security::known(&account.pseudonym());
    site.throttle.account(&account.id)?;
    if account.disabled_at.is_some() {
        security::event(Event::Login, Outcome::Refused, "the account is disabled");
        return refused(&site, lang, entry, "other", StatusCode::FORBIDDEN);
    }
    // A session that this browser had is over: its token is not used further (no fixation), and does not linger.
    let replaced = match cookies::get(&headers, SESSION) {
        Some(old) => sessions::end_of_token(&mut tx, old, "replaced", now).await?,
        None => None,
    };
    let limits = site.app.profile.identity.session;
    let token = sessions::begin(&mut tx, &account.id, &done.origin, limits, now).await?;
    let browser = cookies::get(&headers, LOGIN).unwrap_or_default();
    let more = logins::more(&mut tx, browser, now).await?;
    tx.commit().await?;
    if let Some(whose) = replaced {
        let why = "the same browser logged in anew";
        security::event_of(Some(&whose.pseudonym()), Event::Session, Outcome::Done, why);
    }
    security::event(Event::Login, Outcome::Done, &id);
    let mut response = respond::see_other(&site.onward(&login.return_to, Some(lang)))?;
    let lasts = i64::from(limits.absolute_hours) * 3600;
    response.headers_mut().append(SET_COOKIE, cookies::set(SESSION, &token, lasts)?);
    // What another tab began needs it still.
    if !more {
        cookies::forget(response.headers_mut(), &[LOGIN])?;
    }
    Ok(response)
}
