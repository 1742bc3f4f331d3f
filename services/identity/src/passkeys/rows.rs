//! The passkeys of an account. One query a function.

use crate::rights::Held;
use crate::{accounts, random};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use webauthn_rs::prelude::{AuthenticationResult, Passkey as Credential};

/// A passkey as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Passkey {
    /// Names it in the list; opens nothing.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub used_at: Option<DateTime<Utc>>,
    /// Since when it is not accepted any more: there is a copy of it.
    pub refused_at: Option<DateTime<Utc>>,
}

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(conn: &mut PgConnection, account: &str) -> sqlx::Result<Vec<Passkey>> {
    sqlx::query_as(
        "select id, name, created_at, used_at, refused_at from passkey where account_id = $1 order by created_at, id",
    )
    .bind(account)
    .fetch_all(conn)
    .await
}

/// The same for the library; of those that are accepted only, if `accepted`.
///
/// # Errors
/// When the database does not answer, or holds what the library cannot read.
pub(crate) async fn credentials(
    conn: &mut PgConnection,
    account: &str,
    accepted: bool,
) -> anyhow::Result<Vec<Credential>> {
    let rows: Vec<serde_json::Value> = sqlx::query_scalar(
        "select credential from passkey where account_id = $1 and (refused_at is null or not $2) order by created_at, id",
    )
    .bind(account)
    .bind(accepted)
    .fetch_all(conn)
    .await?;
    let read = |row| serde_json::from_value(row).context("a passkey cannot be read");
    rows.into_iter().map(read).collect()
}

/// Adds one. `false`: it is registered already, here or by another account.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn add(
    conn: &mut PgConnection,
    account: &str,
    name: &str,
    credential: &Credential,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let done = sqlx::query(
        "insert into passkey (id, account_id, credential_id, credential, counter, name, created_at)
         values ($1, $2, $3, $4, 0, $5, $6) on conflict (credential_id) do nothing",
    )
    .bind(random::word::<16>()?)
    .bind(account)
    .bind(credential.cred_id().as_slice())
    .bind(serde_json::to_value(credential)?)
    .bind(name)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What came of the use of a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is written down.
    Fine,
    /// The account has none such: it was removed meanwhile, or is not accepted any more.
    Gone,
    /// Another use counted as far meanwhile: there is a copy.
    Copied,
}

/// Writes down that a passkey was used, within the caller's transaction.
///
/// # Errors
/// When the database does not answer, or holds what the library cannot read.
pub(crate) async fn used(
    conn: &mut PgConnection,
    account: &str,
    result: &AuthenticationResult,
    now: DateTime<Utc>,
) -> anyhow::Result<Use> {
    let found: Option<(String, serde_json::Value, i64)> = sqlx::query_as(
        "select id, credential, counter from passkey
          where account_id = $1 and credential_id = $2 and refused_at is null for update",
    )
    .bind(account)
    .bind(result.cred_id().as_slice())
    .fetch_optional(&mut *conn)
    .await?;
    let Some((id, credential, counter)) = found else { return Ok(Use::Gone) };
    let counted = i64::from(result.counter());
    if (counted > 0 || counter > 0) && counted <= counter {
        return Ok(Use::Copied);
    }
    let mut credential: Credential = serde_json::from_value(credential)?;
    credential.update_credential(result);
    sqlx::query("update passkey set credential = $2, counter = $3, used_at = $4 where id = $1")
        .bind(id)
        .bind(serde_json::to_value(&credential)?)
        .bind(counted)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(Use::Fine)
}

/// Accepts a passkey no more: there is a copy of it. What was confirmed with any of the account's, by whomever, has to be
/// confirmed again. Returns its id; `None`: the account has none such.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn refuse(
    conn: &mut PgConnection,
    account: &str,
    credential_id: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let id = sqlx::query_scalar(
        "update passkey set refused_at = $3 where account_id = $1 and credential_id = $2 and refused_at is null returning id",
    )
    .bind(account)
    .bind(credential_id)
    .bind(now)
    .fetch_optional(&mut *conn)
    .await?;
    unconfirmed(conn, account).await?;
    Ok(id)
}

/// The same, of the passkey with this id: by the list of erasures.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn refuse_by_id(
    conn: &mut PgConnection,
    account: &str,
    id: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mark = sqlx::query("update passkey set refused_at = $2 where id = $1").bind(id).bind(now);
    mark.execute(&mut *conn).await?;
    unconfirmed(conn, account).await
}

/// Gives one of one's passkeys another name. `false`: the account has none such.
///
/// # Errors
/// When the database does not answer.
pub async fn rename(conn: &mut PgConnection, account: &str, id: &str, name: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("update passkey set name = $3 where account_id = $1 and id = $2")
        .bind(account)
        .bind(id)
        .bind(name)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes one of one's passkeys; with the last one the recovery codes go too. What was confirmed with any of them has to
/// be confirmed again. `false`: the account has none such.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(conn: &mut PgConnection, account: &str, id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from passkey where account_id = $1 and id = $2")
        .bind(account)
        .bind(id)
        .execute(&mut *conn)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "delete from recovery_code where account_id = $1 and not exists (select 1 from passkey where account_id = $1)",
    )
    .bind(account)
    .execute(&mut *conn)
    .await?;
    unconfirmed(conn, account).await?;
    Ok(true)
}

/// In no session of the account was a passkey or a recovery code used.
async fn unconfirmed(conn: &mut PgConnection, account: &str) -> sqlx::Result<()> {
    sqlx::query("update session set passkey_at = null, recovered_at = null where account_id = $1")
        .bind(account)
        .execute(conn)
        .await
        .map(drop)
}

/// What was removed and ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    /// Passkeys.
    pub passkeys: u64,
    /// Recovery codes.
    pub codes: u64,
    /// Sessions that had not ended.
    pub sessions: u64,
}

/// Removes all passkeys and recovery codes of an account and ends its sessions.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_all(
    conn: &mut PgConnection,
    account: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Forgotten> {
    accounts::hold(&mut *conn, account, Held::Alone).await?;
    let passkeys =
        sqlx::query("delete from passkey where account_id = $1").bind(account).execute(&mut *conn).await?;
    let codes = sqlx::query("delete from recovery_code where account_id = $1")
        .bind(account)
        .execute(&mut *conn)
        .await?;
    let sessions = sqlx::query(
        "update session set ended_at = $2, end_reason = 'reset', logout_hint = null, passkey_at = null, recovered_at = null
          where account_id = $1 and ended_at is null",
    )
    .bind(account)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(Forgotten {
        passkeys: passkeys.rows_affected(),
        codes: codes.rows_affected(),
        sessions: sessions.rows_affected(),
    })
}
