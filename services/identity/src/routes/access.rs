//! Tokens, their keys, and what only some may do.

use super::sessions::mine;
use crate::accounts::{self, Account};
use crate::here::Site;
use crate::rights::list::Mark;
use crate::{audit, sessions, tokens};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use kit::access::{Allowed, Claims, ManageAccounts, Permission, ReadAudit};
use kit::security::{self, Event, Outcome};
use kit::{Params, Problem};
use serde_json::json;
use sqlx::PgConnection;
use std::sync::Arc;

/// How many entries of the audit one answer has.
pub(super) const PAGE: i64 = 100;

/// `GET /oidc/jwks.json`: the keys that other services check tokens with.
pub(crate) async fn keys(State(site): State<Arc<Site>>) -> Result<Response, Problem> {
    let keys = tokens::keys(&site.app.db, site.time.now()).await?;
    Ok(([(CACHE_CONTROL, "no-cache")], Json(keys)).into_response())
}

/// `POST /account/token`: a token for a minute, with the roles that whoever is logged in has now.
pub(crate) async fn token(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let me = mine(&site, &headers).await?;
    if !me.account.is_usable() {
        return Err(Problem::Forbidden(
            "you asked that what is kept of you is not used: /account/rights lifts it",
        ));
    }
    let now = site.time.now();
    let mut conn = site.app.db.acquire().await?;
    let roles = accounts::roles(&mut conn, &me.account.id, now).await?;
    drop(conn);
    let passkey = me.session.confirmed_after(now - site.passkey_age);
    let claims = Claims {
        iss: site.issuer(),
        aud: site.audience(),
        sub: me.account.pseudonym(),
        roles,
        iat: now.timestamp(),
        exp: (now + tokens::LIFE).timestamp(),
        passkey,
        jti: None,
    };
    let token = site.signer.sign(&site.app.db, &claims, now).await?;
    let body =
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": tokens::LIFE.num_seconds() });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `POST /account/people/{id}/disable`: all sessions of the account end at once.
pub(crate) async fn disable(
    allowed: Allowed<ManageAccounts>,
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    switch(&site, &allowed, &id, true).await
}

/// `POST /account/people/{id}/enable`.
pub(crate) async fn enable(
    allowed: Allowed<ManageAccounts>,
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    switch(&site, &allowed, &id, false).await
}

async fn switch(
    site: &Site,
    allowed: &Allowed<ManageAccounts>,
    id: &str,
    off: bool,
) -> Result<StatusCode, Problem> {
    let now = site.time.now();
    let mut tx = site.app.db.begin().await?;
    let me = still(site, &mut tx, allowed).await?;
    let account = accounts::named(&mut tx, id).await?.ok_or(Problem::NotFound("account"))?;
    if account.id == me.id {
        return Err(Problem::conflict("id", "is your own account: another operator disables or enables it"));
    }
    let (done, action) = match off {
        true => (accounts::disable(&mut tx, id, now).await?, "account.disable"),
        false => (accounts::enable(&mut tx, id).await?, "account.enable"),
    };
    if done {
        site.write(&mut tx, &me.pseudonym(), action, &account.pseudonym(), json!({})).await?;
    }
    if done && off {
        site.marked(Mark::Disabled, true, vec![account.id.clone()]).await?;
    }
    tx.commit().await?;
    if !off {
        // Also where it was enabled already: the list may not have been there to write to then.
        site.marked(Mark::Disabled, false, vec![account.id.clone()]).await?;
    }
    if done && off {
        let why = "the account was disabled, and all its sessions ended";
        security::event_of(Some(&account.pseudonym()), Event::Session, Outcome::Done, why);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The account of whoever sent the token, if they may do `P` now. A token is good for a minute, and in that minute an account may
/// be disabled, a role taken away, a session ended, passkeys reset: this is the service that knows.
///
/// # Errors
/// 403 when the account or its role is gone; 401 when no session of it is left, or none in which a passkey was used lately.
pub(super) async fn still<P: Permission>(
    site: &Site,
    conn: &mut PgConnection,
    allowed: &Allowed<P>,
) -> Result<Account, Problem> {
    let now = site.time.now();
    let subject = allowed.who.as_ref().map_or("", |who| who.subject.as_str());
    let with_role = accounts::with_roles(&mut *conn, &site.policy.roles_for(P::NAME), now).await?;
    let me = with_role.into_iter().find(|account| account.pseudonym() == subject);
    let me = me.filter(Account::is_usable).ok_or(Problem::Forbidden("you may not do this any more"))?;
    let living = sessions::of_account(conn, &me.id, site.app.profile.identity.session, now).await?;
    // What was confirmed when the token was made counts to the token's end.
    let since = now - site.passkey_age - tokens::LIFE;
    let wanted = site.policy.wants_passkey(P::NAME);
    if living.iter().any(|s| !wanted || s.confirmed_after(since)) {
        return Ok(me);
    }
    Err(if living.is_empty() { Problem::Unauthorized("your session is over") } else { Problem::StepUp })
}

/// `GET /account/audit?before=17`: what was done, the newest first. That it was read is the next entry.
pub(crate) async fn audit(
    allowed: Allowed<ReadAudit>,
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let params = Params::parse(query.as_deref(), &["before"])?;
    let before = params.read("before", "the number of an entry")?;
    let mut tx = site.app.db.begin().await?;
    let me = still(&site, &mut tx, &allowed).await?;
    let entries = read(&site, &mut tx, &me, before).await?;
    tx.commit().await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "entries": entries }))).into_response())
}

/// A page of the audit, and the entry that says who read it.
pub(super) async fn read(
    site: &Site,
    conn: &mut PgConnection,
    reader: &Account,
    before: Option<i64>,
) -> sqlx::Result<Vec<audit::Entry>> {
    let entries = audit::list(&mut *conn, before, PAGE).await?;
    site.write(conn, &reader.pseudonym(), "audit.read", "audit", json!({ "before": before })).await?;
    Ok(entries)
}
