//! The log of one incident: a line an event, each with a hash over itself and the one before it.

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use domain::CountryProfile;
use domain::profile::incident;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const NAME: &str = "log.jsonl";

/// What happened, with all of the profile that it needs: a later profile changes nothing of a declared incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    pub country: String,
    pub title: String,
    pub aware_at: DateTime<Utc>,
    pub involves: Vec<String>,
    /// Codes of the forms' languages.
    pub languages: Vec<String>,
    /// Those concerned, and their questions.
    pub rules: incident::Incident,
    /// `[legal]` of the profile.
    pub legal: BTreeMap<String, String>,
}

impl Declared {
    pub(super) fn new(
        profile: &CountryProfile,
        title: &str,
        aware_at: DateTime<Utc>,
        involves: &[String],
    ) -> Self {
        let mut rules = profile.incident.clone();
        rules.authority.retain(|a| a.involves.iter().any(|word| involves.contains(word)));
        rules.field.retain(|f| rules.authority.iter().any(|a| a.fields.contains(&f.id)));
        Self {
            country: profile.country.to_string(),
            title: title.to_owned(),
            aware_at,
            involves: involves.to_vec(),
            languages: profile.languages.iter().map(|l| l.code.clone()).collect(),
            rules,
            legal: profile.legal.clone(),
        }
    }

    /// `field=text` as a person wrote them.
    ///
    /// # Errors
    /// A field that nobody asks, or no text.
    pub(super) fn read_facts(&self, facts: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
        let known = || self.rules.field.iter().map(|f| f.id.as_str()).collect::<Vec<_>>().join(", ");
        let mut read = BTreeMap::new();
        for fact in facts {
            let (id, text) =
                fact.split_once('=').with_context(|| format!("--fact `{fact}`: write FIELD=TEXT"))?;
            ensure!(self.rules.field(id).is_some(), "nobody asks `{id}`: choose among {}", known());
            ensure!(!text.trim().is_empty(), "--fact {id} has no text");
            read.insert(id.to_owned(), text.trim().to_owned());
        }
        Ok(read)
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    Declared(Box<Declared>),
    Stated { facts: BTreeMap<String, String> },
    Sent { authority: String, reference: String },
    Reminded { authority: String, hours: u32 },
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub event: Event,
    /// The hash of the entry before, in hex; of the first one, empty.
    pub previous: String,
    /// SHA-256 of all the rest, in hex.
    #[serde(default)]
    pub hash: String,
}

impl Entry {
    fn digest(&self) -> anyhow::Result<String> {
        let rest = Self { hash: String::new(), ..self.clone() };
        Ok(hex::encode(Sha256::digest(serde_json::to_vec(&rest)?)))
    }
}

/// An open log, locked against others for as long as it is open.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    pub(super) entries: Vec<Entry>,
}

impl Log {
    /// A new folder with an empty log, for its owner only.
    ///
    /// # Errors
    /// When it exists, or cannot be made.
    pub(super) fn begin(dir: &Path) -> anyhow::Result<Self> {
        if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .with_context(|| cannot("made", parent))?;
        }
        DirBuilder::new().mode(0o700).create(dir).with_context(|| {
            format!("{} cannot be made: two incidents of one second? declare it again", dir.display())
        })?;
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(&path);
        let file = file.with_context(|| cannot("made", &path))?;
        file.lock()?;
        Ok(Self { path, file, entries: Vec::new() })
    }

    /// Reads a log and follows its hashes.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not what was written.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .with_context(|| cannot("opened", &path))?;
        file.lock()?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(|| cannot("read", &path))?;
        let mut entries: Vec<Entry> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let changed = || format!("{}, line {number}: it is not what was written there", path.display());
            let entry: Entry = serde_json::from_str(line).with_context(changed)?;
            let previous = entries.last().map_or("", |e| e.hash.as_str());
            if entry.seq != number || entry.previous != previous || entry.hash != entry.digest()? {
                bail!(changed());
            }
            entries.push(entry);
        }
        Ok(Self { path, file, entries })
    }

    /// Adds an event and makes sure that it lies on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn append(&mut self, at: DateTime<Utc>, event: Event) -> anyhow::Result<()> {
        let seq = self.entries.len() as u64 + 1;
        let mut entry = Entry { seq, at, event, previous: self.head().to_owned(), hash: String::new() };
        entry.hash = entry.digest()?;
        let line = serde_json::to_string(&entry)? + "\n";
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all());
        written.with_context(|| cannot("written", &self.path))?;
        self.entries.push(entry);
        Ok(())
    }

    /// The hash of the last entry: noted elsewhere, it shows a log that was cut or made anew.
    pub(super) fn head(&self) -> &str {
        self.entries.last().map_or("", |e| e.hash.as_str())
    }
}

fn cannot(what: &str, path: &Path) -> String {
    format!("{} cannot be {what}", path.display())
}
