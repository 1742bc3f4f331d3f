//! Long reads in small pieces: one place at a time in index order, resumed by key, so that a whole signal can be
//! sent without holding it, a sort or a connection.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

/// A value with both of its times.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Point {
    /// The place.
    pub place_id: String,
    /// What the value is about: the day, or the last day of the week.
    pub reference_date: NaiveDate,
    /// When the publisher issued it.
    pub issued_at: DateTime<Utc>,
    /// When this platform, or the recording it carries, first had it.
    pub seen_at: DateTime<Utc>,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// A word of [`domain::Status`].
    pub status: String,
    /// The payload that it was read from.
    pub retrieval_id: String,
}

/// By which of its two times a value is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KnownBy {
    /// From its issue by the publisher on.
    #[default]
    Issue,
    /// From when it was both issued and seen by this platform: what a reader of this platform could know.
    Sight,
}

impl KnownBy {
    fn sight(self) -> bool {
        self == Self::Sight
    }
}

/// Which cells: one signal of one source in one place, between two dates (both inside), as of a time.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// What is counted.
    pub signal: &'a str,
    /// Who published it.
    pub source: &'a str,
    /// Where.
    pub place: &'a str,
    /// First reference date.
    pub from: Option<NaiveDate>,
    /// Last reference date.
    pub to: Option<NaiveDate>,
    /// What was known: nothing that became known later.
    pub as_of: DateTime<Utc>,
    /// By which time it became known.
    pub by: KnownBy,
}

// Bounds are written so that the index takes them: `$5 is null or …` would read a whole series for one date of it.

/// The values of `cells` as known, by date, after the date `after`, at most `limit`. With `lag`: each value as it
/// was known at the end of the `lag`-th day after its reference date; where that day has not come, there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn known(
    conn: &mut PgConnection,
    cells: &Cells<'_>,
    lag: Option<i32>,
    after: Option<NaiveDate>,
    limit: i64,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select $3 as place_id, o.reference_date, o.issued_at, o.seen_at, o.value, o.status::text as status,
                p.retrieval_id
           from (select distinct on (reference_date) * from observation_row
          where series_key = (select key from series where signal_id = $1 and source_id = $2 and place_id = $3)
            and issued_at <= $4 and (not $10 or seen_at <= $4)
            and reference_date >= coalesce($5, '-infinity'::date) and reference_date <= coalesce($6, 'infinity'::date)
            and reference_date > coalesce($7, '-infinity'::date)
            and ($8::integer is null or (reference_date + $8 <= ($4::timestamptz at time zone 'UTC')::date
                 and issued_at < (reference_date + $8 + 1)::timestamp at time zone 'UTC'
                 and (not $10 or seen_at < (reference_date + $8 + 1)::timestamp at time zone 'UTC')))
          order by reference_date, issued_at desc limit $9) o
           join payload p on p.key = o.payload_key
          order by o.reference_date",
    )
    .bind(cells.signal)
    .bind(cells.source)
    .bind(cells.place)
    .bind(cells.as_of)
    .bind(cells.from)
    .bind(cells.to)
    .bind(after)
    .bind(lag)
    .bind(limit)
    .bind(cells.by.sight())
    .fetch_all(conn)
    .await
}

/// Every issue of `cells`, by date and issue time, after the one named by `after`, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn issues(
    conn: &mut PgConnection,
    cells: &Cells<'_>,
    after: Option<(NaiveDate, DateTime<Utc>)>,
    limit: i64,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select $3 as place_id, o.reference_date, o.issued_at, o.seen_at, o.value, o.status::text as status,
                p.retrieval_id
           from (select * from observation_row
          where series_key = (select key from series where signal_id = $1 and source_id = $2 and place_id = $3)
            and issued_at <= $4 and (not $10 or seen_at <= $4)
            and reference_date >= coalesce($5, '-infinity'::date) and reference_date <= coalesce($6, 'infinity'::date)
            and reference_date >= coalesce($7, '-infinity'::date)
            and ($7::date is null or (reference_date, issued_at) > ($7, $8))
          order by reference_date, issued_at limit $9) o
           join payload p on p.key = o.payload_key
          order by o.reference_date, o.issued_at",
    )
    .bind(cells.signal)
    .bind(cells.source)
    .bind(cells.place)
    .bind(cells.as_of)
    .bind(cells.from)
    .bind(cells.to)
    .bind(after.map(|a| a.0))
    .bind(after.map(|a| a.1))
    .bind(limit)
    .bind(cells.by.sight())
    .fetch_all(conn)
    .await
}

