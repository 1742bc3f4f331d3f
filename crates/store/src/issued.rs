//! What was issued when, from the table `issue`: a few rows for each issue, however many values it has.

use crate::series::KnownBy;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

/// What there is of one signal from one source.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Coverage {
    /// The signal.
    pub signal_id: String,
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

macro_rules! coverage_sql {
    ($signal:literal) => {
        concat!(
            "select signal_id, source_id, sum(row_count)::bigint as rows, min(issued_at) as first_issue,
                    max(issued_at) as last_issue, max(last_seen) as last_seen, min(first_date) as first_date,
                    max(last_date) as last_date
               from issue
              where ",
            $signal,
            " and issued_at <= $2 and (not $3 or first_seen <= $2)
              group by signal_id, source_id order by signal_id, source_id"
        )
    };
}

/// What there is of `signal`, by source, as of a time; of all signals when `signal` is `None`. An issue of which a part
/// was seen by then counts whole.
///
/// # Errors
/// When the database does not answer.
pub async fn coverage(
    conn: &mut PgConnection,
    signal: Option<&str>,
    as_of: DateTime<Utc>,
    by: KnownBy,
) -> sqlx::Result<Vec<Coverage>> {
    // Two texts: a bound written as "$1 is null or …" is no bound for an index once the plan is kept.
    let query = match signal {
        Some(_) => coverage_sql!("signal_id = $1"),
        None => coverage_sql!("$1::text is null"),
    };
    sqlx::query_as(query).bind(signal).bind(as_of).bind(by.sight()).fetch_all(conn).await
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

/// When the first value of `signal` by `source` became known, in any place: why an earlier question has no answer.
///
/// # Errors
/// When the database does not answer.
pub async fn first_known(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    by: KnownBy,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "select min(case when $3 then greatest(issued_at, first_seen) else issued_at end)
           from issue where signal_id = $1 and source_id = $2",
    )
    .bind(signal)
    .bind(source)
    .bind(by.sight())
    .fetch_one(conn)
    .await
}
