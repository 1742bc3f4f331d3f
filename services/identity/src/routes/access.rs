//! Tokens, their keys, and what only some may do.

use super::sessions::mine;
use crate::here::Site;
use crate::{accounts, audit, tokens};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use kit::access::{Allowed, Claims, ManageAccounts, ReadAudit};
use kit::{Params, Problem};
use serde_json::json;
use std::sync::Arc;

/// How many entries of the audit one answer has.
const PAGE: i64 = 100;

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
    let passkey = me.session.passkey_at.is_some_and(|at| at > now - site.passkey_age);
    let claims = Claims {
        iss: site.issuer(),
        aud: site.audience(),
        sub: me.account.pseudonym(),
        roles,
        iat: now.timestamp(),
        exp: (now + tokens::LIFE).timestamp(),
        passkey,
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
    let actor = actor(allowed);
    let mut tx = site.app.db.begin().await?;
    let account = accounts::named(&mut tx, id).await?.ok_or(Problem::NotFound("account"))?;
    let (done, action) = match off {
        true => (accounts::disable(&mut tx, id, now).await?, "account.disable"),
        false => (accounts::enable(&mut tx, id).await?, "account.enable"),
    };
    if done {
        site.write(&mut tx, actor, action, &account.pseudonym(), json!({})).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who it is, as the audit names them.
pub(super) fn actor<P>(allowed: &Allowed<P>) -> &str {
    allowed.who.as_ref().map_or("public", |who| who.subject.as_str())
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
    let entries = audit::list(&mut tx, before, PAGE).await?;
    site.write(&mut tx, actor(&allowed), "audit.read", "audit", json!({ "before": before })).await?;
    tx.commit().await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "entries": entries }))).into_response())
}
