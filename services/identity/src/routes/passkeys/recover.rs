//! Recovery codes: made with a passkey at hand, used when none is left.

use super::operator::Operator;
use super::page;
use crate::here::Site;
use crate::passkeys::{letter, recovery};
use crate::routes::login::{Peer, ip};
use crate::routes::rights::{Fields, Sent};
use crate::{respond, sessions};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kit::Problem;
use kit::security::{self, Event, Outcome};
use serde_json::json;
use std::sync::Arc;

/// `POST /account/passkeys/codes`: new codes, shown here and never again. The older ones work no more.
pub(crate) async fn codes(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let operator = Operator::of(&site, &headers).await?;
    operator.confirmed()?;
    let account = &operator.me.account.id;
    let mut tx = site.app.db.begin().await?;
    let replaced = recovery::of_account(&mut tx, account).await?;
    let codes = recovery::make(&mut tx, account, operator.now).await?;
    operator.audit(&site, &mut tx, "recovery.make", json!({ "codes": codes.len() })).await?;
    let letter = letter(&site, &mut tx, account, "codes").await?;
    site.ended(replaced).await?;
    tx.commit().await?;
    site.post(letter);
    page::with_codes(&site, &headers, operator, codes).await
}

/// `POST /account/passkeys/recover` with `code`: for some minutes a new passkey may be registered. It allows nothing else. A code
/// takes the place of a passkey, not of the login beside it: that has to be as strong as for the first passkey.
pub(crate) async fn recover(
    State(site): State<Arc<Site>>,
    peer: Peer,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    site.throttle.network(ip(&peer), &headers)?;
    let operator = Operator::of(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let code = fields.get("code")?;
    let (account, session) = (&operator.me.account.id, &operator.me.session.id);
    site.throttle.code(account)?;
    let mut tx = site.app.db.begin().await?;
    if !operator.is_strong() {
        operator.audit(&site, &mut tx, "recovery.refused", json!({ "why": "acr" })).await?;
        tx.commit().await?;
        security::event(Event::Recovery, Outcome::Refused, "the login beside it is too weak");
        return respond::see_other("/account/passkeys?done=weak");
    }
    let taken = recovery::take(&mut tx, account, code).await?;
    let (action, done) = match taken {
        true => ("recovery.use", "recovered"),
        false => ("recovery.refused", "no_code"),
    };
    let mut told = None;
    if taken {
        sessions::recovered(&mut tx, session, operator.now).await?;
        told = letter(&site, &mut tx, account, "recovered").await?;
    }
    operator.audit(&site, &mut tx, action, json!({})).await?;
    if taken {
        site.ended(vec![recovery::id(code)]).await?;
    }
    tx.commit().await?;
    match taken {
        true => security::event(Event::Recovery, Outcome::Done, "used"),
        false => security::event(Event::Recovery, Outcome::Refused, "no code of this account"),
    }
    site.post(told);
    respond::see_other(&format!("/account/passkeys?done={done}"))
}
