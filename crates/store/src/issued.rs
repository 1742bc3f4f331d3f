//! What was issued when, from the table `issue`: a few rows for each issue, however many values it has.

use crate::series::KnownBy;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

/// What there is of one signal from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The source.
    pub source_id: String,
    /// Rows, revisions included. Rows are only ever added, so this tells two states of the table apart.
    pub rows: i64,
    /// The first issue.
    pub first_issue: DateTime<Utc>,
    /// The last issue.
    pub last_issue: DateTime<Utc>,
    /// When the last of them was seen.
    pub last_seen: DateTime<Utc>,
    /// The earliest day or week that a value is about.
    pub first_date: NaiveDate,
    /// The latest one.
    pub last_date: NaiveDate,
}

/// What one append brought of one signal from one source with one issue time.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Issue {
    /// The source.
    pub source_id: String,
    /// When the publisher issued it.
    pub issued_at: DateTime<Utc>,
    /// Values.
    pub row_count: i64,
    /// The earliest day or week that a value is about.
    pub first_date: NaiveDate,
    /// The latest one.
    pub last_date: NaiveDate,
    /// When the first of the values was seen.
    pub first_seen: DateTime<Utc>,
    /// When the last one was.
    pub last_seen: DateTime<Utc>,
}

/// Everything that was ever issued of `signal`, by source and issue time.
///
/// # Errors
/// When the database does not answer.
pub async fn issues(conn: &mut PgConnection, signal: &str) -> sqlx::Result<Vec<Issue>> {
    sqlx::query_as(
        "select source_id, issued_at, row_count, first_date, last_date, first_seen, last_seen from issue
          where signal_id = $1 order by source_id, issued_at",
    )
    .bind(signal)
    .fetch_all(conn)
    .await
}

/// What there is of a signal, by source, as of a time, of its [`issues`]. An issue of which a part was seen by then
/// counts whole.
#[must_use]
pub fn coverage(issues: &[Issue], as_of: DateTime<Utc>, by: KnownBy) -> Vec<Coverage> {
    let mut all: Vec<Coverage> = Vec::new();
    let known = |i: &&Issue| i.issued_at <= as_of && (!by.sight() || i.first_seen <= as_of);
    for i in issues.iter().filter(known) {
        match all.last_mut().filter(|c| c.source_id == i.source_id) {
            Some(c) => {
                c.rows += i.row_count;
                c.last_issue = c.last_issue.max(i.issued_at);
                c.last_seen = c.last_seen.max(i.last_seen);
                c.first_date = c.first_date.min(i.first_date);
                c.last_date = c.last_date.max(i.last_date);
            }
            None => all.push(Coverage {
                source_id: i.source_id.clone(),
                rows: i.row_count,
                first_issue: i.issued_at,
                last_issue: i.issued_at,
                last_seen: i.last_seen,
                first_date: i.first_date,
                last_date: i.last_date,
            }),
        }
    }
    all
}

/// When the first value of one source became known, in any place, of the [`issues`] of a signal: why an earlier question has
/// no answer.
#[must_use]
pub fn first_known(issues: &[Issue], source: &str, by: KnownBy) -> Option<DateTime<Utc>> {
    let known = |i: &Issue| if by.sight() { i.issued_at.max(i.first_seen) } else { i.issued_at };
    issues.iter().filter(|i| i.source_id == source).map(known).min()
}

/// What tells two states of the database apart: two answers are equal only if nothing was committed in between (by anybody, in
/// any table) and the server was not started anew.
///
/// # Errors
/// When the database does not answer.
pub async fn state(conn: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query_scalar("select pg_postmaster_start_time()::text || ' ' || pg_current_snapshot()::text")
        .fetch_one(conn)
        .await
}

/// The days (UTC) on which one of `sources` issued something for `signal`, in order; or `only` that one, if so.
///
/// # Errors
/// When the database does not answer.
pub async fn days(
    conn: &mut PgConnection,
    signal: &str,
    sources: &[String],
    only: Option<NaiveDate>,
) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar(
        "select distinct (issued_at at time zone 'UTC')::date as day
           from issue
          where signal_id = $1 and source_id = any($2)
            and ($3::date is null or (issued_at >= $3::timestamp at time zone 'UTC'
                                      and issued_at < ($3 + 1)::timestamp at time zone 'UTC'))
          order by day",
    )
    .bind(signal)
    .bind(sources)
    .bind(only)
    .fetch_all(conn)
    .await
}
