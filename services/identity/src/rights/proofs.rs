//! Links that prove an e-mail address: used once, short-lived, hashed at rest.

use crate::random;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// How long a link can be used.
pub const LINK: TimeDelta = TimeDelta::minutes(10);
/// How long what it opens stays open.
pub const VISIT: TimeDelta = TimeDelta::minutes(30);

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To see what is kept about the address.
    Rights,
    /// What such a link opened.
    Visit,
    /// To make the address that of an account, or of a contact that has another one.
    Address,
    /// To confirm an alert.
    Alert,
}

impl Purpose {
    /// Its word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rights => "rights",
            Self::Visit => "visit",
            Self::Address => "address",
            Self::Alert => "alert",
        }
    }
}

/// What a token proves.
#[derive(Clone, Default, sqlx::FromRow)]
pub struct Proof {
    /// The address.
    pub email: String,
    /// The account that asked.
    pub account_id: Option<String>,
    /// The alert to be confirmed, or the address that is replaced.
    pub wish: Option<Value>,
    /// The request that waits for it.
    pub request_id: Option<String>,
    /// The language of the page that it was asked for on.
    pub language: String,
}

impl std::fmt::Debug for Proof {
    // Without the address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

/// Makes a token for `proof`, which is stored nowhere.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn make(
    conn: &mut PgConnection,
    purpose: Purpose,
    proof: &Proof,
    expires_at: DateTime<Utc>,
) -> anyhow::Result<String> {
    let token = random::secret()?;
    sqlx::query(
        "insert into proof (token_hash, purpose, email, account_id, wish, request_id, language, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(random::hash(&token))
    .bind(purpose.as_str())
    .bind(&proof.email)
    .bind(&proof.account_id)
    .bind(&proof.wish)
    .bind(&proof.request_id)
    .bind(&proof.language)
    .bind(expires_at)
    .execute(conn)
    .await?;
    Ok(token)
}

/// What a token proves, taken out: a second use finds nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    conn: &mut PgConnection,
    purpose: Purpose,
    token: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Proof>> {
    sqlx::query_as(
        "delete from proof where token_hash = $1 and purpose = $2 and expires_at > $3
         returning email, account_id, wish, request_id, language",
    )
    .bind(random::hash(token))
    .bind(purpose.as_str())
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// The address that a visit is about, while it lasts.
///
/// # Errors
/// When the database does not answer.
pub async fn visit(conn: &mut PgConnection, token: &str, now: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "select email from proof where token_hash = $1 and purpose = 'visit' and expires_at > $2",
    )
    .bind(random::hash(token))
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// An address was replaced by another one: the visit `here`, the one of the browser in which that was done, goes on under the new
/// one. Whatever else the old one opened is over: who reads the old mailbox may be somebody else by now.
///
/// # Errors
/// When the database does not answer.
pub async fn moved(conn: &mut PgConnection, old: &str, new: &str, here: Option<&str>) -> sqlx::Result<()> {
    let here = here.map(random::hash);
    let others = "delete from proof where email = $1 and purpose in ('rights', 'visit') and token_hash is distinct from $2";
    sqlx::query(others).bind(old).bind(&here).execute(&mut *conn).await?;
    sqlx::query("update proof set email = $2 where email = $1 and purpose = 'visit'")
        .bind(old)
        .bind(new)
        .execute(conn)
        .await
        .map(drop)
}

/// Ends a visit.
///
/// # Errors
/// When the database does not answer.
pub async fn end(conn: &mut PgConnection, token: &str) -> sqlx::Result<()> {
    sqlx::query("delete from proof where token_hash = $1")
        .bind(random::hash(token))
        .execute(conn)
        .await
        .map(drop)
}

/// Ends every link and visit, requests that waited for one are closed as lapsed: after a restore, when some of them are of persons
/// who were erased since, and some were used already. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    sqlx::query("update proof set expires_at = least(expires_at, $1)").bind(now).execute(&mut *conn).await?;
    sweep(conn, now).await
}

/// Removes what can be used no more; requests that waited for it are closed as lapsed. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "with over as (delete from proof where expires_at <= $1 returning request_id),
              lapsed as (update request set done_at = $1, outcome = 'lapsed'
                          where id in (select request_id from over) and done_at is null)
         select 1 from over",
    )
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
