//! Challenges under way: bound to a session, short-lived, used once.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// How long whoever is asked may take.
pub const LIFE: TimeDelta = TimeDelta::minutes(2);

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A new passkey.
    Register,
    /// The use of one.
    Confirm,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Confirm => "confirm",
        }
    }
}

/// Keeps a challenge of a session; the one that it had is forgotten.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(
    conn: &mut PgConnection,
    session: &str,
    purpose: Purpose,
    state: &Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into passkey_challenge (session_id, purpose, state, expires_at) values ($1, $2, $3, $4)
         on conflict (session_id) do update set purpose = $2, state = $3, expires_at = $4",
    )
    .bind(session)
    .bind(purpose.as_str())
    .bind(state)
    .bind(now + LIFE)
    .execute(conn)
    .await
    .map(drop)
}

/// The challenge of a session, taken out: whatever comes of it, it is not answered twice.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    conn: &mut PgConnection,
    session: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Value>> {
    let found: Option<(String, Value, DateTime<Utc>)> = sqlx::query_as(
        "delete from passkey_challenge where session_id = $1 returning purpose, state, expires_at",
    )
    .bind(session)
    .fetch_optional(conn)
    .await?;
    Ok(found.filter(|(p, _, until)| p == purpose.as_str() && *until > now).map(|(_, state, _)| state))
}

/// Removes what can be answered no more. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done =
        sqlx::query("delete from passkey_challenge where expires_at <= $1").bind(now).execute(conn).await?;
    Ok(done.rows_affected())
}
