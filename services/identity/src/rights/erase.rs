//! Erasing somebody, and erasing them again after a backup from before was restored.

use super::{Halt, Held, Person};
use crate::random;
use crate::{alerts, audit, keys, passkeys};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Who erases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The person.
    Person,
    /// Retention.
    Clock,
    /// An operator who restored a backup.
    Command,
}

/// Erases all that is kept about somebody, in the caller's transaction. The audit gets an entry and keeps its pseudonyms,
/// whose key goes with the rest. `trail`: the audit's own credential; without one the role of `conn` writes it.
///
/// # Errors
/// When the database does not answer.
pub async fn person(
    conn: &mut PgConnection,
    person: &Person,
    by: By,
    trail: Option<&audit::Own>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    // Whatever is being written about them is waited for, or finds nobody. In the order in which a confirmation goes: its link,
    // then whom it is of. Somebody else's request to make this address theirs names it too.
    sqlx::query("delete from proof where email = $1 or wish ->> 'old' = $1 or account_id = $2")
        .bind(person.email())
        .bind(person.account.as_ref().map(|a| a.id.as_str()))
        .execute(&mut *conn)
        .await?;
    person.held(&mut *conn, Held::ToErase).await?;
    for pseudonym in person.pseudonyms() {
        let actor = match by {
            By::Person => pseudonym.as_str(),
            By::Clock => "clock",
            By::Command => "command",
        };
        audit::write(&mut *conn, trail, now, actor, "person.erase", &pseudonym, json!({})).await?;
        rows_of(&mut *conn, &pseudonym, now).await?;
    }
    if let Some(account) = &person.account {
        let by_id = sqlx::query("delete from account where id = $1").bind(&account.id);
        by_id.execute(&mut *conn).await?;
    }
    if let Some(contact) = &person.contact {
        let by_id = sqlx::query("delete from contact where id = $1").bind(&contact.id);
        by_id.execute(&mut *conn).await?;
    }
    Ok(())
}

/// What names somebody by pseudonym outside the audit. Whatever they still waited for is over, but the erasure itself: nobody
/// could be answered.
async fn rows_of(conn: &mut PgConnection, pseudonym: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query("select set_config('vigie.erased', $1, true)").bind(pseudonym).execute(&mut *conn).await?;
    sqlx::query("delete from consent where who = $1").bind(pseudonym).execute(&mut *conn).await?;
    sqlx::query(
        "update request set done_at = $2, outcome = 'erased' where who = $1 and done_at is null and kind <> 'erasure'",
    )
    .bind(pseudonym)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query("update request set who = null where who = $1").bind(pseudonym).execute(&mut *conn).await?;
    sqlx::query("update role_grant set granted_by = 'erased' where granted_by = $1")
        .bind(pseudonym)
        .execute(conn)
        .await
        .map(drop)
}

/// Writes down outside the database that somebody was erased: hashes of random numbers, which say nothing of the person.
/// One line each; on the disk before this returns.
///
/// # Errors
/// When the file cannot be written.
pub fn remember(list: &Path, person: &Person) -> anyhow::Result<()> {
    ended(list, &person.ids())
}

/// The same about what ended for good and must not come back with a backup: API keys that were revoked, alerts that their
/// reader stopped, passkeys that were removed, by their random ids.
///
/// # Errors
/// When the file cannot be written.
pub fn ended(list: &Path, ids: &[String]) -> anyhow::Result<()> {
    append(list, &ids.iter().map(|id| tombstone(id)).collect::<Vec<_>>())
}

/// The same about a halt on what is kept under these random ids, from now on or no more: the last word counts.
///
/// # Errors
/// When the file cannot be written.
pub fn halted(list: &Path, halt: Halt, on: bool, ids: &[String]) -> anyhow::Result<()> {
    append(list, &ids.iter().map(|id| halt_line(halt, on, id)).collect::<Vec<_>>())
}

fn halt_line(halt: Halt, on: bool, id: &str) -> String {
    tombstone(&format!("{} {} {id}", halt.word(), if on { "on" } else { "off" }))
}

/// Adds lines to a file; on the disk before this returns.
pub(super) fn append(list: &Path, lines: &[String]) -> anyhow::Result<()> {
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .read(true)
        .open(list)
        .with_context(|| format!("the list of erasures {} cannot be opened", list.display()))?;
    // After a write that failed halfway: the next line is one of its own.
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    if last != [b'\n'] {
        text.insert(0, '\n');
    }
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    Ok(())
}

fn tombstone(id: &str) -> String {
    store::chain::hex(&random::hash(id))
}

