//! One look at one table: ask, keep the answer in the archive, and only then read it.

use super::fetch::{self, Answer, Headers};
use crate::apply::Outcome;
use crate::archive::Archive;
use crate::event::{Event, What};
use crate::load::Plan;
use crate::replay;
use crate::source::{Feed, Source};
use anyhow::Context as _;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use sqlx::PgPool;
use std::sync::atomic::{AtomicBool, Ordering};

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
pub struct Found {
    /// What came of it.
    pub outcome: Outcome,
    /// How long the publisher asks us to wait.
    pub retry_after: Option<TimeDelta>,
    /// Is it worth trying again before the next regular look?
    pub again: bool,
}

/// Looks at tables for one country.
#[derive(Debug)]
pub struct Checker {
    db: PgPool,
    client: reqwest::Client,
    archive: Archive,
    plan: Plan,
    /// May the archive hold an event that the database has not seen? After a start, and after a failure between the two.
    behind: AtomicBool,
}

impl Checker {
    /// Asks with `client`, keeps answers in `archive`, and appends what `plan` needs to `db`.
    #[must_use]
    pub fn new(db: PgPool, client: reqwest::Client, archive: Archive, plan: Plan) -> Self {
        Self { db, client, archive, plan, behind: AtomicBool::new(true) }
    }

    /// When this source last answered: after a restart, what failed is asked again at once.
    pub async fn last_check(&self, job: &Job) -> Option<DateTime<Utc>> {
        let mut conn = self.db.acquire().await.ok()?;
        let check = store::sources::last_check(&mut conn, job.source.id, kit::wall()).await.ok()??;
        (check.1 != "failed").then_some(check.0)
    }

    /// Looks once, and writes down what came of it at the time that `clock` then shows. The answer is in the archive
    /// before it is read; what the archive has and the database lacks is applied first.
    ///
    /// # Errors
    /// When the database or the archive fails; a publisher's failure is an [`Outcome`].
    pub async fn check(
        &self,
        job: &Job,
        clock: &(dyn Fn() -> DateTime<Utc> + Sync),
    ) -> anyhow::Result<Found> {
        if self.behind.load(Ordering::Relaxed) {
            replay::catch_up(&self.db, &self.archive, &self.plan).await?;
            self.behind.store(false, Ordering::Relaxed);
        }
        let answer = fetch::get(&self.client, &job.url, &self.have(job).await?, clock()).await?;
        let (mut retry_after, mut again, mut payload) = (None, false, None);
        let url = job.url.clone();
        let what = match answer {
            Answer::NotModified => What::NotModified { url },
            Answer::Failed { reason, retry_after: wait, again: soon } => {
                (retry_after, again) = (wait, soon);
                What::Failed { url, reason }
            }
            Answer::Body { bytes, status, headers } => {
                let sha256 = crate::body::sha256(&bytes);
                self.archive.put_payload(&sha256, &bytes).await?;
                let size = bytes.len() as u64;
                payload = Some(bytes);
                What::Retrieved { url, status, headers, sha256, bytes: size }
            }
        };
        let outcome = self.apply(job, what, payload, clock).await?;
        Ok(Found { outcome, retry_after, again })
    }

    async fn apply(
        &self,
        job: &Job,
        what: What,
        payload: Option<Vec<u8>>,
        clock: &(dyn Fn() -> DateTime<Utc> + Sync),
    ) -> anyhow::Result<Outcome> {
        let mut tx = self.db.begin().await.context("the database does not answer")?;
        store::sources::take_turn(&mut tx).await?;
        // Read only now: the order of the times is the order of the turns.
        let at = clock().trunc_subsecs(6);
        let event = Event { at, source: job.source.id.to_owned(), feed: job.feed.name.to_owned(), what };
        self.behind.store(true, Ordering::Relaxed);
        self.archive.put_event(&event).await?;
        let outcome = crate::apply::apply(&mut tx, &self.plan, &event, payload.as_deref()).await?;
        let newest = store::observations::newest_date(&mut tx, job.source.id).await?;
        tx.commit().await?;
        self.behind.store(false, Ordering::Relaxed);
        measure(job, &outcome, newest, at);
        Ok(outcome)
    }

    /// Headers of the payload that was last accepted: what was refused is asked for again in full.
    async fn have(&self, job: &Job) -> anyhow::Result<Headers> {
        let mut conn = self.db.acquire().await.context("the database does not answer")?;
        let last = store::sources::last_accepted(&mut conn, job.source.id, job.feed.name).await?;
        Ok(last.filter(|r| r.url == job.url).map(|r| r.headers.0).unwrap_or_default())
    }
}

/// A source that dies silently goes on answering 200: what ages is its newest value, so that is measured.
fn measure(job: &Job, outcome: &Outcome, newest: Option<chrono::NaiveDate>, now: DateTime<Utc>) {
    let source = job.source.id;
    metrics::counter!("ingest_checks_total", "source" => source, "outcome" => outcome.as_str()).increment(1);
    if let Some(date) = newest {
        let days = (now.date_naive() - date).num_days();
        #[expect(clippy::cast_precision_loss, reason = "days of a few years")]
        metrics::gauge!("ingest_newest_value_age_days", "source" => source).set(days as f64);
    }
}
