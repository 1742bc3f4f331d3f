//! What takes one click: language, halt, withdrawal, erasure, a question to people.

use super::desk::Desk;
use super::page::Done;
use super::{Fields, Sent, just_proven, proven, read};
use crate::alerts;
use crate::cookies::{self, SESSION, VISIT};
use crate::here::Site;
use crate::respond;
use crate::rights::erase::{self, By};
use crate::rights::list::{self, Mark};
use crate::rights::{Halt, contacts, halt};
use crate::routes::sessions::ANEW;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::Problem;
use kit::security::{self, Event, Outcome};
use serde_json::json;
use std::sync::Arc;

fn back(word: &str) -> Result<Response, Problem> {
    respond::see_other(&format!("/account/rights?done={word}"))
}

/// `POST /account/rights/language`: rectification of the language of what is sent.
pub(crate) async fn language(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let code = fields.get("language")?;
    if site.by_code(code).is_none() {
        return Err(Problem::invalid("language", "is none of this country's pages"));
    }
    let contact = person.contact.as_ref().ok_or(Problem::NotFound("e-mail address"))?;
    let desk = Desk::open(&site, &person, "rectification").await?;
    let mut tx = site.app.db.begin().await?;
    contacts::speak(&mut tx, &contact.id, code).await?;
    desk.close(tx, json!({ "field": "language" })).await?;
    back("language")
}

/// `POST /account/rights/restriction` with `on` yes or no.
pub(crate) async fn restriction(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    set(&site, &headers, sent, Halt::Restriction).await
}

/// `POST /account/rights/objection` with `on` yes or no.
pub(crate) async fn objection(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    set(&site, &headers, sent, Halt::Objection).await
}

async fn set(site: &Site, headers: &HeaderMap, sent: Sent, what: Halt) -> Result<Response, Problem> {
    let person = proven(site, headers).await?;
    let fields = Fields::of(sent)?;
    let on = match fields.get("on")? {
        "yes" => true,
        "no" => false,
        _ => return Err(Problem::invalid("on", "is neither yes nor no")),
    };
    if !person.is_known() {
        return back("nothing");
    }
    let desk = Desk::open(site, &person, what.word()).await?;
    let mut tx = site.app.db.begin().await?;
    halt(&mut tx, &person, what, on.then(|| site.time.now())).await?;
    if on {
        site.marked(Mark::Halt(what), true, person.ids()).await?;
    }
    desk.close(tx, json!({ "on": on })).await?;
    if !on {
        site.marked(Mark::Halt(what), false, person.ids()).await?;
    }
    back(if on { what.word() } else { "lifted" })
}

/// `POST /account/rights/consent`: takes the consent to alerts back and ends them all.
pub(crate) async fn consent(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let Some(contact) = &person.contact else { return back("no_consent") };
    if !alerts::agrees(&mut *site.app.db.acquire().await?, contact).await? {
        return back("no_consent");
    }
    let desk = Desk::open(&site, &person, "withdrawal").await?;
    let mut tx = site.app.db.begin().await?;
    let ids: Vec<String> = alerts::of(&mut tx, contact).await?.into_iter().map(|alert| alert.id).collect();
    let ended = alerts::end_all(&mut tx, contact, site.time.now()).await?;
    site.ended(ids).await?;
    desk.close(tx, json!({ "purpose": alerts::PURPOSE, "ended": ended })).await?;
    back("withdrawn")
}

/// `POST /account/rights/question`: people look at it, until the law's day.
pub(crate) async fn question(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    if !person.is_known() {
        return back("nothing");
    }
    Desk::open(&site, &person, "question").await?;
    back("question")
}

/// `POST /account/rights/erasure` with `sure`: all rows go, and the key of the pseudonym with them.
pub(crate) async fn erasure(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let person = proven(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let lang = read(&site, &person, &headers)?;
    if !matches!(fields.get("sure"), Ok("yes")) {
        return back("unsure");
    }
    if !just_proven(&site, &headers).await? {
        return respond::see_other(ANEW);
    }
    let desk = Desk::open(&site, &person, "erasure").await?;
    let mut tx = site.app.db.begin().await?;
    let by = By::Person(desk.id());
    erase::person(&mut tx, &person, by, site.audit.as_ref(), site.time.now()).await?;
    // Before the commit: an erasure that is remembered and failed is asked for again; the other way round it would be forgotten.
    if let Some(list) = site.erasures.clone() {
        let who = person.clone();
        tokio::task::spawn_blocking(move || list::remember(&list, &who))
            .await
            .map_err(anyhow::Error::from)??;
    }
    let receipt = desk.close(tx, json!({})).await?;
    if person.account.is_some() {
        let why = "whoever it was of was erased, and all their sessions with them";
        security::event(Event::Session, Outcome::Done, why);
    }
    let page = Done { site: &site, lang, receipt, languages: Vec::new() };
    let mut response = respond::page(lang, StatusCode::OK, &page, None)?;
    cookies::forget(response.headers_mut(), &[SESSION, VISIT])?;
    Ok(response)
}
