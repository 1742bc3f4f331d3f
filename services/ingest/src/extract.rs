//! `vigie extract`: the project's own compact copy of the official figures, made once from the recording.
//!
//! Everything goes through the parsers and the validation that live payloads go through. The result is a function
//! of the recording alone: sorted, packed without time stamps, the same bytes every time.

mod files;
mod gather;
mod history;
mod licences;
mod part;
mod places;

use crate::recorded::Manifest;
use crate::source::Source;
use crate::sources;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::path::Path;

pub use gather::{Gathered, Quarantined, gather};

/// What an extract contains.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Rows by source and signal.
    pub rows: BTreeMap<(String, String), usize>,
    /// Payloads that were refused, with the reason.
    pub refused: Vec<(String, String)>,
    /// Size of everything written.
    pub bytes: u64,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for ((source, signal), rows) in &self.rows {
            writeln!(f, "{source} {signal}: {rows} rows")?;
        }
        for (payload, reason) in &self.refused {
            writeln!(f, "refused {payload}: {reason}")?;
        }
        write!(f, "{} bytes in all", self.bytes)
    }
}

/// Reads the recording in `shared` and writes the extract to `out` (files that no longer belong there are removed
/// from `out/observations`). Nothing is written when anything fails.
///
/// # Errors
/// When the recording is incomplete or altered, or a source is among the carried ones whose terms forbid it.
pub fn write(shared: &Path, out: &Path) -> anyhow::Result<Summary> {
    let (files, summary) = build(shared, sources::ALL)?;
    let observations = out.join("observations");
    if observations.exists() {
        std::fs::remove_dir_all(&observations)
            .with_context(|| format!("{} cannot be emptied", observations.display()))?;
    }
    for (name, bytes) in &files {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(summary)
}

/// The files of an extract of the given sources, by name, in memory.
///
/// # Errors
/// As [`write`].
pub fn build(shared: &Path, all: &[&'static Source]) -> anyhow::Result<(BTreeMap<String, Vec<u8>>, Summary)> {
    let manifest = Manifest::read(shared)?;
    let mut files = BTreeMap::new();
    let mut summary = Summary::default();
    let carried = carried(all)?;
    let (mut retrievals, mut quarantine, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for source in &carried {
        let found = gather(shared, source, &manifest).with_context(|| format!("source {}", source.id))?;
        summary.refused.extend(found.quarantine.iter().map(|q| (q.recorded_as.clone(), q.reason.clone())));
        if let Some(history) = history::of(source.id) {
            files.insert(history.path.to_owned(), (history.table)(&found)?);
        } else {
            for (name, rows, bytes) in files::observations(source, &found)? {
                summary.rows.insert((source.id.to_owned(), name.clone()), rows);
                files.insert(format!("observations/{}/{name}.csv.gz", source.id), bytes);
            }
        }
        skipped.extend(found.skipped);
        quarantine.extend(found.quarantine);
        retrievals.extend(found.retrievals);
    }
    files.insert("retrievals.csv".to_owned(), files::retrievals(retrievals)?);
    files.insert("quarantine.csv".to_owned(), files::quarantine(quarantine)?);
    files.insert("skipped.csv".to_owned(), files::skipped(skipped)?);
    files.insert("sources.csv".to_owned(), files::sources(&carried)?);
    files.insert("places.csv".to_owned(), places::table(shared)?);
    files.insert("LICENSES.md".to_owned(), licences::page(&carried).into_bytes());
    summary.bytes = files.values().map(|f| f.len() as u64).sum();
    Ok((files, summary))
}

/// The sources that an extract carries: those whose terms allow it, without those that say why they are left out. A
/// source that says it may be carried although its terms forbid it stops everything: that is a wrong declaration, and
/// nobody may find out afterwards.
fn carried(all: &[&'static Source]) -> anyhow::Result<Vec<&'static Source>> {
    for source in all {
        if source.redistributable && !source.may_be_carried() {
            bail!("source {} is declared redistributable, but its terms are {:?}", source.id, source.terms);
        }
    }
    Ok(all.iter().copied().filter(|s| s.is_carried()).collect())
}
