//! One look at one table: ask, keep, parse, validate, append, write down.

use super::fetch::{self, Answer};
use super::keep::Keep;
use crate::load::Plan;
use crate::source::{Feed, Source};
use crate::{Context, Parsed, Refusal, Row, changes, validation};
use anyhow::Context as _;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use domain::{ObservationKey, SourceId};
use sqlx::{Connection as _, PgConnection, PgPool};
use std::collections::BTreeSet;
use store::observations::NewPoint;
use store::sources::Retrieval;

/// A table to look at.
#[derive(Debug, Clone)]
pub struct Job {
    /// Whose table.
    pub source: &'static Source,
    /// Which of its tables.
    pub feed: &'static Feed,
    /// Where.
    pub url: String,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// New values, so many.
    New(u64),
    /// Nothing that was not known.
    Unchanged,
    /// A payload that is not accepted; the last good data stay.
    Quarantined(String),
    /// No payload.
    Failed {
        /// In words.
        reason: String,
        /// How long the publisher asks us to wait.
        retry_after: Option<TimeDelta>,
        /// Is it worth trying again before the next regular look?
        again: bool,
    },
}

impl Found {
    fn outcome(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Unchanged => "unchanged",
            Self::Quarantined(_) => "quarantined",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Looks at tables for one country.
#[derive(Debug)]
pub struct Checker {
    /// The surveillance database.
    pub db: PgPool,
    /// Asks.
    pub client: reqwest::Client,
    /// Keeps what came.
    pub keep: Keep,
    /// What the country needs.
    pub plan: Plan,
}

impl Checker {
    /// When this source last answered: after a restart, what failed is asked again at once.
    pub async fn last_check(&self, job: &Job) -> Option<DateTime<Utc>> {
        let mut conn = self.db.acquire().await.ok()?;
        let check = store::sources::last_check(&mut conn, job.source.id, kit::wall()).await.ok()??;
        (check.1 != "failed").then_some(check.0)
    }

    /// Looks once, at `now`, and writes down what came of it.
    ///
    /// # Errors
    /// When the database or the disk fails; a publisher's failure is a [`Found`].
    pub async fn check(&self, job: &Job, now: DateTime<Utc>) -> anyhow::Result<Found> {
        let have = self.keep.validators(job.source.id, job.feed.name);
        let answer = fetch::get(&self.client, &job.url, &have, now).await?;
        let mut conn = self.db.acquire().await.context("the database does not answer")?;
        let mut tx = conn.begin().await?;
        store::sources::put(&mut tx, &declared(job.source)).await?;
        let (found, detail) = match answer {
            Answer::NotModified => (Found::Unchanged, "the publisher says: not modified".to_owned()),
            Answer::Failed { reason, retry_after, again } => {
                (Found::Failed { reason: reason.clone(), retry_after, again }, reason)
            }
            Answer::Body(bytes, validators) => {
                let sha256 = crate::body::sha256(&bytes);
                self.keep.put(&sha256, &bytes)?;
                let (found, detail) = self.payload(&mut tx, job, &bytes, sha256, now).await?;
                if !matches!(found, Found::Quarantined(_)) {
                    self.keep.remember(job.source.id, job.feed.name, &validators)?;
                }
                (found, detail)
            }
        };
        store::sources::put_check(&mut tx, job.source.id, now, found.outcome(), &detail).await?;
        newest(job, store::observations::newest_date(&mut tx, job.source.id).await?, now);
        tx.commit().await?;
        metrics::counter!("ingest_checks_total", "source" => job.source.id, "outcome" => found.outcome())
            .increment(1);
        Ok(found)
    }

    async fn payload(
        &self,
        conn: &mut PgConnection,
        job: &Job,
        bytes: &[u8],
        sha256: String,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(Found, String)> {
        let retrieval = Retrieval {
            id: format!("{}-{}", sha256.get(..16).unwrap_or_default(), job.source.id),
            source_id: job.source.id.to_owned(),
            url: job.url.clone(),
            recorded_as: String::new(),
            retrieved_at: now,
            sha256,
            bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            parser: crate::parser_name(job.source.id),
        };
        store::sources::put_retrieval(conn, &retrieval).await?;
        // The issue time is part of an id, which counts in seconds.
        match read(job, bytes, now.trunc_subsecs(0)) {
            Ok(parsed) => self.append(conn, job, parsed, &retrieval, now).await,
            Err(reason) => refuse(conn, &retrieval, &reason, 0, now).await,
        }
    }

    /// Appends what differs from what is known, in the places that the country needs.
    async fn append(
        &self,
        conn: &mut PgConnection,
        job: &Job,
        parsed: Parsed,
        retrieval: &Retrieval,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(Found, String)> {
        let source = SourceId::new(job.source.id)?;
        let wanted = |r: &Row| self.plan.wants(job.source.id, r.signal.as_str(), &r.place);
        let mut rows: Vec<_> = parsed.rows.into_iter().filter(wanted).collect();
        let signals: BTreeSet<_> = rows.iter().map(|r| r.signal.clone()).collect();
        let mut log = changes::Log::default();
        for signal in &signals {
            for known in store::observations::revisions(conn, signal.as_str(), job.source.id, now).await? {
                let cell = (signal.clone(), known.place_id.parse()?, known.reference_date);
                log.add_known(cell, known.issued_at, known.value, known.status.parse()?);
            }
        }
        if let Err(reason) = validation::long_enough(rows.len(), &job.source.rules, log.len()) {
            return refuse(conn, retrieval, &reason, rows.len(), now).await;
        }
        if job.source.rules.complete {
            let withdrawn = log.withdrawn(&rows);
            rows.extend(withdrawn);
        }
        places_of(conn, &rows).await?;
        // What is known is payload 0 and wins; what says something new about its cell is left of payload 1.
        log.add(rows, 1);
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
                    retrieval_id: retrieval.id.clone(),
                    seen_at: now,
                });
            }
        }
        for (reason, rows) in &parsed.quarantined {
            let rows = i64::try_from(*rows).unwrap_or(i64::MAX);
            store::sources::put_quarantine(conn, retrieval, reason, rows, now).await?;
        }
        match store::observations::append(conn, &new).await? {
            0 => Ok((Found::Unchanged, format!("{}: nothing new", retrieval.id))),
            count => Ok((Found::New(count), format!("{}: {count} new values", retrieval.id))),
        }
    }
}

