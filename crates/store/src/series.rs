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
    pub(crate) fn sight(self) -> bool {
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
