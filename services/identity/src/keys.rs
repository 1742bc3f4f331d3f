//! API keys: made once, kept as SHA-256, looked up by it. One query a function.
//!
//! A look-up by hash takes the same time for a wrong key as far as anybody outside can tell: what an index compares are hashes, and
//! nobody can choose a key by its hash.

mod change;

pub(crate) use change::end_these;
pub use change::{New, Replaced, Rotation, Times, create, end_all, leaked, revoke, rotate};

use crate::accounts::Account;
use crate::pseudonyms::PersonKey;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

/// How exact `last_used_at` is.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);
const COLUMNS: &str = "k.id, k.name, k.ending, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.replaced_by, k.revoked_at";

/// A key as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Key {
    /// Names it; opens nothing.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Its last four characters.
    pub ending: String,
    /// What it is made for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The key that took its place.
    pub replaced_by: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key that stands.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Standing {
    #[sqlx(flatten)]
    pub(crate) key: Key,
    owner: PersonKey,
}

impl Standing {
    /// Its owner as `service` knows them: the same for all keys of an account and none of what stands in the audit or elsewhere.
    pub(crate) fn owner_for(&self, service: &str) -> String {
        self.owner.word(&format!("keys of {service}"))
    }
}

/// How it is with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It stands.
    Active,
    /// It stands until its end, beside the one that replaces it.
    Replaced,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl Key {
    /// How it is with it at `now`.
    #[must_use]
    pub fn state(&self, now: DateTime<Utc>) -> State {
        match self {
            Self { revoked_at: Some(_), .. } => State::Revoked,
            Self { expires_at, .. } if *expires_at <= now => State::Expired,
            Self { replaced_by: Some(_), .. } => State::Replaced,
            _ => State::Active,
        }
    }
}

/// The keys of an account, the newest first, those that ended among them as long as they are kept.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(conn: &mut PgConnection, account: &str) -> sqlx::Result<Vec<Key>> {
    let query =
        format!("select {COLUMNS} from api_key k where k.account_id = $1 order by k.created_at desc, k.id");
    sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(account).fetch_all(conn).await
}

/// The key with this SHA-256, if it stands and its owner may have it: the account is usable and has one of `roles` now.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn of_hash(
    conn: &mut PgConnection,
    hash: &[u8],
    roles: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Standing>> {
    let query = format!(
        "select {COLUMNS}, a.key as owner from api_key k join account a on a.id = k.account_id
          where k.hash = $1 and k.revoked_at is null and k.expires_at > $2
            and a.disabled_at is null and a.restricted_at is null and a.objected_at is null
            and exists (select from role_grant g where g.account_id = a.id and g.role = any($3)
                           and (g.expires_at is null or g.expires_at > $2))"
    );
    let found: Option<Standing> = sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(hash)
        .bind(now)
        .bind(roles)
        .fetch_optional(&mut *conn)
        .await?;
    let key = found.as_ref().map(|f| &f.key);
    if let Some(key) = key.filter(|k| k.last_used_at.is_none_or(|at| now - at >= USED_EVERY)) {
        let used = sqlx::query("update api_key set last_used_at = $2 where id = $1");
        used.bind(&key.id).bind(now).execute(conn).await?;
    }
    Ok(found)
}

/// Whose key it is.
///
/// # Errors
/// When the database does not answer.
pub async fn owner(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Account>> {
    let account: Option<String> = sqlx::query_scalar("select account_id from api_key where id = $1")
        .bind(id)
        .fetch_optional(&mut *conn)
        .await?;
    match account {
        Some(account) => crate::accounts::named(conn, &account).await,
        None => Ok(None),
    }
}

/// Removes the keys that ended before `before`. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query("delete from api_key where least(expires_at, revoked_at) < $1").bind(before);
    Ok(done.execute(conn).await?.rows_affected())
}
