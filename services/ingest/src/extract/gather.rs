//! Everything recorded of one source, through its parsers and the validation.

use super::part;
use crate::changes::{Cell, Folded, Issue, Log};
use crate::recorded::{self, Entry, Manifest, Payload};
use crate::source::{Feed, Source};
use crate::{Context, Parsed, Refusal, validation};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use store::sources::Retrieval;

/// Something of a payload that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarantined {
    /// The payload's retrieval.
    pub retrieval: String,
    /// Where the recording keeps it.
    pub recorded_as: String,
    /// Why.
    pub reason: String,
    /// How many rows; 0 when the payload could not be read as rows.
    pub rows: u64,
    /// Was the whole payload refused?
    pub whole: bool,
    /// When.
    pub noticed_at: DateTime<Utc>,
}

/// What the recording says of a source.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Changes, cell by cell; `payload` is an index into `retrievals`.
    pub cells: BTreeMap<Cell, Vec<Issue>>,
    /// The payloads, or the vintages inside a payload that is a log.
    pub retrievals: Vec<Retrieval>,
    /// What was refused.
    pub quarantine: Vec<Quarantined>,
    /// What was left out on purpose: source, payload, reason, rows.
    pub skipped: Vec<(String, String, String, u64)>,
    /// What folding saved.
    pub folded: Folded,
}

/// Reads, checks and folds all recorded payloads of `source`.
///
/// # Errors
/// When the recording is incomplete. A payload that is refused is no error: it goes to the quarantine.
pub fn gather(shared: &Path, source: &'static Source, manifest: &Manifest) -> anyhow::Result<Gathered> {
    let mut all = Gathered::default();
    let mut log = Log::default();
    for payload in recorded::payloads(shared, source, manifest)? {
        let feed = source.feed(payload.feed).with_context(|| format!("no feed {}", payload.feed))?;
        let entry = manifest.get(&payload.path);
        match read(source, feed, &payload, &log) {
            // Nothing of this table is taken, and that is no fault of it.
            Ok(parsed) if parsed.rows.is_empty() => all.skip(source, &payload, parsed.skipped),
            Ok(parsed) => all.accept(source, feed, &payload, entry, parsed, &mut log)?,
            Err((reason, rows)) => {
                let at =
                    payload.at.with_context(|| format!("{}: refused, and of unknown time", payload.path))?;
                let retrieval = retrieval(source, feed, &payload, entry, at);
                all.quarantine.push(Quarantined {
                    retrieval: retrieval.id.clone(),
                    recorded_as: payload.path.clone(),
                    reason: reason.to_string(),
                    rows,
                    whole: true,
                    noticed_at: at,
                });
                all.retrievals.push(retrieval);
            }
        }
    }
    (all.cells, all.folded) = log.fold();
    Ok(all)
}

/// Parses and validates; a refusal comes with the number of rows that it concerns.
fn read(source: &Source, feed: &Feed, payload: &Payload, log: &Log) -> Result<Parsed, (Refusal, u64)> {
    let issued_at = payload.at.unwrap_or_default();
    let context = Context { issued_at, file: &payload.file };
    let mut parsed = (feed.parse)(&payload.bytes, &context).map_err(|reason| (reason, 0))?;
    if let Some(part) = part::of(source).filter(|_| !parsed.rows.is_empty()) {
        part.take(feed.name, &mut parsed);
        if parsed.rows.is_empty() {
            return Ok(parsed);
        }
    }
    let signals: BTreeSet<_> = parsed.rows.iter().map(|r| &r.signal).collect();
    let signals: Vec<_> = signals.into_iter().collect();
    let first = parsed.rows.iter().map(|r| r.issued_at).min().unwrap_or(issued_at);
    let known = log.known_before(&signals, first);
    let rows = parsed.rows.len() as u64;
    validation::check(parsed, &source.rules, known).map_err(|reason| (reason, rows))
}

