//! Two persons: a colleague removes the passkeys of somebody who lost them and the codes too.

use crate::here::Site;
use crate::passkeys::{letter, recovery};
use crate::routes::access::still;
use crate::{accounts, passkeys};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kit::Problem;
use kit::access::{Allowed, ManageAccounts};
use serde_json::json;
use std::sync::Arc;

/// `POST /account/people/{id}/passkeys/reset`: removes all passkeys and recovery codes of somebody else, and ends their
/// sessions. They register anew after a login.
pub(crate) async fn reset(
    allowed: Allowed<ManageAccounts>,
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let now = site.time.now();
    let mut tx = site.app.db.begin().await?;
    let me = still(&site, &mut tx, &allowed).await?;
    let account = accounts::named(&mut tx, &id).await?.ok_or(Problem::NotFound("account"))?;
    if account.id == me.id {
        return Err(Problem::conflict("id", "is your own account: another operator resets your passkeys"));
    }
    let keys = passkeys::of_account(&mut tx, &id).await?;
    let mut ended = recovery::of_account(&mut tx, &id).await?;
    ended.extend(keys.into_iter().map(|key| key.id));
    let gone = passkeys::forget_all(&mut tx, &id, now).await?;
    site.write(&mut tx, &me.pseudonym(), "passkey.reset", &account.pseudonym(), json!(gone)).await?;
    let letter = letter(&site, &mut tx, &id, "reset").await?;
    site.ended(ended).await?;
    tx.commit().await?;
    site.post(letter);
    Ok(StatusCode::NO_CONTENT)
}
