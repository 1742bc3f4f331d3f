//! After a backup from before was restored: everything that stands in the list of erasures is done again.

use super::erase::{self, By};
use super::list::{List, Mark, given};
use super::{Halt, Person};
use crate::passkeys::{self, recovery};
use crate::pseudonyms::PersonKey;
use crate::{accounts, alerts, audit, keys};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::fmt;
use std::path::Path;

/// What was done again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Again {
    /// Persons who were erased.
    pub erased: usize,
    /// API keys that were revoked, or that others took the place of.
    pub revoked: usize,
    /// Alerts that were ended, the consent with the last of them.
    pub ended: usize,
    /// Passkeys that were removed.
    pub removed: usize,
    /// Passkeys that are accepted no more.
    pub refused: usize,
    /// Recovery codes that were used or replaced.
    pub used: usize,
    /// Halts that were set.
    pub halted: usize,
    /// Accounts that were disabled, with the sessions that the backup had of them.
    pub disabled: usize,
    /// Roles that were taken away.
    pub taken: usize,
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { erased, revoked, ended, removed, refused, used, halted, disabled, taken } = self;
        write!(
            f,
            "again: {erased} erased, {revoked} keys revoked, {ended} alerts ended, {removed} passkeys removed, "
        )?;
        write!(f, "{refused} passkeys refused, {used} recovery codes used up, {halted} halts set, ")?;
        write!(f, "{disabled} accounts disabled, {taken} roles taken away")
    }
}

/// Does again what stands in the list, in the caller's transaction, and says how much there was. Whatever was lifted after it was
/// set stays as the backup has it: a halt, a disabled account, a role that was given again. Nothing is ever given here.
///
/// # Errors
/// When the list cannot be read or the database does not answer.
pub async fn again(conn: &mut PgConnection, list: &Path, now: DateTime<Utc>) -> anyhow::Result<Again> {
    let list = List::read(list)?;
    let erased = erase_again(&mut *conn, &list, now).await?;
    let mut revoked = listed(&mut *conn, &list, "select id from api_key").await?;
    // One that knows of its successor goes on beside it for as long as it was to.
    let whole = "select id from api_key where replaced_by is null";
    revoked.extend(standing(&mut *conn, &list, &Mark::Replaced, whole).await?);
    let revoked = keys::end_these((&mut *conn, None), &revoked, "restored", now).await?.len();
    let mut done = Again { erased, revoked, ..Again::default() };
    for id in listed(&mut *conn, &list, "select id from alert").await? {
        let Some(contact) = alerts::contact(&mut *conn, &id).await? else { continue };
        if alerts::end(&mut *conn, &contact, &id, now).await? {
            write(&mut *conn, now, "alert.end", &contact.key.pseudonym(), json!({})).await?;
            done.ended += 1;
        }
    }
    for id in listed(&mut *conn, &list, "select id from passkey").await? {
        let account = owner(&mut *conn, &id).await?;
        if passkeys::remove(&mut *conn, &account, &id).await? {
            write_of(&mut *conn, now, "passkey.remove", &account, json!({})).await?;
            done.removed += 1;
        }
    }
    for id in
        standing(&mut *conn, &list, &Mark::Refused, "select id from passkey where refused_at is null").await?
    {
        let account = owner(&mut *conn, &id).await?;
        passkeys::refuse_by_id(&mut *conn, &account, &id, now).await?;
        write_of(&mut *conn, now, "passkey.copied", &account, json!({})).await?;
        done.refused += 1;
    }
    let codes = recovery::all(&mut *conn).await?;
    for (account, id) in codes.into_iter().filter(|(_, id)| list.has(id)) {
        recovery::forget(&mut *conn, &id).await?;
        write_of(&mut *conn, now, "recovery.remove", &account, json!({})).await?;
        done.used += 1;
    }
    for halt in [Halt::Restriction, Halt::Objection] {
        for (without, change) in halt.without().into_iter().zip(halt.changes()) {
            for id in standing(&mut *conn, &list, &Mark::Halt(halt), without).await? {
                let key = sqlx::query_scalar(change).bind(id).bind(now).fetch_optional(&mut *conn).await?;
                let whose = key.map_or_else(String::new, |key: PersonKey| key.pseudonym());
                write(&mut *conn, now, "halt.set", &whose, json!({ "halt": halt.word() })).await?;
                done.halted += 1;
            }
        }
    }
    for id in standing(&mut *conn, &list, &Mark::Disabled, "select id from account where disabled_at is null")
        .await?
    {
        accounts::disable(&mut *conn, &id, now).await?;
        write_of(&mut *conn, now, "account.disable", &id, json!({})).await?;
        done.disabled += 1;
    }
    for (id, role, until) in accounts::grants(&mut *conn).await? {
        let (mark, lifted) = (Mark::Taken(role.clone()), given(&id, until));
        if list.stands(&mark, &id, Some(&lifted)) && accounts::revoke(&mut *conn, &id, &role).await? {
            write_of(&mut *conn, now, "role.revoke", &id, json!({ "role": role })).await?;
            done.taken += 1;
        }
    }
    Ok(done)
}

/// Ids of a query that ended for good.
async fn listed(conn: &mut PgConnection, list: &List, query: &'static str) -> sqlx::Result<Vec<String>> {
    let mut ids: Vec<String> = sqlx::query_scalar(query).fetch_all(conn).await?;
    ids.retain(|id| list.has(id));
    Ok(ids)
}

/// Ids of a query, of those without the mark, on which it stands by the list.
async fn standing(
    conn: &mut PgConnection,
    list: &List,
    mark: &Mark,
    without: &'static str,
) -> sqlx::Result<Vec<String>> {
    let mut ids: Vec<String> = sqlx::query_scalar(without).fetch_all(conn).await?;
    ids.retain(|id| list.stands(mark, id, None));
    Ok(ids)
}

async fn erase_again(conn: &mut PgConnection, list: &List, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let accounts = listed(&mut *conn, list, "select id from account").await?;
    for id in &accounts {
        let person = Person::of_account(&mut *conn, id).await?;
        erase::person(&mut *conn, &person, By::Command, None, now).await?;
    }
    // The address of an account is gone with it by now.
    let addresses: Vec<(String, String)> =
        sqlx::query_as("select id, email from contact").fetch_all(&mut *conn).await?;
    let addresses: Vec<_> = addresses.into_iter().filter(|(id, _)| list.has(id)).collect();
    for (_, email) in &addresses {
        let person = Person::of_email(&mut *conn, email).await?;
        erase::person(&mut *conn, &person, By::Command, None, now).await?;
    }
    Ok(accounts.len() + addresses.len())
}

async fn owner(conn: &mut PgConnection, passkey: &str) -> sqlx::Result<String> {
    sqlx::query_scalar("select account_id from passkey where id = $1").bind(passkey).fetch_one(conn).await
}

/// Writes into the audit what was done again to an account.
async fn write_of(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    action: &str,
    account: &str,
    detail: Value,
) -> sqlx::Result<()> {
    let whose = accounts::named(&mut *conn, account).await?.map(|a| a.pseudonym()).unwrap_or_default();
    write(conn, now, action, &whose, detail).await
}

/// The same to whomever the audit calls so.
async fn write(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    action: &str,
    whose: &str,
    mut detail: Value,
) -> sqlx::Result<()> {
    detail["why"] = "restored".into();
    audit::append(conn, now, "command", action, whose, detail).await
}
