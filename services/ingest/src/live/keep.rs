//! Payloads as they were received, by their hash: whatever is read wrong today can be read again tomorrow.

use super::fetch::Validators;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// A folder of payloads, and of what their publishers said of them.
#[derive(Debug, Clone)]
pub struct Keep {
    folder: PathBuf,
}

impl Keep {
    /// Keeps in `folder`, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let make = |f: &Path| {
            std::fs::create_dir_all(f)
                .with_context(|| format!("VIGIE_RAW_DIR {} cannot be made", f.display()))
        };
        make(&folder.join("asked"))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where a payload of that hash lies.
    #[must_use]
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256.get(..2).unwrap_or("00")).join(sha256)
    }

    /// Keeps a payload; the same bytes are kept once. Written aside and moved, so that a kill leaves no half.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put(&self, sha256: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path(sha256);
        if path.exists() { Ok(()) } else { replace(&path, bytes) }
    }

    fn asked(&self, source: &str, feed: &str) -> PathBuf {
        self.folder.join("asked").join(format!("{source}~{feed}"))
    }

    /// What the publisher said of the last payload of a feed that was accepted. Nothing when it cannot be read:
    /// the question is then asked without condition, which is always right.
    #[must_use]
    pub fn validators(&self, source: &str, feed: &str) -> Validators {
        let text = std::fs::read_to_string(self.asked(source, feed)).unwrap_or_default();
        let mut lines = text.lines().map(|l| Some(l.to_owned()).filter(|l| !l.is_empty()));
        Validators { etag: lines.next().flatten(), last_modified: lines.next().flatten() }
    }

    /// Remembers it. Only for a payload that was accepted: what was refused is asked for again in full.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remember(&self, source: &str, feed: &str, validators: &Validators) -> anyhow::Result<()> {
        let line = |v: &Option<String>| v.clone().unwrap_or_default();
        let text = format!("{}\n{}\n", line(&validators.etag), line(&validators.last_modified));
        replace(&self.asked(source, feed), text.as_bytes())
    }
}

fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let about = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(about)?;
    }
    let aside = path.with_extension("part");
    std::fs::write(&aside, bytes).with_context(about)?;
    std::fs::rename(&aside, path).with_context(about)
}
