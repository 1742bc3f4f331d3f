//! Which files of the extract are already here, and their rows in bulk.

use crate::sources::Retrieval;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A file of the extract whose rows are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedFile<'a> {
    /// SHA-256 of the file as it lies in the extract.
    pub sha256: &'a str,
    /// Which of its rows were taken.
    pub scope: &'a str,
    /// Where it lies.
    pub path: &'a str,
    /// How many rows were taken.
    pub rows: i64,
}

/// How many rows were taken from this file, if it was loaded before.
///
/// # Errors
/// When the database does not answer.
pub async fn rows_of(conn: &mut PgConnection, sha256: &str, scope: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("select row_count from loaded_file where sha256 = $1 and scope = $2")
        .bind(sha256)
        .bind(scope)
        .fetch_optional(conn)
        .await
}

/// Notes that a file's rows are here.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut PgConnection, file: &LoadedFile<'_>, at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query(
        "insert into loaded_file (sha256, scope, path, row_count, loaded_at) values ($1, $2, $3, $4, $5)
         on conflict (sha256, scope) do nothing",
    )
    .bind(file.sha256)
    .bind(file.scope)
    .bind(file.path)
    .bind(file.rows)
    .bind(at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records many payloads in one statement; those that are there stay as they are.
///
/// # Errors
/// When the database refuses one, for instance because its source is not there.
pub async fn put_retrievals(conn: &mut PgConnection, all: &[Retrieval]) -> sqlx::Result<()> {
    let column = |f: fn(&Retrieval) -> &str| all.iter().map(f).map(str::to_owned).collect::<Vec<_>>();
    sqlx::query(
        "insert into retrieval (id, source_id, url, recorded_as, retrieved_at, sha256, bytes, parser)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
                              $7::bigint[], $8::text[])
         on conflict (id) do nothing",
    )
    .bind(column(|r| &r.id))
    .bind(column(|r| &r.source_id))
    .bind(column(|r| &r.url))
    .bind(column(|r| &r.recorded_as))
    .bind(all.iter().map(|r| r.retrieved_at).collect::<Vec<_>>())
    .bind(column(|r| &r.sha256))
    .bind(all.iter().map(|r| r.bytes).collect::<Vec<_>>())
    .bind(column(|r| &r.parser))
    .execute(conn)
    .await?;
    Ok(())
}

/// A look at a source: when, what came of it, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The source.
    pub source: String,
    /// When.
    pub at: DateTime<Utc>,
    /// `new`, `unchanged`, `quarantined`, `failed`.
    pub outcome: &'static str,
    /// What exactly.
    pub detail: String,
}

/// Writes down many looks in one statement; one source is looked at once at one time.
///
/// # Errors
/// When the database refuses one.
pub async fn put_checks(conn: &mut PgConnection, all: &[Check]) -> sqlx::Result<()> {
    sqlx::query(
        "insert into source_check (source_id, checked_at, outcome, detail)
         select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[])
         on conflict (source_id, checked_at) do nothing",
    )
    .bind(all.iter().map(|c| c.source.clone()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.at).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.outcome.to_owned()).collect::<Vec<_>>())
    .bind(all.iter().map(|c| c.detail.clone()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
