//! One event of the archive becomes rows: parse, validate, append, write down. The same events applied in the same
//! order to the same beginning make the same rows; nothing but the event, its payload and the database is read.

use crate::event::{Event, What};
use crate::load::Plan;
use crate::source::{Feed, Rules, Source};
use crate::{Context, Parsed, Refusal, Row, changes, sources, validation};
use anyhow::{Context as _, bail};
use chrono::{DateTime, SubsecRound as _, Utc};
use domain::{ObservationKey, SourceId};
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};
use store::observations::NewPoint;
use store::sources::{Retrieval, SetAside};

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// New values, so many.
    New(u64),
    /// Nothing that was not known.
    Unchanged,
    /// A payload that is not accepted; the last good data stay.
    Quarantined(String),
    /// No payload.
    Failed(String),
    /// A payload that an operator accepted, with so many new values.
    Released(u64),
}

impl Outcome {
    /// Its word in the database, in metrics and on pages.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Unchanged => "unchanged",
            Self::Quarantined(_) => "quarantined",
            Self::Failed(_) => "failed",
            Self::Released(_) => "released",
        }
    }
}

/// Applies an event within the caller's transaction. `payload` are the bytes of [`Event::sha256`].
///
/// # Errors
/// When the database refuses, or the event is about something that this program does not know; nothing may then be
/// committed.
pub async fn apply(
    tx: &mut PgConnection,
    plan: &Plan,
    event: &Event,
    payload: Option<&[u8]>,
) -> anyhow::Result<Outcome> {
    let source = sources::find(&event.source)
        .with_context(|| format!("{}: this program knows no source {}", event.name(), event.source))?;
    store::sources::put(tx, &declared(source)).await?;
    let (outcome, detail) = match &event.what {
        What::NotModified { .. } => (Outcome::Unchanged, "the publisher says: not modified".to_owned()),
        What::Failed { reason, .. } => (Outcome::Failed(reason.clone()), reason.clone()),
        What::Retrieved { url, headers, sha256, bytes, .. } => {
            let retrieval = Retrieval {
                id: id(sha256, source.id),
                source_id: source.id.to_owned(),
                url: url.clone(),
                recorded_as: String::new(),
                retrieved_at: event.at,
                sha256: sha256.clone(),
                bytes: i64::try_from(*bytes).unwrap_or(i64::MAX),
                parser: crate::parser_name(source.id),
                feed: event.feed.clone(),
                headers: Json(headers.clone()),
            };
            store::sources::put_retrieval(tx, &retrieval).await?;
            let released = store::sources::release(tx, &retrieval.id).await?.is_some();
            let look = Look { plan, source, retrieval: &retrieval, event, released };
            look.payload(tx, bytes_of(event, payload)?).await?
        }
        What::Released { retrieval, because, .. } => {
            let Some(retrieval) = store::sources::retrieval(tx, retrieval).await? else {
                bail!("{}: the retrieval {retrieval} is not in the database", event.name())
            };
            let release = store::sources::Release {
                retrieval_id: retrieval.id.clone(),
                released_at: event.at,
                because: because.clone(),
            };
            let look = Look { plan, source, retrieval: &retrieval, event, released: true };
            let (outcome, detail) = look.payload(tx, bytes_of(event, payload)?).await?;
            store::sources::put_release(tx, &release).await?;
            match outcome {
                Outcome::Quarantined(reason) => bail!("it cannot be released: {reason}"),
                Outcome::New(rows) => (Outcome::Released(rows), detail),
                _ => (Outcome::Released(0), detail),
            }
        }
    };
    store::sources::put_check(tx, source.id, event.at, outcome.as_str(), &detail).await?;
    Ok(outcome)
}

/// The id of a retrieval: of these bytes, from this source.
#[must_use]
pub fn id(sha256: &str, source: &str) -> String {
    format!("{}-{source}", sha256.get(..16).unwrap_or_default())
}

