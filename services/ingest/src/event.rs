//! What the archive remembers: a look at a publisher, or an operator's decision.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that may have changed the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in microseconds: the database knows no shorter time.
    pub at: DateTime<Utc>,
    /// Of which source.
    pub source: String,
    /// Of which of its tables.
    pub feed: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// The publisher sent a payload, which lies in the archive.
    Retrieved {
        /// Where it was fetched.
        url: String,
        /// Status of the answer.
        status: u16,
        /// Headers of the answer, names in lower case.
        headers: BTreeMap<String, String>,
        /// SHA-256 of the payload, in hex.
        sha256: String,
        /// Its size.
        bytes: u64,
    },
    /// The publisher said that nothing is new.
    NotModified {
        /// Where it was asked.
        url: String,
    },
    /// No payload.
    Failed {
        /// Where it was asked.
        url: String,
        /// In words.
        reason: String,
    },
    /// An operator accepted a payload that had been refused.
    Released {
        /// The retrieval.
        retrieval: String,
        /// The payload's SHA-256.
        sha256: String,
        /// Why.
        because: String,
    },
}

/// How the name of an event begins: what the database knows of it, so that a known one need not be read.
#[must_use]
pub fn stem(at: DateTime<Utc>, source: &str) -> String {
    format!("{}.{source}", at.format("%Y%m%dT%H%M%S%.6fZ"))
}

impl Event {
    /// Its name in the archive; names sort as times do.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}.json", stem(self.at, &self.source), self.feed)
    }

    /// The hash of the payload that is needed to apply it.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        match &self.what {
            What::Retrieved { sha256, .. } | What::Released { sha256, .. } => Some(sha256),
            What::NotModified { .. } | What::Failed { .. } => None,
        }
    }
}
