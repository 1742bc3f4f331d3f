//! Publishers' tables, their payloads, and when we last looked.

use chrono::{DateTime, Utc};
use domain::{Status, Step};
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeMap;

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
    /// What is done to its figures, in order: words of [`domain::Step`].
    pub steps: Vec<String>,
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
    /// Which table of the source; empty for what a recording holds.
    pub feed: String,
    /// Headers of the newest answer that brought these bytes, names in lower case.
    pub headers: Json<BTreeMap<String, String>>,
}

/// Something of a payload that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SetAside {
    /// The payload.
    pub retrieval_id: String,
    /// The table it belongs to.
    pub source_id: String,
    /// Why, in English.
    pub reason: String,
    /// How many rows; 0 when the payload could not be read as rows.
    pub row_count: i64,
    /// When.
    pub noticed_at: DateTime<Utc>,
    /// Was the whole payload refused?
    pub whole: bool,
}

/// A refused payload that an operator accepted all the same.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Release {
    /// The payload.
    pub retrieval_id: String,
    /// When.
    pub released_at: DateTime<Utc>,
    /// The operator's reason.
    pub because: String,
}

/// Writes what a source says of itself; a changed declaration replaces the old one.
///
/// # Errors
/// When the database refuses.
pub async fn put(conn: &mut PgConnection, s: &Source) -> sqlx::Result<()> {
    sqlx::query(
        "insert into source (id, publisher, title, page_url, licence, licence_url, credit, cadence, steps)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (id) do update set publisher = excluded.publisher, title = excluded.title,
             page_url = excluded.page_url, licence = excluded.licence, licence_url = excluded.licence_url,
             credit = excluded.credit, cadence = excluded.cadence, steps = excluded.steps",
    )
    .bind(&s.id)
    .bind(&s.publisher)
    .bind(&s.title)
    .bind(&s.page_url)
    .bind(&s.licence)
    .bind(&s.licence_url)
    .bind(&s.credit)
    .bind(&s.cadence)
    .bind(&s.steps)
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

/// Records a payload; the same payload twice is one row, with the headers of the newer answer.
///
/// # Errors
/// When the database refuses.
pub async fn put_retrieval(conn: &mut PgConnection, r: &Retrieval) -> sqlx::Result<()> {
    sqlx::query(
        "insert into retrieval (id, source_id, url, recorded_as, retrieved_at, sha256, bytes, parser, feed, headers)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do update set headers = excluded.headers",
    )
    .bind(&r.id)
    .bind(&r.source_id)
    .bind(&r.url)
    .bind(&r.recorded_as)
    .bind(r.retrieved_at)
    .bind(&r.sha256)
    .bind(r.bytes)
    .bind(&r.parser)
    .bind(&r.feed)
    .bind(&r.headers)
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
pub async fn put_quarantine(conn: &mut PgConnection, q: &SetAside) -> sqlx::Result<()> {
    sqlx::query(
        "insert into quarantine (source_id, retrieval_id, reason, row_count, noticed_at, whole)
         values ($1, $2, $3, $4, $5, $6) on conflict (retrieval_id, reason) do nothing",
    )
    .bind(&q.source_id)
    .bind(&q.retrieval_id)
    .bind(&q.reason)
    .bind(q.row_count)
    .bind(q.noticed_at)
    .bind(q.whole)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that an operator accepted a refused payload.
///
/// # Errors
/// When the database refuses, for instance because it was released before.
pub async fn put_release(conn: &mut PgConnection, r: &Release) -> sqlx::Result<()> {
    sqlx::query("insert into release (retrieval_id, released_at, because) values ($1, $2, $3)")
        .bind(&r.retrieval_id)
        .bind(r.released_at)
        .bind(&r.because)
        .execute(conn)
        .await?;
    Ok(())
}

/// The release of a payload, if an operator accepted it.
///
/// # Errors
/// When the database does not answer.
pub async fn release(conn: &mut PgConnection, retrieval: &str) -> sqlx::Result<Option<Release>> {
    sqlx::query_as("select * from release where retrieval_id = $1").bind(retrieval).fetch_optional(conn).await
}

/// What was done to the publisher's figure that became a value of this status, read from this payload, in order; and the
/// release, where an operator let the payload in.
///
/// # Errors
/// When the database does not answer, or holds a word that is no step.
pub async fn steps(
    conn: &mut PgConnection,
    source: &Source,
    status: &str,
    retrieval: &str,
) -> sqlx::Result<(Vec<Step>, Option<Release>)> {
    let words = source.steps.iter().map(|word| word.parse()).collect::<Result<Vec<Step>, _>>();
    let mut steps = words.map_err(|e| sqlx::Error::Decode(e.into()))?;
    if status == Status::Withdrawn.as_str() {
        // Nothing was taken from the table: that is what it says.
        steps.retain(|s| matches!(s, Step::WeekEnd | Step::EndOfDay));
        steps.push(Step::Withdrawn);
    }
    let release = release(conn, retrieval).await?;
    steps.extend(release.as_ref().map(|_| Step::Released));
    Ok((steps, release))
}

/// The releases of payloads of `source` until `as_of`, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn releases(
    conn: &mut PgConnection,
    source: &str,
    as_of: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<Release>> {
    sqlx::query_as(
        "select r.* from release r join retrieval on retrieval.id = retrieval_id
          where source_id = $1 and released_at <= $2 order by released_at desc, retrieval_id limit $3",
    )
    .bind(source)
    .bind(as_of)
    .bind(most)
    .fetch_all(conn)
    .await
}

/// Did an operator accept a payload of `source` that was refused whole for this very reason?
///
/// # Errors
/// When the database does not answer.
pub async fn reason_released(conn: &mut PgConnection, source: &str, reason: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (select from quarantine q join release r using (retrieval_id)
                         where q.source_id = $1 and q.whole and q.reason = $2)",
    )
    .bind(source)
    .bind(reason)
    .fetch_one(conn)
    .await
}

/// Payloads that this installation fetched, refused whole and did not release, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn refused(conn: &mut PgConnection) -> sqlx::Result<Vec<SetAside>> {
    sqlx::query_as(
        "select q.retrieval_id, q.source_id, q.reason, q.row_count, q.noticed_at, q.whole
           from quarantine q join retrieval r on r.id = q.retrieval_id
          where q.whole and r.recorded_as = '' and not exists
                (select from release where release.retrieval_id = q.retrieval_id)
          order by q.noticed_at desc, q.retrieval_id",
    )
    .fetch_all(conn)
    .await
}

/// The newest payload of a table that was accepted, if there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn last_accepted(
    conn: &mut PgConnection,
    source: &str,
    feed: &str,
) -> sqlx::Result<Option<Retrieval>> {
    sqlx::query_as(
        "select * from retrieval r
          where source_id = $1 and feed = $2
            and (not exists (select from quarantine q where q.retrieval_id = r.id and q.whole)
                 or exists (select from release where release.retrieval_id = r.id))
          order by retrieved_at desc, id limit 1",
    )
    .bind(source)
    .bind(feed)
    .fetch_optional(conn)
    .await
}

