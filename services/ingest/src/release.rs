//! An operator accepts a payload that was refused.

use crate::apply::{self, Outcome};
use crate::archive::Archive;
use crate::event::{Event, What};
use crate::load::Plan;
use crate::replay;
use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, SubsecRound as _, Utc};
use sqlx::PgPool;

/// Accepts the payload of the retrieval `id` for the reason `because` and returns how many values are new. Its values
/// were issued when the payload came and are seen by this platform at `clock`; the decision itself goes into the
/// archive, so that a replay makes it again.
///
/// # Errors
/// When there is no such refused payload, when a later one of the same table was accepted (it says more), or when the
/// payload is not only unlikely but cannot be read.
pub async fn release(
    db: &PgPool,
    archive: &Archive,
    plan: &Plan,
    id: &str,
    because: &str,
    clock: &(dyn Fn() -> DateTime<Utc> + Sync),
) -> anyhow::Result<u64> {
    ensure!(!because.trim().is_empty(), "say why it is accepted: --because \"…\"");
    replay::catch_up(db, archive, plan).await?;
    let mut tx = db.begin().await.context("the database does not answer")?;
    store::sources::take_turn(&mut tx).await?;
    let Some(retrieval) = store::sources::retrieval(&mut tx, id).await? else {
        bail!("there is no retrieval {id}; `vigie ingest refused` lists those that can be released")
    };
    if let Some(before) = store::sources::release(&mut tx, id).await? {
        bail!("{id} was released on {}: {}", before.released_at.format("%F %T UTC"), before.because);
    }
    let refused = store::sources::refused(&mut tx).await?;
    ensure!(
        refused.iter().any(|q| q.retrieval_id == id),
        "{id} was not refused: there is nothing to release"
    );
    let later = store::sources::last_accepted(&mut tx, &retrieval.source_id, &retrieval.feed).await?;
    if let Some(later) = later.filter(|l| l.retrieved_at > retrieval.retrieved_at) {
        bail!(
            "a later payload of this table, {}, was accepted on {}: what it says replaces {id}",
            later.id,
            later.retrieved_at.format("%F %T UTC")
        );
    }
    let payload = archive.payload(&retrieval.sha256).await?;
    let event = Event {
        at: clock().trunc_subsecs(6),
        source: retrieval.source_id.clone(),
        feed: retrieval.feed.clone(),
        what: What::Released {
            retrieval: id.to_owned(),
            sha256: retrieval.sha256.clone(),
            because: because.trim().to_owned(),
        },
    };
    let outcome = apply::apply(&mut tx, plan, &event, Some(&payload)).await?;
    // Only a decision that can be applied is remembered. When the commit fails after this, the next start applies it.
    archive.put_event(&event).await?;
    tx.commit().await?;
    tracing::warn!(retrieval = id, because, "payload {id} released by an operator");
    match outcome {
        Outcome::Released(values) => Ok(values),
        other => bail!("releasing {id} came out as {}", other.as_str()),
    }
}