/// Writes the places that the database lacks: a country may begin to report.
async fn places_of(conn: &mut PgConnection, rows: &[Row]) -> anyhow::Result<()> {
    let there: BTreeSet<String> = store::places::ids(conn).await?.into_iter().collect();
    let mut missing: Vec<_> = rows.iter().map(|r| r.place.as_str()).filter(|p| !there.contains(*p)).collect();
    missing.sort_unstable();
    missing.dedup();
    for id in missing {
        let mut around = crate::places::find(id).into_iter().collect::<Vec<_>>();
        while let Some(parent) = around.last().and_then(|p| crate::places::find(&p.parent)) {
            around.push(parent);
        }
        for place in around.into_iter().rev().filter(|p| !there.contains(p.id.as_str())) {
            store::places::put(conn, &place.to_stored()).await?;
        }
    }
    Ok(())
}

fn read(job: &Job, bytes: &[u8], issued_at: DateTime<Utc>) -> Result<Parsed, Refusal> {
    let bytes = crate::body::unpack(bytes)?;
    let parsed = (job.feed.parse)(&bytes, &Context { issued_at, file: job.feed.name })?;
    // How long the table must be is asked later, of the places that are kept.
    validation::check(parsed, &job.source.rules, 0)
}

async fn refuse(
    conn: &mut PgConnection,
    retrieval: &Retrieval,
    reason: &Refusal,
    rows: usize,
    now: DateTime<Utc>,
) -> anyhow::Result<(Found, String)> {
    let reason = reason.to_string();
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    store::sources::put_quarantine(conn, retrieval, &reason, rows, now).await?;
    tracing::warn!(source = %retrieval.source_id, retrieval = %retrieval.id, %reason, "payload {} set aside", retrieval.id);
    Ok((Found::Quarantined(reason.clone()), reason))
}

/// A source that dies silently goes on answering 200: what ages is its newest value, so that is measured.
fn newest(job: &Job, date: Option<chrono::NaiveDate>, now: DateTime<Utc>) {
    if let Some(date) = date {
        let days = (now.date_naive() - date).num_days();
        #[expect(clippy::cast_precision_loss, reason = "days of a few years")]
        metrics::gauge!("ingest_newest_value_age_days", "source" => job.source.id).set(days as f64);
    }
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
    }
}
