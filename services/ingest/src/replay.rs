//! The database from the archive: all of it, or what it has not seen yet.

use crate::apply::{self, Outcome};
use crate::archive::Archive;
use crate::event;
use crate::load::Plan;
use anyhow::Context as _;
use sqlx::PgPool;
use std::collections::HashSet;

/// What a replay did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Events that were applied.
    pub events: u64,
    /// Values that they added.
    pub values: u64,
    /// Events that the database knew.
    pub known: u64,
}

/// Applies, in the order of their times, the events of `archive` that the database does not know. On a database that
/// holds only what it held before the first event (the schema and the same extract) that is all of them, and its
/// tables then equal those of the database that the archive was written beside: `vigie export` writes the same bytes.
///
/// # Errors
/// When the archive or the database fails, or an event cannot be applied, which is named; what came before it stays.
pub async fn catch_up(db: &PgPool, archive: &Archive, plan: &Plan) -> anyhow::Result<Replayed> {
    let names = archive.events().await?;
    let known: HashSet<String> = {
        let mut conn = db.acquire().await.context("the database does not answer")?;
        let looks = store::sources::check_times(&mut conn).await?;
        looks.into_iter().map(|(source, at)| event::stem(at, &source)).collect()
    };
    let mut done = Replayed::default();
    for name in names {
        let file = name.rsplit('/').next().unwrap_or(&name);
        // Time, its fraction, source; then the table.
        let stem = file.match_indices('.').nth(2).map_or(file, |(end, _)| &file[..end]);
        if known.contains(stem) {
            done.known += 1;
            continue;
        }
        let event = archive.event(&name).await?;
        let payload = match event.sha256() {
            Some(sha256) => Some(archive.payload(sha256).await?),
            None => None,
        };
        let mut tx = db.begin().await.context("the database does not answer")?;
        store::sources::take_turn(&mut tx).await?;
        let outcome = apply::apply(&mut tx, plan, &event, payload.as_deref())
            .await
            .with_context(|| format!("the event {name} cannot be applied"))?;
        tx.commit().await?;
        tracing::info!(event = name, outcome = outcome.as_str(), "replayed {name}");
        done.events += 1;
        if let Outcome::New(values) | Outcome::Released(values) = outcome {
            done.values += values;
        }
    }
    Ok(done)
}
