//! A value computed again from the bytes that its publisher sent.

use crate::apply;
use crate::archive::Archive;
use crate::recorded;
use crate::source::{Feed, Source};
use crate::{Parsed, sources};
use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, NaiveDate, SubsecRound as _, TimeDelta, Utc};
use domain::{ObservationKey, Status};
use sqlx::PgConnection;
use std::collections::HashMap;
use std::path::PathBuf;
use store::observations::Point;
use store::sources::Retrieval;

/// A value and its status.
pub type Content = (Option<f64>, Status);

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reproduced {
    /// What the database says.
    pub stored: Content,
    /// What the bytes say; `None` when the cell is not in them.
    pub computed: Option<Content>,
    /// The payload.
    pub retrieval: Retrieval,
    /// Name and version of the parser of this program.
    pub parser: String,
}

impl Reproduced {
    /// Do the bytes say what the database says? A cell that left a complete history was taken back: then its absence
    /// is what the bytes say.
    #[must_use]
    pub fn same(&self) -> bool {
        match self.computed {
            Some(computed) => computed == self.stored,
            None => self.stored.1 == Status::Withdrawn,
        }
    }
}

/// Signal, place, reference date and issue time in seconds.
type Cell = (String, String, NaiveDate, i64);

/// Two sources may read the same bytes; one that states its issue times inside reads the same at any time (`None`).
type Key = (String, String, Option<DateTime<Utc>>);

/// Where the bytes are: live payloads in the archive, those of the carried extract in the recording that it was made of.
#[derive(Debug)]
pub struct Reproducer {
    archive: Option<Archive>,
    recording: Option<PathBuf>,
    /// The payload read last, by source, hash and issue time: many values come from one.
    last: Option<(Key, HashMap<Cell, Content>)>,
}

impl Reproducer {
    /// Looks in `archive` and in the folder `recording`, as far as they are there.
    #[must_use]
    pub fn new(archive: Option<Archive>, recording: Option<PathBuf>) -> Self {
        Self { archive, recording, last: None }
    }

    /// Computes the value of that id again.
    ///
    /// # Errors
    /// When there is no such value, or its bytes are not to be had; the message says where they should be.
    pub async fn value(
        &mut self,
        conn: &mut PgConnection,
        key: &ObservationKey,
    ) -> anyhow::Result<Reproduced> {
        let far = kit::wall() + TimeDelta::days(36_500);
        let issues = store::observations::issues_of(conn, key, far).await?;
        let same = |p: &&Point| p.issued_at.trunc_subsecs(0) == key.issued_at.trunc_subsecs(0);
        let Some(point) = issues.iter().find(same) else { bail!("the database has no value {}", key.id()) };
        let retrieval = store::sources::retrieval(conn, &point.retrieval_id).await?;
        let retrieval = retrieval.with_context(|| format!("the retrieval {} is lost", point.retrieval_id))?;
        let released = store::sources::release(conn, &retrieval.id).await?.is_some();
        let cell =
            (key.signal.to_string(), key.place.to_string(), key.reference_date, key.issued_at.timestamp());
        let computed = self.content(&retrieval, point.issued_at, released).await?.get(&cell).copied();
        let stored = (point.value, point.status.parse()?);
        Ok(Reproduced { stored, computed, parser: crate::parser_name(&retrieval.source_id), retrieval })
    }

    async fn content(
        &mut self,
        retrieval: &Retrieval,
        issued_at: DateTime<Utc>,
        released: bool,
    ) -> anyhow::Result<&HashMap<Cell, Content>> {
        let known = self.last.as_ref().is_some_and(|((source, sha256, at), _)| {
            *source == retrieval.source_id
                && *sha256 == retrieval.sha256
                && at.is_none_or(|at| at == issued_at)
        });
        if !known {
            let source = sources::find(&retrieval.source_id)
                .with_context(|| format!("this program knows no source {}", retrieval.source_id))?;
            let (feed, bytes) = self.bytes(source, retrieval).await?;
            let read = |at| apply::read(source, feed, &bytes, at, released);
            let about = || format!("{} is not accepted by the parser of this program", retrieval.id);
            let parsed = read(issued_at).with_context(about)?;
            let inside = parsed.rows.iter().any(|r| r.issued_at != issued_at);
            let at = (!inside).then_some(issued_at);
            self.last = Some(((source.id.to_owned(), retrieval.sha256.clone(), at), index(parsed)));
        }
        self.last.as_ref().map(|(_, cells)| cells).context("nothing was read")
    }

    async fn bytes(
        &self,
        source: &'static Source,
        retrieval: &Retrieval,
    ) -> anyhow::Result<(&'static Feed, Vec<u8>)> {
        if retrieval.recorded_as.is_empty() {
            let feed = source.feed(&retrieval.feed);
            let feed = feed.with_context(|| format!("{} has no table {}", source.id, retrieval.feed))?;
            let archive = self.archive.as_ref().context("the archive is not there: set VIGIE_ARCHIVE")?;
            return Ok((feed, archive.payload(&retrieval.sha256).await?));
        }
        // A vintage inside a log is named after a `#`.
        let path = retrieval.recorded_as.split('#').next().unwrap_or_default();
        let Some(recording) = &self.recording else {
            bail!(
                "{} was read from the recording, which is not here: set VIGIE_SHARED to the folder that has {path} (sha256 {})",
                retrieval.id,
                retrieval.sha256
            )
        };
        let (feed, bytes) = recorded::one(recording, source, path)?;
        let sha256 = crate::body::sha256(&bytes);
        ensure!(sha256 == retrieval.sha256, "{path} of the recording has another hash: {sha256}");
        Ok((feed, bytes))
    }
}

fn index(parsed: Parsed) -> HashMap<Cell, Content> {
    let cell = |r: crate::Row| {
        let at = r.issued_at.timestamp();
        ((r.signal.to_string(), r.place.to_string(), r.reference_date, at), (r.value, r.status))
    };
    parsed.rows.into_iter().map(cell).collect()
}
