//! Another name for a passkey, or its end.

use super::ceremony;
use super::operator::Operator;
use crate::here::Site;
use crate::passkeys::{self, letter, recovery};
use crate::respond;
use crate::routes::rights::{Fields, Sent};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kit::Problem;
use serde_json::json;
use std::sync::Arc;

/// `POST /account/passkeys/{id}/name` with `name`.
pub(crate) async fn name(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let operator = Operator::or_owner(&site, &headers).await?;
    let fields = Fields::of(sent)?;
    let name = ceremony::name(fields.get("name")?)?;
    operator.changes()?;
    let mut tx = site.app.db.begin().await?;
    if !passkeys::rename(&mut tx, &operator.me.account.id, &id, name).await? {
        return Err(Problem::NotFound("passkey"));
    }
    operator.audit(&site, &mut tx, "passkey.rename", json!({})).await?;
    tx.commit().await?;
    respond::see_other("/account/passkeys?done=named")
}

/// `POST /account/passkeys/{id}/remove`.
pub(crate) async fn remove(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let operator = Operator::or_owner(&site, &headers).await?;
    operator.changes()?;
    let account = &operator.me.account.id;
    let mut tx = site.app.db.begin().await?;
    let mut ended = recovery::of_account(&mut tx, account).await?;
    if !passkeys::remove(&mut tx, account, &id).await? {
        return Err(Problem::NotFound("passkey"));
    }
    operator.audit(&site, &mut tx, "passkey.remove", json!({})).await?;
    let letter = letter(&site, &mut tx, account, "removed").await?;
    // The codes go with the last passkey.
    let left = recovery::of_account(&mut tx, account).await?;
    ended.retain(|code| !left.contains(code));
    ended.push(id);
    site.ended(ended).await?;
    tx.commit().await?;
    site.post(letter);
    // Who has none left and no such role has nothing to do there any more.
    let there = operator.operates || operator.keys.len() > 1;
    respond::see_other(if there { "/account/passkeys?done=removed" } else { "/account?done=passkey" })
}
