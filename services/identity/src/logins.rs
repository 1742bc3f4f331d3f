//! Logins under way.

use crate::random;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A login that waits for the provider's answer.
#[derive(Clone, sqlx::FromRow)]
pub struct Login {
    /// The provider's id in the profile.
    pub provider: String,
    /// What the ID token must carry.
    pub nonce: String,
    /// What proves at the token address that we began, where the provider knows PKCE.
    pub pkce_verifier: Option<String>,
    /// Where the person was going: a path of this site.
    pub return_to: String,
    /// The language of the page that they came from.
    pub language: String,
}

impl std::fmt::Debug for Login {
    // Nonce and verifier are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("provider", &self.provider)
            .field("return_to", &self.return_to)
            .finish_non_exhaustive()
    }
}

/// Keeps a login until `expires_at`; `state` travels through the provider, `browser` stays in the browser.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(
    conn: &mut PgConnection,
    state: &str,
    browser: &str,
    login: &Login,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into login (state_hash, browser_hash, provider, nonce, pkce_verifier, return_to, language, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(random::hash(state))
    .bind(random::hash(browser))
    .bind(&login.provider)
    .bind(&login.nonce)
    .bind(&login.pkce_verifier)
    .bind(&login.return_to)
    .bind(&login.language)
    .bind(expires_at)
    .execute(conn)
    .await
    .map(drop)
}

/// Takes the login of `state` out, if this browser began it and it did not expire: a second answer finds nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    conn: &mut PgConnection,
    state: &str,
    browser: &str,
    provider: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Login>> {
    sqlx::query_as(
        "delete from login where state_hash = $1 and browser_hash = $2 and provider = $3 and expires_at > $4
         returning provider, nonce, pkce_verifier, return_to, language",
    )
    .bind(random::hash(state))
    .bind(random::hash(browser))
    .bind(provider)
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// Has this browser more logins under way?
///
/// # Errors
/// When the database does not answer.
pub async fn more(conn: &mut PgConnection, browser: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from login where browser_hash = $1 and expires_at > $2)")
        .bind(random::hash(browser))
        .bind(now)
        .fetch_one(conn)
        .await
}

/// Removes the logins that nobody finished. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query("delete from login where expires_at <= $1").bind(now).execute(conn).await?;
    Ok(done.rows_affected())
}