impl Gathered {
    fn skip(&mut self, source: &Source, payload: &Payload, skipped: Vec<(String, u64)>) {
        let entry = |(reason, rows)| (source.id.to_owned(), payload.path.clone(), reason, rows);
        self.skipped.extend(skipped.into_iter().map(entry));
    }

    fn accept(
        &mut self,
        source: &'static Source,
        feed: &Feed,
        payload: &Payload,
        entry: Option<&Entry>,
        parsed: Parsed,
        log: &mut Log,
    ) -> anyhow::Result<()> {
        let newest = parsed.rows.iter().map(|r| r.issued_at).max();
        let at = payload.at.or(newest).with_context(|| format!("{}: of unknown time", payload.path))?;
        // A payload cannot have been copied before what it says was issued.
        let whole = retrieval(source, feed, payload, entry, newest.map_or(at, |n| n.max(at)));
        self.skip(source, payload, parsed.skipped);
        for (reason, rows) in parsed.quarantined {
            self.quarantine.push(Quarantined {
                retrieval: whole.id.clone(),
                recorded_as: payload.path.clone(),
                reason,
                rows,
                whole: false,
                noticed_at: whole.retrieved_at,
            });
        }
        if parsed.vintages.is_empty() {
            let one_issue = parsed.rows.windows(2).all(|w| w[0].issued_at == w[1].issued_at);
            if source.rules.complete && one_issue {
                log.add(log.withdrawn(&parsed.rows), self.retrievals.len());
            }
            log.add(parsed.rows, self.retrievals.len());
            self.retrievals.push(whole);
            return Ok(());
        }
        // A log: every vintage inside is a retrieval of its own, with the address of that very vintage.
        let mut index = BTreeMap::new();
        for vintage in parsed.vintages {
            index.insert((vintage.issued_at, vintage.signal), self.retrievals.len());
            self.retrievals.push(Retrieval {
                id: format!("{}-{}", whole.id, vintage.name),
                url: vintage.url,
                recorded_as: format!("{}#{}", whole.recorded_as, vintage.name),
                retrieved_at: vintage.issued_at,
                ..whole.clone()
            });
        }
        for row in parsed.rows {
            let key = (row.issued_at, Some(row.signal.clone()));
            let found = index.get(&key).or_else(|| index.get(&(row.issued_at, None)));
            let payload = *found.with_context(|| format!("{}: a row of no vintage", whole.recorded_as))?;
            log.add(vec![row], payload);
        }
        Ok(())
    }
}

fn retrieval(
    source: &Source,
    feed: &Feed,
    payload: &Payload,
    entry: Option<&Entry>,
    at: DateTime<Utc>,
) -> Retrieval {
    Retrieval {
        id: crate::apply::id(&payload.sha256, source.id),
        source_id: source.id.to_owned(),
        url: entry.and_then(|e| commit_url(source, &e.obtained_from)).unwrap_or_else(|| {
            let url = if feed.url.is_empty() { source.page_url } else { feed.url };
            url.to_owned()
        }),
        recorded_as: payload.path.clone(),
        retrieved_at: at,
        sha256: payload.sha256.clone(),
        bytes: i64::try_from(payload.bytes.len()).unwrap_or(i64::MAX),
        parser: crate::parser_name(source.id),
        feed: String::new(),
        headers: sqlx::types::Json::default(),
    }
}

/// `owner/repository:path@commit (…)` as an address, when the repository is the publisher's own.
fn commit_url(source: &Source, obtained_from: &str) -> Option<String> {
    let (repository, rest) = obtained_from.split_once(':')?;
    let (path, commit) = rest.rsplit_once('@')?;
    let commit = commit.split([' ', '(']).next()?;
    let own = source.repositories.contains(&repository) && commit.chars().all(|c| c.is_ascii_hexdigit());
    own.then(|| format!("https://github.com/{repository}/raw/{commit}/{}", path.replace(' ', "%20")))
}
