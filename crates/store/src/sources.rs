//! Publishers' tables, their payloads, and when we last looked.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A publisher's table.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Source {
    /// Its id: `owid-mpox`.
    pub id: String,
    /// Who publishes it.
    pub publisher: String,
    /// What the publisher calls it.
    pub title: String,
    /// Where a person can read about it.
    pub page_url: String,
    /// Short name of the licence.
    pub licence: String,
    /// The licence's text.
    pub licence_url: String,
    /// The words that the licence asks for.
    pub credit: String,
    /// How often it is published, as a word: `daily`, `weekly`.
    pub cadence: String,
}

/// One payload of a publisher.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Retrieval {
    /// Its id.
    pub id: String,
    /// The table it belongs to.
    pub source_id: String,
    /// Where it was fetched.
    pub url: String,
    /// Where the recording keeps it; empty for a live one.
    pub recorded_as: String,
    /// When it was fetched.
    pub retrieved_at: DateTime<Utc>,
    /// SHA-256 of the payload, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: i64,
    /// Name and version of the parser that read it.
    pub parser: String,
}

/// Writes what a source says of itself; a changed declaration replaces the old one.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut PgConnection, s: &Source) -> sqlx::Result<()> {
    sqlx::query(
        "insert into source (id, publisher, title, page_url, licence, licence_url, credit, cadence)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (id) do update set publisher = excluded.publisher, title = excluded.title,
             page_url = excluded.page_url, licence = excluded.licence, licence_url = excluded.licence_url,
             credit = excluded.credit, cadence = excluded.cadence",
    )
    .bind(&s.id)
    .bind(&s.publisher)
    .bind(&s.title)
    .bind(&s.page_url)
    .bind(&s.licence)
    .bind(&s.licence_url)
    .bind(&s.credit)
    .bind(&s.cadence)
    .execute(conn)
    .await?;
    Ok(())
}

/// All sources, by id.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<Source>> {
    sqlx::query_as("select * from source order by id").fetch_all(conn).await
}

/// One source.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Source>> {
    sqlx::query_as("select * from source where id = $1").bind(id).fetch_optional(conn).await
}

/// Records a payload; the same payload twice is one row.
///
/// # Errors
/// When the database refuses.
pub async fn put_retrieval(conn: &mut PgConnection, r: &Retrieval) -> sqlx::Result<()> {
    sqlx::query(
        "insert into retrieval (id, source_id, url, recorded_as, retrieved_at, sha256, bytes, parser)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing",
    )
    .bind(&r.id)
    .bind(&r.source_id)
    .bind(&r.url)
    .bind(&r.recorded_as)
    .bind(r.retrieved_at)
    .bind(&r.sha256)
    .bind(r.bytes)
    .bind(&r.parser)
    .execute(conn)
    .await?;
    Ok(())
}

/// One payload.
///
/// # Errors
/// When the database does not answer.
pub async fn retrieval(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Retrieval>> {
    sqlx::query_as("select * from retrieval where id = $1").bind(id).fetch_optional(conn).await
}

/// Writes down that a source was looked at.
///
/// # Errors
/// When the database refuses.
pub async fn put_check(
    conn: &mut PgConnection,
    source: &str,
    at: DateTime<Utc>,
    outcome: &str,
    detail: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into source_check (source_id, checked_at, outcome, detail) values ($1, $2, $3, $4)
         on conflict (source_id, checked_at) do nothing",
    )
    .bind(source)
    .bind(at)
    .bind(outcome)
    .bind(detail)
    .execute(conn)
    .await?;
    Ok(())
}

/// When `source` was last looked at, not later than `as_of`: time, outcome, detail.
///
/// # Errors
/// When the database does not answer.
pub async fn last_check(
    conn: &mut PgConnection,
    source: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Option<(DateTime<Utc>, String, String)>> {
    sqlx::query_as(
        "select checked_at, outcome, detail from source_check
         where source_id = $1 and checked_at <= $2 order by checked_at desc limit 1",
    )
    .bind(source)
    .bind(as_of)
    .fetch_optional(conn)
    .await
}

/// Sets something aside, with the reason; the same thing for the same reason is one entry.
///
/// # Errors
/// When the database refuses.
pub async fn put_quarantine(
    conn: &mut PgConnection,
    retrieval: &Retrieval,
    reason: &str,
    rows: i64,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into quarantine (source_id, retrieval_id, reason, row_count, noticed_at) values ($1, $2, $3, $4, $5)
         on conflict (retrieval_id, reason) do nothing",
    )
    .bind(&retrieval.source_id)
    .bind(&retrieval.id)
    .bind(reason)
    .bind(rows)
    .bind(at)
    .execute(conn)
    .await?;
    Ok(())
}

/// How many rows of `source` were set aside until `as_of`, and when that last happened.
///
/// # Errors
/// When the database does not answer.
pub async fn quarantined(
    conn: &mut PgConnection,
    source: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    sqlx::query_as(
        "select coalesce(sum(row_count), 0)::bigint, max(noticed_at) from quarantine
          where source_id = $1 and noticed_at <= $2",
    )
    .bind(source)
    .bind(as_of)
    .fetch_one(conn)
    .await
}

/// Why rows of `source` were set aside until `as_of`, the newest first: the reason, how many rows, and when.
///
/// # Errors
/// When the database does not answer.
pub async fn quarantine_reasons(
    conn: &mut PgConnection,
    source: &str,
    as_of: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<(String, i64, DateTime<Utc>)>> {
    sqlx::query_as(
        "select reason, row_count, noticed_at from quarantine
          where source_id = $1 and noticed_at <= $2 order by noticed_at desc, reason limit $3",
    )
    .bind(source)
    .bind(as_of)
    .bind(most)
    .fetch_all(conn)
    .await
}