/// The days (UTC) on which `source` issued something for `signal` in `places`, in order; or `only` that one, if so.
///
/// # Errors
/// When the database does not answer.
pub async fn issue_days(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    places: &[String],
    only: Option<NaiveDate>,
) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar(
        "select distinct (issued_at at time zone 'UTC')::date as day
           from observation_row o join series s on s.key = o.series_key
          where signal_id = $1 and source_id = $2 and place_id = any($3)
            and ($4::date is null or (issued_at >= $4::timestamp at time zone 'UTC'
                                      and issued_at < ($4 + 1)::timestamp at time zone 'UTC'))
          order by day",
    )
    .bind(signal)
    .bind(source)
    .bind(places)
    .bind(only)
    .fetch_all(conn)
    .await
}

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

/// When the first value of `places` between two dates (both inside) became known, whenever that was: why an earlier
/// question has no answer.
///
/// # Errors
/// When the database does not answer.
pub async fn first_known(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    places: &[String],
    span: (Option<NaiveDate>, Option<NaiveDate>),
    by: KnownBy,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "select min(case when $6 then greatest(issued_at, seen_at) else issued_at end)
           from observation_row o join series s on s.key = o.series_key
          where signal_id = $1 and source_id = $2 and place_id = any($3)
            and ($4::date is null or reference_date >= $4) and ($5::date is null or reference_date <= $5)",
    )
    .bind(signal)
    .bind(source)
    .bind(places)
    .bind(span.0)
    .bind(span.1)
    .bind(by.sight())
    .fetch_one(conn)
    .await
}

/// What there is of `signal` in some places, by source, as of a time: it reads the rows of these places and no others.
///
/// # Errors
/// When the database does not answer.
pub async fn coverage_in(
    conn: &mut PgConnection,
    signal: &str,
    places: &[&str],
    as_of: DateTime<Utc>,
    by: KnownBy,
) -> sqlx::Result<Vec<Coverage>> {
    sqlx::query_as(
        "select s.signal_id, s.source_id, sum(o.rows)::bigint as rows, min(o.first_issue) as first_issue,
                max(o.last_issue) as last_issue, max(o.last_seen) as last_seen, min(o.first_date) as first_date,
                max(o.last_date) as last_date
           from series s
          cross join lateral (select count(*) as rows, min(issued_at) as first_issue, max(issued_at) as last_issue,
                                     max(seen_at) as last_seen, min(reference_date) as first_date,
                                     max(reference_date) as last_date
                                from observation_row
                               where series_key = s.key and issued_at <= $3 and (not $4 or seen_at <= $3)) o
          where s.signal_id = $1 and s.place_id = any($2) and o.rows > 0
          group by s.signal_id, s.source_id order by s.source_id",
    )
    .bind(signal)
    .bind(places)
    .bind(as_of)
    .bind(by.sight())
    .fetch_all(conn)
    .await
}

/// What there is of `signal`, by source, as of a time by its issues; of all signals when `signal` is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn coverage(
    conn: &mut PgConnection,
    signal: Option<&str>,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Coverage>> {
    sqlx::query_as(
        "select signal_id, source_id, count(*) as rows, min(issued_at) as first_issue, max(issued_at) as last_issue,
                max(seen_at) as last_seen,
                min(reference_date) as first_date, max(reference_date) as last_date
           from observation_row o join series s on s.key = o.series_key
          where ($1::text is null or signal_id = $1) and issued_at <= $2
          group by signal_id, source_id order by signal_id, source_id",
    )
    .bind(signal)
    .bind(as_of)
    .fetch_all(conn)
    .await
}
