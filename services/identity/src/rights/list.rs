//! The list of erasures: a file outside the database and its backups that says what a restored backup brings back and must not.
//! One line each, which is the SHA-256 of random numbers and says nothing of a person; on the disk before the function returns.

use super::{Halt, Person};
use crate::random;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// What stands until it is lifted, as the list calls it. The last word about it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Of an account, of an address.
    Halt(Halt),
    /// Of an account: it is disabled.
    Disabled,
    /// Of a passkey: there is a copy of it. Nothing lifts it.
    Refused,
    /// Of an API key: another one took its place. Nothing lifts it.
    Replaced,
    /// Of an account: the role that is named was taken away, or is given in another way ([`given`]).
    Taken(String),
}

impl Mark {
    fn line(&self, on: bool, id: &str) -> String {
        let word = match self {
            Self::Halt(halt) => halt.word(),
            Self::Disabled => "disabled",
            Self::Refused => "refused",
            Self::Replaced => "replaced",
            Self::Taken(role) => &format!("taken {role}"),
        };
        tombstone(&format!("{word} {} {id}", if on { "on" } else { "off" }))
    }
}

/// By what the lifting of [`Mark::Taken`] is named: a role that was given until a certain time is no other one.
#[must_use]
pub fn given(account: &str, until: Option<DateTime<Utc>>) -> String {
    // As exact as the database keeps it.
    until.map_or_else(|| account.to_owned(), |until| format!("{account} {}", until.timestamp_micros()))
}

/// Somebody was erased.
///
/// # Errors
/// When the file cannot be written.
pub fn remember(list: &Path, person: &Person) -> anyhow::Result<()> {
    ended(list, &person.ids())
}

/// Something ended for good: API keys that were revoked, alerts that their reader stopped, passkeys that were removed, recovery
/// codes that were used or replaced; by their random ids.
///
/// # Errors
/// When the file cannot be written.
pub fn ended(list: &Path, ids: &[String]) -> anyhow::Result<()> {
    append(list, ids.iter().map(|id| tombstone(id)))
}

/// A mark stands on these ids, or does no more.
///
/// # Errors
/// When the file cannot be written.
pub fn marked(list: &Path, mark: &Mark, on: bool, ids: &[String]) -> anyhow::Result<()> {
    append(list, ids.iter().map(|id| mark.line(on, id)))
}

pub(super) fn append(list: &Path, lines: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut text: String = lines.map(|line| format!("{line}\n")).collect();
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

/// The list as it was read: where each line stands last.
#[derive(Debug)]
pub(super) struct List(HashMap<String, usize>);

impl List {
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub(super) fn read(list: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(list)
            .with_context(|| format!("the list of erasures {} cannot be read", list.display()))?;
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // A shorter one was cut off while it was written: its deed failed with it.
        let is_one = |h: &&str| h.len() <= 64 && h.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(n) = lines.iter().position(|h| !is_one(h)) {
            bail!("{}: entry {} is no SHA-256: restore this file from its own copy", list.display(), n + 1);
        }
        Ok(Self(lines.into_iter().enumerate().map(|(at, line)| (line.to_owned(), at)).collect()))
    }

    /// Did what has this id end for good?
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(&tombstone(id))
    }

    /// Is the last word about a mark on `id` that it stands? `lifted`: by what its lifting is named, where that is another id.
    pub(super) fn stands(&self, mark: &Mark, id: &str, lifted: Option<&str>) -> bool {
        self.0.get(&mark.line(true, id)) > self.0.get(&mark.line(false, lifted.unwrap_or(id)))
    }
}
