//! The extract into the database: checked in full, only what a country needs, and only once.

mod plan;
mod read;

pub use plan::Plan;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::CountryProfile;
use read::Extract;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use store::loaded::{Check, LoadedFile};
use store::observations::NewPoint;
use store::sources::SetAside;

/// What a load did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Rows of this country in the extract.
    pub rows: u64,
    /// Rows that were not in the database before.
    pub new_rows: u64,
    /// Files whose rows were in the database before and were not read again.
    pub files_skipped: usize,
    /// Rows taken, by source and signal.
    pub by_signal: BTreeMap<(String, String), u64>,
}

/// Loads what the country's profile shows, and what its forecast models learn from, out of the extract in `data`.
/// Safe to repeat and to interrupt: each file is one transaction, and a loaded file is skipped by its hash.
///
/// # Errors
/// When a file is missing or breaks a rule (the message names file and line), or the database refuses.
pub async fn all(
    conn: &mut PgConnection,
    data: &Path,
    profile: &CountryProfile,
    now: DateTime<Utc>,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> anyhow::Result<Loaded> {
    let plan = Plan::of(profile);
    let extract = Extract::open(data)?;
    let mut done = Loaded::default();
    records(conn, &extract, &plan, now).await?;
    for (source, signal) in plan.files() {
        let path = format!("observations/{source}/{signal}.csv.gz");
        if plan.may_lack(source, signal) && !extract.has(&path) {
            continue;
        }
        let packed = extract.bytes(&path)?;
        let (sha256, scope) = (crate::body::sha256(&packed), plan.scope(source, signal));
        let rows = if let Some(rows) = store::loaded::rows_of(conn, &sha256, &scope).await? {
            done.files_skipped += 1;
            rows.unsigned_abs()
        } else {
            let points = extract
                .observations(&path, &packed, source, signal, |place| plan.takes(source, signal, place))?;
            progress(&format!("{source} {signal}: {} values", points.len()));
            places_of(conn, &extract, &points).await?;
            let new = store::observations::append(conn, &points)
                .await
                .with_context(|| format!("loading {path}"))?;
            done.new_rows += new;
            let rows = i64::try_from(points.len()).unwrap_or(i64::MAX);
            let file = LoadedFile { sha256: &sha256, scope: &scope, path: &path, rows };
            store::loaded::put(conn, &file, now).await?;
            points.len() as u64
        };
        done.rows += rows;
        done.by_signal.insert((source.to_owned(), signal.to_owned()), rows);
    }
    Ok(done)
}

/// Sources, places, payloads, looks and refusals: small tables, written again only when a file of theirs changed.
async fn records(
    conn: &mut PgConnection,
    extract: &Extract,
    plan: &Plan,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let sha256 = extract.records_sha256();
    let scope = plan.scope_of_records();
    if store::loaded::rows_of(conn, &sha256, &scope).await?.is_some() {
        return Ok(());
    }
    for id in plan.carried_sources() {
        let source = extract.sources.get(id).with_context(|| format!("sources.csv lacks the source {id}"))?;
        store::sources::put(conn, source).await?;
    }
    let places: Vec<_> = extract.places.values().filter(|p| plan.has(&p.id)).cloned().collect();
    store::places::put_all(conn, &places).await.context("the places of places.csv")?;
    let wanted: Vec<_> =
        extract.retrievals.values().filter(|r| plan.sources().contains(r.source_id.as_str())).collect();
    let refused: BTreeMap<_, _> = extract.quarantine.iter().map(|q| (q.retrieval.as_str(), q)).collect();
    let retrievals: Vec<_> = wanted.iter().map(|r| (*r).clone()).collect();
    store::loaded::put_retrievals(conn, &retrievals).await?;
    let checks: Vec<Check> = wanted
        .iter()
        .map(|r| {
            let reason = refused.get(r.id.as_str()).filter(|q| q.whole).map(|q| q.reason.clone());
            Check {
                source: r.source_id.clone(),
                at: r.retrieved_at,
                outcome: if reason.is_some() { "quarantined" } else { "new" },
                detail: reason.unwrap_or_else(|| r.recorded_as.clone()),
            }
        })
        .collect();
    store::loaded::put_checks(conn, &checks).await?;
    for entry in &extract.quarantine {
        if let Some(retrieval) = wanted.iter().find(|r| r.id == entry.retrieval) {
            let set_aside = SetAside {
                retrieval_id: retrieval.id.clone(),
                source_id: retrieval.source_id.clone(),
                reason: entry.reason.clone(),
                row_count: entry.rows,
                noticed_at: entry.noticed_at,
                whole: entry.whole,
            };
            store::sources::put_quarantine(conn, &set_aside).await?;
        }
    }
    let file = LoadedFile { sha256: &sha256, scope: &scope, path: "sources, places, retrievals", rows: 0 };
    store::loaded::put(conn, &file, now).await?;
    Ok(())
}

/// Foreign places that a model learns from, and looks inside payloads that hold several vintages.
async fn places_of(conn: &mut PgConnection, extract: &Extract, points: &[NewPoint]) -> anyhow::Result<()> {
    let ids: BTreeSet<&str> = points.iter().map(|p| p.key.place.as_str()).collect();
    let parents =
        ids.iter().filter_map(|id| extract.places.get(*id)?.parent.as_deref()).collect::<BTreeSet<_>>();
    let find = |id: &&str| extract.places.get(*id).cloned().with_context(|| format!("places.csv lacks {id}"));
    let places = parents.union(&ids).map(find).collect::<anyhow::Result<Vec<_>>>()?;
    store::places::put_all(conn, &places).await?;
    // A vintage inside a payload was there to be seen on its day, whenever the payload was copied.
    let inside: BTreeSet<_> = points
        .iter()
        .filter(|p| p.key.issued_at != p.seen_at)
        .map(|p| (p.key.source.to_string(), p.key.issued_at, p.retrieval_id.clone()))
        .collect();
    let checks: Vec<Check> = inside
        .into_iter()
        .map(|(source, at, detail)| Check {
            source,
            at,
            outcome: "new",
            detail: format!("a vintage inside {detail}"),
        })
        .collect();
    store::loaded::put_checks(conn, &checks).await?;
    Ok(())
}
