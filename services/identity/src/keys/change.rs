//! Making, replacing and revoking keys in the caller's transaction, each with its entry in the audit, by the audit's own
//! credential where there is one.

use super::{COLUMNS, Key, owner};
use crate::accounts::{self, Account};
use crate::rights::Held;
use crate::{audit, random};
use chrono::{DateTime, TimeDelta, Utc};
use kit::keys::{format, hash};
use serde_json::json;
use sqlx::PgConnection;

/// Characters by which its owner knows a key again.
const ENDING: usize = 4;

/// What a new key is made for.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The country, as keys name it.
    pub country: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
    /// What it is made for.
    pub scopes: &'a [String],
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Makes a key and returns its id and the key itself, which is stored nowhere. `None`: the account has `most` that stand.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn create(
    (conn, trail): (&mut PgConnection, Option<&audit::Own>),
    account: &Account,
    new: &New<'_>,
    most: u32,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<(String, String)>> {
    if standing(&mut *conn, account, now).await? >= i64::from(most) {
        return Ok(None);
    }
    let made = insert(&mut *conn, account, new, now).await?;
    let detail = json!({ "key": made.0, "scopes": new.scopes, "expires_at": new.expires_at });
    let who = account.pseudonym();
    audit::write(conn, trail, now, &who, "key.create", &who, detail).await?;
    Ok(Some(made))
}

/// How many keys of the account stand. Of two who ask at once the second waits for the first one's end, or both would find room.
async fn standing(conn: &mut PgConnection, account: &Account, now: DateTime<Utc>) -> sqlx::Result<i64> {
    accounts::hold(&mut *conn, &account.id, Held::Alone).await?;
    let count =
        "select count(*) from api_key where account_id = $1 and revoked_at is null and expires_at > $2";
    sqlx::query_scalar(count).bind(&account.id).bind(now).fetch_one(conn).await
}

async fn insert(
    conn: &mut PgConnection,
    account: &Account,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<(String, String)> {
    let key = format::compose(new.country, || random::bytes::<1>().map(|[byte]| byte))?;
    let id = random::word::<16>()?;
    sqlx::query(
        "insert into api_key (id, account_id, name, hash, ending, scopes, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&id)
    .bind(&account.id)
    .bind(new.name)
    .bind(hash(&key).as_slice())
    .bind(&key[key.len() - ENDING..])
    .bind(new.scopes)
    .bind(now)
    .bind(new.expires_at)
    .execute(conn)
    .await?;
    Ok((id, key))
}

/// A key in another one's place.
#[derive(Clone)]
pub struct Replaced {
    /// The new one, which is stored nowhere.
    pub key: String,
    /// What its owner calls both.
    pub name: String,
    /// When the new one ends.
    pub expires_at: DateTime<Utc>,
    /// When the old one ends.
    pub old_ends_at: DateTime<Utc>,
}

impl std::fmt::Debug for Replaced {
    // Without the key, and without the name that its owner gave it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replaced").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What came of replacing a key.
#[derive(Debug, Clone)]
pub enum Rotation {
    /// Both stand.
    Done(Replaced),
    /// The account has no such key that stands and was not replaced.
    Absent,
    /// Too many stand, those that go on beside their successors among them: replacing is no way around the limit.
    Many,
}

/// How long keys live.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// A replaced one, beside its successor.
    pub overlap: TimeDelta,
    /// Any.
    pub longest: TimeDelta,
}

/// Makes a key with the name, the scopes and the length of life of the account's key `id`, which ends after the overlap, or earlier
/// by itself. Twice `most` may stand, so that all can be replaced.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn rotate(
    (conn, trail): (&mut PgConnection, Option<&audit::Own>),
    account: &Account,
    id: &str,
    country: &str,
    (times, most): (Times, u32),
    now: DateTime<Utc>,
) -> anyhow::Result<Rotation> {
    let standing = standing(&mut *conn, account, now).await?;
    let query = format!(
        "select {COLUMNS} from api_key k where k.id = $1 and k.account_id = $2
            and k.revoked_at is null and k.expires_at > $3 and k.replaced_by is null for update"
    );
    let old: Option<Key> = sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(id)
        .bind(&account.id)
        .bind(now)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(old) = old else { return Ok(Rotation::Absent) };
    if standing >= i64::from(most) * 2 {
        return Ok(Rotation::Many);
    }
    let expires_at = now + (old.expires_at - old.created_at).min(times.longest);
    let new = New { country, name: &old.name, scopes: &old.scopes, expires_at };
    let (next, key) = insert(&mut *conn, account, &new, now).await?;
    let old_ends_at = old.expires_at.min(now + times.overlap);
    let ended = sqlx::query("update api_key set replaced_by = $2, expires_at = $3 where id = $1");
    ended.bind(&old.id).bind(&next).bind(old_ends_at).execute(&mut *conn).await?;
    let who = account.pseudonym();
    let detail = json!({ "key": old.id, "by": next, "old_ends_at": old_ends_at, "expires_at": expires_at });
    audit::write(conn, trail, now, &who, "key.rotate", &who, detail).await?;
    Ok(Rotation::Done(Replaced { key, name: old.name, expires_at, old_ends_at }))
}

/// Revokes the account's key `id`, at once. `false`: it has no such key, or it was revoked already.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(
    (conn, trail): (&mut PgConnection, Option<&audit::Own>),
    account: &Account,
    id: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update api_key set revoked_at = $3 where id = $1 and account_id = $2 and revoked_at is null",
    )
    .bind(id)
    .bind(&account.id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let who = account.pseudonym();
    audit::write(conn, trail, now, &who, "key.revoke", &who, json!({ "key": id })).await.map(|()| true)
}

/// Revokes every key that stands in `text`, whosever it is: what leaked. Returns the ids of those that were revoked.
///
/// # Errors
/// When the database does not answer.
pub async fn leaked(
    (conn, trail): (&mut PgConnection, Option<&audit::Own>),
    text: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<String>> {
    let hashes: Vec<Vec<u8>> = format::found_in(text).map(|key| hash(key).to_vec()).collect();
    let ids: Vec<String> = sqlx::query_scalar("select id from api_key where hash = any($1)")
        .bind(hashes)
        .fetch_all(&mut *conn)
        .await?;
    end_these((conn, trail), &ids, "leaked", now).await
}

/// Revokes the keys of an account, all or those with this ending. Returns the ids of those that were revoked.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all(
    (conn, trail): (&mut PgConnection, Option<&audit::Own>),
    account: &str,
    ending: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<String>> {
    accounts::hold(&mut *conn, account, Held::Alone).await?;
    let ids: Vec<String> = sqlx::query_scalar(
        "select id from api_key where account_id = $1 and ($2::text is null or ending = $2)",
    )
    .bind(account)
    .bind(ending)
    .fetch_all(&mut *conn)
    .await?;
    end_these((conn, trail), &ids, "operator", now).await
}

/// Revokes these keys. Returns the ids of those that were revoked.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn end_these(
    (conn, trail): (&mut PgConnection, Option<&audit::Own>),
    ids: &[String],
    why: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<String>> {
    let mut revoked = Vec::new();
    for id in ids {
        let done = sqlx::query("update api_key set revoked_at = $2 where id = $1 and revoked_at is null");
        if done.bind(id).bind(now).execute(&mut *conn).await?.rows_affected() == 0 {
            continue;
        }
        if let Some(account) = owner(&mut *conn, id).await? {
            let detail = json!({ "key": id, "why": why });
            audit::write(&mut *conn, trail, now, "command", "key.revoke", &account.pseudonym(), detail)
                .await?;
        }
        revoked.push(id.clone());
    }
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_takes_anothers_place_is_not_shown_by_debug() {
        let at = DateTime::UNIX_EPOCH;
        let new = Replaced { key: "canary".into(), name: "canary".into(), expires_at: at, old_ends_at: at };
        let shown = format!("{:?}", Rotation::Done(new));
        assert!(shown.contains("1970") && !shown.contains("canary"), "{shown}");
    }
}
