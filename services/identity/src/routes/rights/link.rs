//! People without an account: a link to their address, what it opens, and closing that again.

use super::{Fields, Sent};
use crate::cookies::{self, VISIT};
use crate::here::{Lang, Site};
use crate::mailer::Letter;
use crate::respond;
use crate::rights::contacts;
use crate::rights::proofs::{self, Proof, Purpose};
use crate::routes::login::{Peer, ip};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::security::{self, Event, Outcome};
use kit::{Params, Problem};
use sqlx::PgConnection;
use std::sync::Arc;

/// A page that asks for one click more: programs that look at links in mails open them too.
#[derive(Template)]
#[template(path = "click.html")]
pub(crate) struct Click<'a> {
    pub(crate) site: &'a Site,
    pub(crate) lang: &'a Lang,
    /// The word of the texts: `click.<what>.title`, `.text`, `.button`.
    pub(crate) what: &'static str,
    pub(crate) action: String,
    pub(crate) token: String,
    pub(crate) languages: Vec<(String, String, String, bool)>,
}

/// The page of a link: `token` goes into its form.
pub(crate) fn click(
    site: &Site,
    query: Option<&str>,
    headers: &HeaderMap,
    what: &'static str,
    action: &str,
) -> Result<Response, Problem> {
    let params = Params::known(query, &["lang", "token"]);
    let lang = site.lang(params.one("lang")?, headers).ok_or(Problem::NotFound("language"))?;
    let token = params.one("token")?.ok_or(Problem::invalid("token", "is missing"))?.to_owned();
    let page = Click { site, lang, what, action: action.to_owned(), token, languages: Vec::new() };
    respond::page(lang, StatusCode::OK, &page, None)
}

/// The link of a letter, on `path`: whoever uses it in time, once, proves the address of `proof`.
pub(crate) async fn link(
    site: &Site,
    conn: &mut PgConnection,
    purpose: Purpose,
    proof: &Proof,
    path: &str,
) -> Result<String, Problem> {
    let token = proofs::make(conn, purpose, proof, site.time.now() + proofs::LINK).await?;
    Ok(site.link(&format!("{path}?lang={}&token={token}", proof.language)))
}

/// The address that a form names. `None`: it has a character that nobody sees or that no mailbox has, which the page says; who
/// pasted it does not know.
pub(crate) fn email(fields: &Fields) -> Result<Option<String>, Problem> {
    let text = fields.get("email")?;
    if !contacts::is_visible(text) {
        return Ok(None);
    }
    contacts::address(text).map(Some).ok_or(Problem::invalid("email", "is no e-mail address"))
}

/// `POST /account/rights/link`: sends a link. The answer is the same for every address.
pub(crate) async fn send(
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let fields = Fields::of(sent)?;
    let lang = site.lang(fields.get("lang").ok(), &headers).ok_or(Problem::NotFound("language"))?;
    let code = &lang.language.code;
    let Some(email) = email(&fields)? else {
        return respond::see_other(&format!("/account/rights?lang={code}&done=unseen"));
    };
    site.throttle.letter(ip(&peer), &headers, &email, true)?;
    let proof = Proof { email: email.clone(), language: code.clone(), ..Proof::default() };
    let mut conn = site.app.db.acquire().await?;
    let link = link(&site, &mut conn, Purpose::Rights, &proof, "/account/rights/open").await?;
    drop(conn);
    site.post(Letter {
        to: email,
        subject: lang.t("mail.rights.subject"),
        text: lang.f("mail.rights.text", "link", &link),
        stop: None,
    });
    respond::see_other(&format!("/account/rights?lang={code}&done=sent"))
}

/// `GET /account/rights/open?token=…`.
pub(crate) async fn asks(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    click(&site, query.as_deref(), &headers, "open", "/account/rights/open")
}

/// `POST /account/rights/open`: the link is used up, and a cookie opens the page for a while.
pub(crate) async fn open(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let fields = Fields::of(sent)?;
    let now = site.time.now();
    let mut tx = site.app.db.begin().await?;
    let Some(proof) = proofs::take(&mut tx, Purpose::Rights, fields.get("token")?, now).await? else {
        return over(&site, &headers);
    };
    let lang = proof.language.clone();
    let token = proofs::make(&mut tx, Purpose::Visit, &proof, now + proofs::VISIT).await?;
    tx.commit().await?;
    let mut response = respond::see_other(&format!("/account/rights?lang={lang}"))?;
    let lasts = proofs::VISIT.num_seconds();
    response.headers_mut().append(SET_COOKIE, cookies::set(VISIT, &token, lasts)?);
    Ok(response)
}

/// What a link says that was used or is too old.
pub(crate) fn over(site: &Site, headers: &HeaderMap) -> Result<Response, Problem> {
    security::event(Event::Link, Outcome::Refused, "it was used, is too old, or never was");
    let lang = site.lang(None, headers).ok_or(Problem::NotFound("language"))?;
    respond::see_other(&format!("/account/rights?lang={}&done=over", lang.language.code))
}

/// `POST /account/rights/leave`.
pub(crate) async fn leave(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = cookies::get(&headers, VISIT) {
        proofs::end(&mut *site.app.db.acquire().await?, token).await?;
    }
    let mut response = respond::see_other("/account/rights?done=left")?;
    cookies::forget(response.headers_mut(), &[VISIT])?;
    Ok(response)
}
