//! The registry of models: what each is for, on what it was learnt, what was measured, where it fails, how it answers
//! WHO's considerations of 2023 and the AI Act, and who signed it.
//!
//! The hand-written part and the measured tables are the files of `model-cards/`; the build script refuses an empty
//! field. The rest is read from the database as of a moment ([`read`]), so that a page and the API say the same.

mod check;
pub mod format;
mod histories;
mod read;
mod signature;
pub mod table;
pub mod view;

pub use format::{Answers, Card, LANGUAGES, Library};
pub use read::{Asked, read, uses};
pub use signature::{SignatureError, Signed, Signers, statement, verify};

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::LazyLock;

include!(concat!(env!("OUT_DIR"), "/files.rs"));

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let files: BTreeMap<String, String> =
        FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    // The build script has read these very files: there is no fault left.
    format::library(&files).unwrap_or_else(|_| Library {
        cards: Vec::new(),
        common: BTreeMap::new(),
        requirements: Vec::new(),
        words: BTreeMap::new(),
    })
});

/// All cards with what holds for all of them.
#[must_use]
pub fn library() -> &'static Library {
    &LIBRARY
}

/// The heading of a field in a language; empty for a field that no card has.
#[must_use]
pub fn heading(language: &str, field: &str) -> &'static str {
    let common = library().common.get(language).or_else(|| library().common.get("en"));
    common.and_then(|c| c.headings.get(field)).map_or("", String::as_str)
}

impl Library {
    /// The card of a model.
    #[must_use]
    pub fn card(&self, id: &str) -> Option<&Card> {
        self.cards.iter().find(|c| c.id == id)
    }
}

impl Card {
    /// SHA-256 in hex over everything that the card says before it is read against a database: its own files, and those
    /// that hold for all models. Each file counts as its name, a zero byte, its text, a zero byte; in order of the names.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, text) in FILES {
            if format::owner(name).is_none_or(|id| id == self.id) {
                for part in [name.as_bytes(), &[0], text.as_bytes(), &[0]] {
                    hash.update(part);
                }
            }
        }
        hex::encode(hash.finalize())
    }
}