/// What was done again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Again {
    /// Persons who were erased.
    pub erased: usize,
    /// API keys that were revoked.
    pub revoked: usize,
    /// Alerts that were ended, the consent with the last of them.
    pub ended: usize,
    /// Passkeys that were removed.
    pub removed: usize,
    /// Halts that were set.
    pub halted: usize,
}

/// Erases again whoever stands in the list of erasures and is there, after a backup from before was restored; revokes the keys,
/// ends the alerts, removes the passkeys and sets the halts that stand in it. Returns how many there were. A halt that was lifted
/// stays lifted in the list and is not lifted here: whoever set it meanwhile without a list keeps it.
///
/// # Errors
/// When the list cannot be read or the database does not answer.
pub async fn again(conn: &mut PgConnection, list: &Path, now: DateTime<Utc>) -> anyhow::Result<Again> {
    let text = std::fs::read_to_string(list)
        .with_context(|| format!("the list of erasures {} cannot be read", list.display()))?;
    let hashes: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // A shorter one was cut off while it was written: its deed failed with it.
    let is_one = |h: &&str| h.len() <= 64 && h.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(n) = hashes.iter().position(|h| !is_one(h)) {
        anyhow::bail!(
            "{}: entry {} is no SHA-256: restore this file from its own copy",
            list.display(),
            n + 1
        );
    }
    let found: Vec<(Option<String>, Option<String>)> = sqlx::query_as(
        "select a.id, null::text from account a where encode(sha256(convert_to(a.id, 'UTF8')), 'hex') = any($1)
         union all
         select null, c.email from contact c where encode(sha256(convert_to(c.id, 'UTF8')), 'hex') = any($1)",
    )
    .bind(&hashes)
    .fetch_all(&mut *conn)
    .await?;
    let mut done = Again::default();
    for (account, email) in found {
        let who = match (&account, &email) {
            (Some(id), _) => Person::of_account(&mut *conn, id).await?,
            (None, Some(email)) => Person::of_email(&mut *conn, email).await?,
            (None, None) => continue,
        };
        // The second of two that belong together is gone with the first.
        if who.is_known() {
            person(&mut *conn, &who, By::Command, None, now).await?;
            done.erased += 1;
        }
    }
    let keys = "select id from api_key where encode(sha256(convert_to(id, 'UTF8')), 'hex') = any($1)";
    let keys: Vec<String> = sqlx::query_scalar(keys).bind(&hashes).fetch_all(&mut *conn).await?;
    done.revoked = keys::end_these((&mut *conn, None), &keys, "restored", now).await?.len();
    let alerts = "select id from alert where encode(sha256(convert_to(id, 'UTF8')), 'hex') = any($1)";
    let alerts: Vec<String> = sqlx::query_scalar(alerts).bind(&hashes).fetch_all(&mut *conn).await?;
    for id in alerts {
        if let Some(contact) = alerts::contact(&mut *conn, &id).await? {
            done.ended += usize::from(alerts::end(&mut *conn, &contact, &id, now).await?);
        }
    }
    let passkeys =
        "select account_id, id from passkey where encode(sha256(convert_to(id, 'UTF8')), 'hex') = any($1)";
    let passkeys: Vec<(String, String)> =
        sqlx::query_as(passkeys).bind(&hashes).fetch_all(&mut *conn).await?;
    for (account, id) in passkeys {
        if passkeys::remove(&mut *conn, &account, &id).await? {
            let whose = Person::of_account(&mut *conn, &account).await?.pseudonyms();
            let whose = whose.first().map_or("", String::as_str);
            let why = json!({ "why": "restored" });
            audit::append(&mut *conn, now, "command", "passkey.remove", whose, why).await?;
            done.removed += 1;
        }
    }
    done.halted = halts(conn, &hashes, now).await?;
    Ok(done)
}

/// Sets the halts whose last word in the list is that they stand. Returns how many were not set.
async fn halts(conn: &mut PgConnection, lines: &[&str], now: DateTime<Utc>) -> sqlx::Result<usize> {
    let last: HashMap<&str, usize> = lines.iter().enumerate().map(|(at, line)| (*line, at)).collect();
    let said = |what, on, id: &str| last.get(halt_line(what, on, id).as_str());
    let mut set = 0;
    for what in [Halt::Restriction, Halt::Objection] {
        for (without, change) in what.without().into_iter().zip(what.changes()) {
            let ids: Vec<String> = sqlx::query_scalar(without).fetch_all(&mut *conn).await?;
            for id in ids.iter().filter(|id| said(what, true, id) > said(what, false, id)) {
                sqlx::query(change).bind(id).bind(now).execute(&mut *conn).await?;
                set += 1;
            }
        }
    }
    Ok(set)
}
