//! What the script of the page asks for and sends: a challenge, and an authenticator's answer to it.

use super::operator::Operator;
use super::page::CONFIRMED;
use crate::here::Site;
use crate::passkeys::challenges::{self, Purpose};
use crate::passkeys::{self, Failure, RelyingParty, Use, letter};
use crate::rights::list::Mark;
use crate::routes::is_name;
use crate::routes::login::{Peer, ip};
use crate::sessions;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use kit::Problem;
use kit::security::{self, Event, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a passkey's name may be long.
pub(super) const NAME: usize = 60;
/// As many as somebody has authenticators.
const MOST: usize = 20;

/// A colleague, the owner or the provider ended the session while its passkey was asked for.
const OVER: Problem = Problem::Unauthorized("your session is over");

type Sent = Result<Json<Value>, JsonRejection>;

fn sent(body: Sent) -> Result<Value, Problem> {
    body.map(|Json(value)| value).map_err(|_| Problem::invalid("body", "is no JSON"))
}

fn told(body: &Value) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn party(site: &Site) -> Result<&RelyingParty, Problem> {
    site.passkeys
        .as_ref()
        .ok_or(Problem::Forbidden("browsers make no passkeys for an address without a name"))
}

/// The challenge that this session was given; it is no more once it was taken.
async fn challenge(site: &Site, operator: &Operator, purpose: Purpose) -> Result<Value, Problem> {
    let mut conn = site.app.db.acquire().await?;
    let state = challenges::take(&mut conn, &operator.me.session.id, purpose, operator.now).await?;
    state.ok_or(Problem::Passkey("this session has no such challenge under way"))
}

/// A failure as its kind; the log gets the reason.
fn failed(failure: Failure) -> Problem {
    match failure {
        Failure::Internal(error) => Problem::Internal(error),
        other => {
            tracing::debug!(reason = %other, "a passkey was not accepted");
            Problem::Passkey("the passkey was not accepted")
        }
    }
}

/// A name as it is kept: one line, not longer than it may be.
///
/// # Errors
/// 400.
pub(super) fn name(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    if !is_name(text, NAME) {
        return Err(Problem::invalid("name", format!("is one line of 1 to {NAME} characters")));
    }
    Ok(text)
}

/// `POST /account/passkeys/options`: a challenge for a new passkey.
pub(crate) async fn options(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let operator = Operator::of(&site, &headers).await?;
    if !operator.may_register() {
        return Err(Problem::StepUp);
    }
    if operator.keys.len() >= MOST {
        return Err(Problem::conflict("passkeys", format!("are {MOST} already: remove one first")));
    }
    let mut conn = site.app.db.acquire().await?;
    let account = &operator.me.account.id;
    let known = passkeys::credentials(&mut conn, account, false).await?;
    let (options, state) = party(&site)?.register(account, &known).map_err(failed)?;
    challenges::keep(&mut conn, &operator.me.session.id, Purpose::Register, &state, operator.now).await?;
    Ok(told(&options))
}

/// `POST /account/passkeys` with `name`, `credential` and `return_to`: registers what answered the challenge of this session.
pub(crate) async fn add(
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    body: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let operator = Operator::of(&site, &headers).await?;
    let mut body = sent(body)?;
    if !operator.may_register() {
        return Err(Problem::StepUp);
    }
    let (account, session) = (&operator.me.account.id, &operator.me.session.id);
    let state = challenge(&site, &operator, Purpose::Register).await?;
    let credential = party(&site)?.registered(body["credential"].take(), state).map_err(failed)?;
    let name = name(body["name"].as_str().unwrap_or(""))?;
    let mut tx = site.app.db.begin().await?;
    if !passkeys::add(&mut tx, account, name, &credential, operator.now).await? {
        return Err(Problem::conflict("credential", "is registered already"));
    }
    // Whoever registered it has just used it.
    if !sessions::confirmed(&mut tx, session, operator.now).await? {
        return Err(OVER);
    }
    operator.audit(&site, &mut tx, "passkey.add", json!({})).await?;
    let letter = letter(&site, &mut tx, account, "added").await?;
    tx.commit().await?;
    security::event(Event::Passkey, Outcome::Done, "registered");
    site.post(letter);
    // Whoever was on the way to something that wants a passkey goes on.
    let to = body["return_to"].as_str().filter(|to| *to != CONFIRMED);
    let to = site.local(to.or(Some("/account/passkeys?done=added")));
    Ok(told(&json!({ "to": site.onward(&to, site.chosen(&headers)) })))
}

/// `POST /account/passkeys/confirm/options`: a challenge for a passkey that is registered.
pub(crate) async fn confirm_options(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let operator = Operator::or_owner(&site, &headers).await?;
    let mut conn = site.app.db.acquire().await?;
    let known = passkeys::credentials(&mut conn, &operator.me.account.id, true).await?;
    if known.is_empty() {
        return Err(Problem::conflict("passkeys", "are none yet: register one first"));
    }
    let (options, state) = party(&site)?.confirm(&known).map_err(failed)?;
    challenges::keep(&mut conn, &operator.me.session.id, Purpose::Confirm, &state, operator.now).await?;
    Ok(told(&options))
}

/// `POST /account/passkeys/confirm` with `credential` and `return_to`: from now on, for some minutes, this session may do
/// what wants a passkey.
pub(crate) async fn confirm(
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    body: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let operator = Operator::or_owner(&site, &headers).await?;
    let mut body = sent(body)?;
    let (account, session) = (&operator.me.account.id, &operator.me.session.id);
    let state = challenge(&site, &operator, Purpose::Confirm).await?;
    let result = match party(&site)?.confirmed(body["credential"].take(), state) {
        Ok(result) => result,
        Err((Some(id), Failure::Copied)) => return Err(copied(&site, &operator, &id).await?),
        Err((_, failure)) => return Err(failed(failure)),
    };
    let mut tx = site.app.db.begin().await?;
    match passkeys::used(&mut tx, account, &result, operator.now).await? {
        Use::Fine => {}
        Use::Gone => return Err(Problem::Passkey("this passkey was removed")),
        Use::Copied => {
            drop(tx);
            return Err(copied(&site, &operator, result.cred_id().as_slice()).await?);
        }
    }
    if !sessions::confirmed(&mut tx, session, operator.now).await? {
        return Err(OVER);
    }
    operator.audit(&site, &mut tx, "passkey.use", json!({})).await?;
    tx.commit().await?;
    security::event(Event::Passkey, Outcome::Done, "used");
    let to = site.local(body["return_to"].as_str().or(Some(CONFIRMED)));
    Ok(told(&json!({ "to": site.onward(&to, site.chosen(&headers)) })))
}

/// There is a copy of a passkey: it is accepted no more, and its owner is told.
async fn copied(site: &Site, operator: &Operator, id: &[u8]) -> Result<Problem, Problem> {
    let account = &operator.me.account.id;
    let mut tx = site.app.db.begin().await?;
    if let Some(key) = passkeys::refuse(&mut tx, account, id, operator.now).await? {
        operator.audit(site, &mut tx, "passkey.copied", json!({})).await?;
        let letter = letter(site, &mut tx, account, "copied").await?;
        site.marked(Mark::Refused, true, vec![key]).await?;
        tx.commit().await?;
        site.post(letter);
    }
    Ok(Problem::Passkey("there seems to be a copy of this passkey: it is accepted no more"))
}
