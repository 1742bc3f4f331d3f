//! Accounts and what they were given. One query a function.

use crate::pseudonyms::PersonKey;
use crate::random;
use crate::rights::Held;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

/// Somebody, as far as is known here.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// What the person may quote.
    pub id: String,
    /// Which provider vouches.
    pub provider: String,
    /// Makes what the audit calls the person.
    pub key: PersonKey,
    /// Since when there is an account.
    pub created_at: DateTime<Utc>,
    /// Since when it cannot be used.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when the person wants it kept and not used.
    pub restricted_at: Option<DateTime<Utc>>,
    /// Since when the person objects to its use.
    pub objected_at: Option<DateTime<Utc>>,
}

impl Account {
    /// What the audit calls the person.
    #[must_use]
    pub fn pseudonym(&self) -> String {
        self.key.pseudonym()
    }

    /// May what the account is allowed be used?
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.disabled_at.is_none() && self.restricted_at.is_none() && self.objected_at.is_none()
    }
}

const COLUMNS: &str = "id, provider, key, created_at, disabled_at, restricted_at, objected_at";

/// The account of `subject` at `issuer`, made when it is the first login.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn of_subject(
    conn: &mut PgConnection,
    provider: &str,
    issuer: &str,
    subject: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Account> {
    let (id, key) = (random::word::<16>()?, PersonKey::new()?);
    sqlx::query(
        "insert into account (id, provider, issuer, subject, key, created_at, seen_at) values ($1, $2, $3, $4, $5, $6, $6)
         on conflict (issuer, subject) do update set seen_at = excluded.seen_at",
    )
    .bind(id)
    .bind(provider)
    .bind(issuer)
    .bind(subject)
    .bind(key)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    let query = format!("select {COLUMNS} from account where issuer = $1 and subject = $2");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(issuer)
        .bind(subject)
        .fetch_one(conn)
        .await
        .context("an account that was just made is not there")
}

/// The account named `id`.
///
/// # Errors
/// When the database does not answer.
pub async fn named(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Account>> {
    let query = format!("select {COLUMNS} from account where id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(id).fetch_optional(conn).await
}

/// The accounts that have one of `roles` now.
///
/// # Errors
/// When the database does not answer.
pub async fn with_roles(
    conn: &mut PgConnection,
    roles: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Account>> {
    let query = format!(
        "select {COLUMNS} from account where id in (select account_id from role_grant
          where role = any($1) and (expires_at is null or expires_at > $2)) order by id"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(roles).bind(now).fetch_all(conn).await
}

/// Lets whatever is being added to an account be there first, or wait until the caller's transaction is over: what is to end with the
/// rest does not slip through beside it. `false`: there is no such account any more.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn hold(conn: &mut PgConnection, id: &str, held: Held) -> sqlx::Result<bool> {
    let query = match held {
        Held::Alone => "select id from account where id = $1 for update",
        Held::Together => "select id from account where id = $1 for share",
    };
    Ok(sqlx::query(query).bind(id).fetch_optional(conn).await?.is_some())
}

/// Disables an account and ends all its sessions, both or neither. `false`: there is no such account, or it was disabled.
///
/// # Errors
/// When the database does not answer.
pub async fn disable(conn: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let mut tx = conn.begin().await?;
    let gone = sqlx::query("update account set disabled_at = $2 where id = $1 and disabled_at is null")
        .bind(id)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    // A statement of its own: the first one waits for a login that is under way, whose session it could not see.
    sqlx::query(
        "update session set ended_at = $2, end_reason = 'disabled', logout_hint = null
          where account_id = $1 and ended_at is null and $3",
    )
    .bind(id)
    .bind(now)
    .bind(gone.rows_affected() > 0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(gone.rows_affected() > 0)
}

/// Lets a disabled account be used again. `false`: there is no such account, or it was not disabled.
///
/// # Errors
/// When the database does not answer.
pub async fn enable(conn: &mut PgConnection, id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("update account set disabled_at = null where id = $1 and disabled_at is not null")
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// The roles that an account has now, beside `public`, in the order of their names.
///
/// # Errors
/// When the database does not answer.
pub async fn roles(conn: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "select role from role_grant where account_id = $1 and (expires_at is null or expires_at > $2) order by role",
    )
    .bind(id)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// Gives a role, until `expires_at` where that is said; given once more, the newer end counts.
///
/// # Errors
/// When the database does not answer or there is no such account.
pub async fn grant(
    conn: &mut PgConnection,
    id: &str,
    role: &str,
    by: &str,
    now: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into role_grant (account_id, role, granted_at, granted_by, expires_at) values ($1, $2, $3, $4, $5)
         on conflict (account_id, role) do update set granted_at = $3, granted_by = $4, expires_at = $5",
    )
    .bind(id)
    .bind(role)
    .bind(now)
    .bind(by)
    .bind(expires_at)
    .execute(conn)
    .await
    .map(drop)
}

/// Account, role and end of every role that is given.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn grants(
    conn: &mut PgConnection,
) -> sqlx::Result<Vec<(String, String, Option<DateTime<Utc>>)>> {
    sqlx::query_as("select account_id, role, expires_at from role_grant order by account_id, role")
        .fetch_all(conn)
        .await
}

/// Takes a role away. `false`: the account did not have it.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(conn: &mut PgConnection, id: &str, role: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("delete from role_grant where account_id = $1 and role = $2")
        .bind(id)
        .bind(role)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}
