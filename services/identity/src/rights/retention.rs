//! Retention: what is older than the country's days goes. The days are data of the profile.

use super::Person;
use super::erase::{self, By};
use crate::{audit, keys, sessions};
use chrono::{DateTime, TimeDelta, Utc};
use domain::profile::identity::SessionLimits;
use domain::profile::law::Keep;
use serde_json::json;
use sqlx::PgConnection;

/// How many rows went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Gone {
    /// Sessions that ended.
    pub sessions: u64,
    /// Links and visits that can be used no more.
    pub proofs: u64,
    /// Accounts that nobody logged in to.
    pub accounts: u64,
    /// Addresses without account and without alert.
    pub contacts: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Consents that do not stand any more.
    pub consents: u64,
    /// API keys that ended.
    pub keys: u64,
    /// Entries of the audit.
    pub audit: u64,
}

/// Lets go what is over, in the caller's transaction, and writes into the audit how much of it were keys and the audit's. The role of
/// `conn` owns the tables: no other may let go of entries.
///
/// # Errors
/// When the database does not answer.
pub async fn run(
    conn: &mut PgConnection,
    keep: Keep,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> sqlx::Result<Gone> {
    let before = |days: u32| now - TimeDelta::days(days.into());
    let older = |query: &'static str, at: DateTime<Utc>| sqlx::query(query).bind(at);
    let mut gone = Gone {
        sessions: sessions::sweep(&mut *conn, limits, before(keep.session)).await?,
        proofs: super::proofs::sweep(&mut *conn, now).await?,
        keys: keys::sweep(&mut *conn, before(keep.key)).await?,
        ..Gone::default()
    };
    let over = "select id from account where seen_at < $1";
    let ids: Vec<String> = sqlx::query_scalar(over).bind(before(keep.account)).fetch_all(&mut *conn).await?;
    for id in ids {
        let person = Person::of_account(&mut *conn, &id).await?;
        erase::person(&mut *conn, &person, By::Clock, None, now).await?;
        gone.accounts += 1;
    }
    // A halt is a wish that lasts: forgetting the address would forget it.
    let over = "select email from contact c where proven_at < $1 and account_id is null
          and restricted_at is null and objected_at is null
          and not exists (select 1 from alert a where a.contact_id = c.id)";
    let emails: Vec<String> =
        sqlx::query_scalar(over).bind(before(keep.contact)).fetch_all(&mut *conn).await?;
    for email in emails {
        let person = Person::of_email(&mut *conn, &email).await?;
        erase::person(&mut *conn, &person, By::Clock, None, now).await?;
        gone.contacts += 1;
    }
    gone.requests = older("delete from request where done_at < $1", before(keep.request))
        .execute(&mut *conn)
        .await?
        .rows_affected();
    let said = "select set_config('vigie.older', $1, true)";
    sqlx::query(said).bind(before(keep.consent).to_rfc3339()).execute(&mut *conn).await?;
    // What still stands stays, however old: it is the ground of what is sent.
    let consents = "delete from consent c where at < $1 and exists (
          select 1 from consent w where w.who = c.who and w.purpose = c.purpose and not w.given and w.id >= c.id and w.at < $1)";
    gone.consents = older(consents, before(keep.consent)).execute(&mut *conn).await?.rows_affected();
    if gone.keys > 0 {
        audit::append(&mut *conn, now, "clock", "key.forget", "", json!({ "keys": gone.keys })).await?;
    }
    gone.audit = audit::forget(&mut *conn, before(keep.audit), now).await?;
    if gone.audit > 0 {
        audit::append(&mut *conn, now, "clock", "audit.forget", "", json!({ "entries": gone.audit })).await?;
    }
    Ok(gone)
}