fn bytes_of<'a>(event: &Event, payload: Option<&'a [u8]>) -> anyhow::Result<&'a [u8]> {
    payload.with_context(|| format!("{}: its payload is missing", event.name()))
}

/// Reads a payload with the feed that it came from: what a row says depends on the bytes and this time alone.
///
/// # Errors
/// The reason why it is not accepted.
pub fn read(
    source: &Source,
    feed: &Feed,
    bytes: &[u8],
    issued_at: DateTime<Utc>,
    released: bool,
) -> Result<Parsed, Refusal> {
    let bytes = crate::body::unpack(bytes)?;
    let parsed = (feed.parse)(&bytes, &Context { issued_at, file: feed.name })?;
    let rules = if released { released_rules(source.rules) } else { source.rules };
    // How long the table must be is asked later, of the places that are kept.
    validation::check(parsed, &rules, 0)
}

/// What an operator may accept is what is only unlikely. What cannot be stored without contradiction stays refused:
/// a cell with two values, a day after its issue, a week without its end.
fn released_rules(rules: Rules) -> Rules {
    Rules { corrections: true, min_places: 0, first_day: (1, 1, 1), ..rules }
}

struct Look<'a> {
    plan: &'a Plan,
    source: &'static Source,
    retrieval: &'a Retrieval,
    event: &'a Event,
    released: bool,
}

impl Look<'_> {
    async fn payload(&self, tx: &mut PgConnection, bytes: &[u8]) -> anyhow::Result<(Outcome, String)> {
        // A released payload was issued when it came, whenever the operator accepted it.
        let at = if self.released { self.retrieval.retrieved_at } else { self.event.at };
        let Some(feed) = self.source.feed(&self.event.feed) else {
            let why =
                format!("this program has no parser for the table {} of {}", self.event.feed, self.source.id);
            return self.refuse(tx, why, 0).await;
        };
        // The issue time is part of an id, which counts in seconds.
        match read(self.source, feed, bytes, at.trunc_subsecs(0), self.released) {
            Ok(parsed) => self.append(tx, parsed).await,
            Err(reason) => self.refuse(tx, reason.to_string(), 0).await,
        }
    }

    /// Appends what differs from what is known, in the places that the country needs.
    async fn append(&self, tx: &mut PgConnection, parsed: Parsed) -> anyhow::Result<(Outcome, String)> {
        let id = self.source.id;
        let wanted = |r: &Row| self.plan.wants(id, r.signal.as_str(), &r.place);
        let mut rows: Vec<_> = parsed.rows.into_iter().filter(wanted).collect();
        let mut log = self.known(tx, &rows).await?;
        // Of a table, how it stands beside what is known; a log of changes says nothing about the rest.
        if !self.released && !parsed.changes_only {
            let rules = &self.source.rules;
            let like = validation::long_enough(rows.len(), rules, log.len())
                .and_then(|()| validation::against_known(&rows, rules, &log.newest()));
            if let Err(reason) = like.map_err(|r| r.to_string()) {
                // What an operator accepted once, a week that never comes, is not held against every later payload.
                if !store::sources::reason_released(tx, self.source.id, &reason).await? {
                    return self.refuse(tx, reason, rows.len()).await;
                }
            }
        }
        if self.source.rules.complete {
            let withdrawn = log.withdrawn(&rows);
            rows.extend(withdrawn);
        }
        places_of(tx, &rows).await?;
        // What is known is payload 0 and wins; what says something new about its cell is left of payload 1.
        log.add(rows, 1);
        let new = self.points(log)?;
        for (reason, rows) in &parsed.quarantined {
            self.set_aside(tx, reason, *rows, false).await?;
        }
        let retrieval = &self.retrieval.id;
        match store::observations::append(tx, &new).await? {
            0 => Ok((Outcome::Unchanged, format!("{retrieval}: nothing new"))),
            count => Ok((Outcome::New(count), format!("{retrieval}: {count} new values"))),
        }
    }

    /// What the database says of the signals of `rows`.
    async fn known(&self, tx: &mut PgConnection, rows: &[Row]) -> anyhow::Result<changes::Log> {
        let signals: BTreeSet<_> = rows.iter().map(|r| &r.signal).collect();
        let mut log = changes::Log::default();
        for signal in signals {
            let known =
                store::observations::revisions(tx, signal.as_str(), self.source.id, self.event.at).await?;
            for known in known {
                let cell = (signal.clone(), known.place_id.parse()?, known.reference_date);
                log.add_known(cell, known.issued_at, known.value, known.status.parse()?);
            }
        }
        Ok(log)
    }

    fn points(&self, log: changes::Log) -> anyhow::Result<Vec<NewPoint>> {
        let source = SourceId::new(self.source.id)?;
        let mut new = Vec::new();
        for ((signal, place, reference_date), issues) in log.fold().0 {
            for issue in issues.into_iter().filter(|i| i.payload == 1) {
                new.push(NewPoint {
                    key: ObservationKey {
                        signal: signal.clone(),
                        source: source.clone(),
                        place: place.clone(),
                        reference_date,
                        issued_at: issue.issued_at,
                    },
                    value: issue.value,
                    status: issue.status,
                    retrieval_id: self.retrieval.id.clone(),
                    seen_at: self.event.at,
                });
            }
        }
        Ok(new)
    }

    async fn refuse(
        &self,
        tx: &mut PgConnection,
        reason: String,
        rows: usize,
    ) -> anyhow::Result<(Outcome, String)> {
        self.set_aside(tx, &reason, rows as u64, true).await?;
        let retrieval = &self.retrieval.id;
        tracing::warn!(source = self.source.id, retrieval, %reason, "payload {retrieval} set aside");
        Ok((Outcome::Quarantined(reason.clone()), reason))
    }

    async fn set_aside(
        &self,
        tx: &mut PgConnection,
        reason: &str,
        rows: u64,
        whole: bool,
    ) -> sqlx::Result<()> {
        let set_aside = SetAside {
            retrieval_id: self.retrieval.id.clone(),
            source_id: self.source.id.to_owned(),
            reason: reason.to_owned(),
            row_count: i64::try_from(rows).unwrap_or(i64::MAX),
            noticed_at: self.event.at,
            whole,
        };
        store::sources::put_quarantine(tx, &set_aside).await
    }
}

