//! Who agreed to what. Rows are only added; each names the text that was shown by its hash.

use crate::random;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Somebody agreed to `text`, as it was shown.
///
/// # Errors
/// When the database does not answer.
pub async fn given(
    conn: &mut PgConnection,
    who: &str,
    purpose: &str,
    (language, text): (&str, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let hash = random::hash(text);
    sqlx::query(
        "insert into consent_text (hash, language, text, shown_at) values ($1, $2, $3, $4) on conflict (hash) do nothing",
    )
    .bind(&hash)
    .bind(language)
    .bind(text)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query("insert into consent (who, purpose, given, text_hash, at) values ($1, $2, true, $3, $4)")
        .bind(who)
        .bind(purpose)
        .bind(hash)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
}

/// Somebody no longer agrees.
///
/// # Errors
/// When the database does not answer.
pub async fn withdrawn(
    conn: &mut PgConnection,
    who: &str,
    purpose: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query("insert into consent (who, purpose, given, at) values ($1, $2, false, $3)")
        .bind(who)
        .bind(purpose)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
}

/// Does somebody agree now? The last word counts.
///
/// # Errors
/// When the database does not answer.
pub async fn stands(conn: &mut PgConnection, who: &str, purpose: &str) -> sqlx::Result<bool> {
    let last: Option<bool> = sqlx::query_scalar(
        "select given from consent where who = $1 and purpose = $2 order by id desc limit 1",
    )
    .bind(who)
    .bind(purpose)
    .fetch_optional(conn)
    .await?;
    Ok(last.unwrap_or(false))
}