/// Was the newest answer of the table that `signal` in `place` comes from refused as a whole, as far as was known at `as_of`? It
/// no longer is once an operator releases it or a later one is accepted. Recorded payloads do not count: they were chosen.
///
/// # Errors
/// When the database does not answer.
pub async fn input_refused(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    place: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "select exists (
            select from quarantine q join retrieval r on r.id = q.retrieval_id
             where q.source_id = $2 and q.whole and q.noticed_at <= $4 and r.feed <> ''
               and not exists (select from release l where l.retrieval_id = r.id and l.released_at <= $4)
               and not exists (select from retrieval later
                                where later.source_id = r.source_id and later.feed = r.feed
                                  and later.retrieved_at > r.retrieved_at and later.retrieved_at <= $4
                                  and not exists (select from quarantine x
                                                   where x.retrieval_id = later.id and x.whole
                                                     and not exists (select from release l
                                                                      where l.retrieval_id = x.retrieval_id
                                                                        and l.released_at <= $4)))
               and r.feed = coalesce(
                   (select nullif(known.feed, '')
                      from series s
                     cross join lateral (select payload_key from observation_row
                                          where series_key = s.key and issued_at <= $4
                                          order by reference_date desc, issued_at desc limit 1) o
                      join payload p on p.key = o.payload_key
                      join retrieval known on known.id = p.retrieval_id
                     where s.signal_id = $1 and s.source_id = $2 and s.place_id = $3), r.feed))",
    )
    .bind(signal)
    .bind(source)
    .bind(place)
    .bind(as_of)
    .fetch_one(conn)
    .await
}

/// Every time at which a source was looked at: what the archive remembers and is not here was not applied yet.
///
/// # Errors
/// When the database does not answer.
pub async fn check_times(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
    sqlx::query_as("select source_id, checked_at from source_check").fetch_all(conn).await
}

/// Waits until nobody else applies an answer or a release, until the end of the transaction: the order in which they
/// are applied is the order of their times.
///
/// # Errors
/// When the database does not answer.
pub async fn take_turn(tx: &mut PgConnection) -> sqlx::Result<()> {
    // Any number that nothing else in this database locks.
    sqlx::query("select pg_advisory_xact_lock(7311)").execute(tx).await?;
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