/// Writes the places that the database lacks: a country may begin to report.
async fn places_of(tx: &mut PgConnection, rows: &[Row]) -> anyhow::Result<()> {
    let there: BTreeSet<String> = store::places::ids(tx).await?.into_iter().collect();
    let mut missing = BTreeMap::new();
    for row in rows.iter().filter(|r| !there.contains(r.place.as_str())) {
        let mut id = row.place.to_string();
        let mut around = Vec::new();
        while let Some(place) = crate::places::find(&id).filter(|p| !there.contains(p.id.as_str())) {
            id.clone_from(&place.parent);
            around.push(place);
        }
        // The nation before its regions: a place names the one around it.
        for (depth, place) in around.into_iter().rev().enumerate() {
            missing.insert((depth, place.id.clone()), place);
        }
    }
    for place in missing.into_values() {
        store::places::put(tx, &place.to_stored()).await?;
    }
    Ok(())
}

fn declared(s: &Source) -> store::sources::Source {
    store::sources::Source {
        id: s.id.to_owned(),
        publisher: s.publisher.to_owned(),
        title: s.title.to_owned(),
        page_url: s.page_url.to_owned(),
        licence: s.licence.to_owned(),
        licence_url: s.licence_url.to_owned(),
        credit: s.credit.to_owned(),
        cadence: s.cadence.as_str().to_owned(),
        steps: s.transformations().into_iter().map(|s| s.as_str().to_owned()).collect(),
    }
}
