//! Published values: appended, never changed, read as they were known at a time.

mod append;

pub use append::append;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{ObservationKey, Status};
use sqlx::PgConnection;

/// A value of one place and one source.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Point {
    /// The place.
    pub place_id: String,
    /// What the value is about: the day, or the last day of the week.
    pub reference_date: NaiveDate,
    /// When the publisher issued it.
    pub issued_at: DateTime<Utc>,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// A word of [`Status`].
    pub status: String,
    /// The payload that it was read from.
    pub retrieval_id: String,
}

/// A row to append.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPoint {
    /// Its identity.
    pub key: ObservationKey,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// What kind of value it is.
    pub status: Status,
    /// The payload that it was read from.
    pub retrieval_id: String,
    /// When this platform, or the recording it carries, first had it.
    pub seen_at: DateTime<Utc>,
}

/// `signal` of one source in one place as it was known at `as_of`: per date the last issue not after it, by date.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "db.observations.as_of", skip_all, fields(signal, place, %as_of), err)]
pub async fn as_of(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    place: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select $3 as place_id, o.reference_date, o.issued_at, o.value, o.status::text as status, p.retrieval_id
           from (select distinct on (reference_date) *
                   from observation_row
                  where series_key = (select key from series
                                       where signal_id = $1 and source_id = $2 and place_id = $3)
                    and issued_at <= $4
                  order by reference_date, issued_at desc) o
           join payload p on p.key = o.payload_key
          order by o.reference_date",
    )
    .bind(signal)
    .bind(source)
    .bind(place)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// `signal` of one source in all places as it was known at `as_of`, by place and date.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "db.observations.panel", skip_all, fields(signal, %as_of), err)]
pub async fn panel(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select s.place_id, o.reference_date, o.issued_at, o.value, o.status::text as status, p.retrieval_id
           from series s
          cross join lateral (select distinct on (reference_date) *
                                from observation_row
                               where series_key = s.key and issued_at <= $3
                               order by reference_date, issued_at desc) o
           join payload p on p.key = o.payload_key
          where s.signal_id = $1 and s.source_id = $2
          order by s.place_id, o.reference_date",
    )
    .bind(signal)
    .bind(source)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// Every issue of `signal` of one source not after `as_of`, by place, date and issue time.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "db.observations.revisions", skip_all, fields(signal, %as_of), err)]
pub async fn revisions(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select place_id, reference_date, issued_at, value, status, retrieval_id
           from observation
          where signal_id = $1 and source_id = $2 and issued_at <= $3
          order by place_id, reference_date, issued_at",
    )
    .bind(signal)
    .bind(source)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// All issues of one cell not after `as_of`, oldest first: its history of revisions.
///
/// # Errors
/// When the database does not answer.
pub async fn issues_of(
    conn: &mut PgConnection,
    key: &ObservationKey,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select place_id, reference_date, issued_at, value, status, retrieval_id
           from observation
          where signal_id = $1 and source_id = $2 and place_id = $3 and reference_date = $4 and issued_at <= $5
          order by issued_at",
    )
    .bind(key.signal.as_str())
    .bind(key.source.as_str())
    .bind(key.place.as_str())
    .bind(key.reference_date)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// The newest value of each place as it was known at `as_of` (the last date that has a number), by place.
///
/// # Errors
/// When the database does not answer.
pub async fn latest(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "select s.place_id, o.reference_date, o.issued_at, o.value, o.status::text as status, p.retrieval_id
           from series s
          cross join lateral (select * from (select distinct on (reference_date) *
                                               from observation_row
                                              where series_key = s.key and issued_at <= $3
                                              order by reference_date desc, issued_at desc) known
                               where value is not null
                               order by reference_date desc limit 1) o
           join payload p on p.key = o.payload_key
          where s.signal_id = $1 and s.source_id = $2
          order by s.place_id",
    )
    .bind(signal)
    .bind(source)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// The last issue of `signal` in `place` that brought a figure for a date that had none before: the platform's
/// recorded clock. A date that is only listed, without a figure, does not move it.
///
/// # Errors
/// When the database does not answer.
pub async fn last_new_issue(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    place: &str,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "select max(first_issue) from (
             select min(issued_at) as first_issue from observation_row
              where series_key = (select key from series where signal_id = $1 and source_id = $2 and place_id = $3)
                and value is not null
              group by reference_date) firsts",
    )
    .bind(signal)
    .bind(source)
    .bind(place)
    .fetch_one(conn)
    .await
}

/// When `source` last issued anything for `signal`, not after `as_of`.
///
/// # Errors
/// When the database does not answer.
pub async fn last_issue(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "select max(o.issued_at) from observation_row o join series s on s.key = o.series_key
          where s.signal_id = $1 and s.source_id = $2 and o.issued_at <= $3",
    )
    .bind(signal)
    .bind(source)
    .bind(as_of)
    .fetch_one(conn)
    .await
}

/// The first issue of `signal` by `source` for places of the level of `place`, whenever that was: why an earlier `as_of` is
/// empty.
///
/// # Errors
/// When the database does not answer.
pub async fn first_issue(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    place: &str,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "select min(o.issued_at) from observation_row o join series s on s.key = o.series_key
           join place p on p.id = s.place_id
          where s.signal_id = $1 and s.source_id = $2 and p.level = (select level from place where id = $3)",
    )
    .bind(signal)
    .bind(source)
    .bind(place)
    .fetch_one(conn)
    .await
}

/// The last `days` days of `signal` of one source in `places` (`None`: in all) as it was known at `as_of`, counted back from
/// the newest date that any of them has, by place and date: what a list of places with small trends needs.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "db.observations.recent_panel", skip_all, fields(signal, %as_of), err)]
pub async fn recent_panel(
    conn: &mut PgConnection,
    signal: &str,
    source: &str,
    as_of: DateTime<Utc>,
    days: i32,
    places: Option<&[&str]>,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as(
        "with s as materialized (select key, place_id from series where signal_id = $1 and source_id = $2
                                    and ($5::text[] is null or place_id = any($5))),
              last as materialized (
                  select max(d.reference_date) as day from s
                   cross join lateral (select reference_date from observation_row
                                        where series_key = s.key and issued_at <= $3
                                        order by reference_date desc, issued_at desc limit 1) d)
         select s.place_id, o.reference_date, o.issued_at, o.value, o.status::text as status, p.retrieval_id
           from s
          cross join lateral (select distinct on (reference_date) *
                                from observation_row
                               where series_key = s.key and issued_at <= $3
                                 and reference_date > (select day from last) - $4
                               order by reference_date, issued_at desc) o
           join payload p on p.key = o.payload_key
          order by s.place_id, o.reference_date",
    )
    .bind(signal)
    .bind(source)
    .bind(as_of)
    .bind(days)
    .bind(places)
    .fetch_all(conn)
    .await
}

/// A [`Point`] and whose it is.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Sourced {
    /// Who published it.
    pub source_id: String,
    /// The value.
    #[sqlx(flatten)]
    pub point: Point,
}

/// Every issue of `signal` not after `as_of`, of all sources and places, by source, place, date and issue time:
/// what a model that learns from many countries is given.
///
/// # Errors
/// When the database does not answer.
#[tracing::instrument(name = "db.observations.all_revisions", skip_all, fields(signal, %as_of), err)]
pub async fn all_revisions(
    conn: &mut PgConnection,
    signal: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Sourced>> {
    sqlx::query_as(
        "select source_id, place_id, reference_date, issued_at, value, status, retrieval_id
           from observation
          where signal_id = $1 and issued_at <= $2
          order by source_id, place_id, reference_date, issued_at",
    )
    .bind(signal)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// The newest date that `source` has a number for, in any signal and place: a publisher that answers and says nothing
/// new is known by its age.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_date(conn: &mut PgConnection, source: &str) -> sqlx::Result<Option<NaiveDate>> {
    sqlx::query_scalar(
        "select max(d.reference_date) from series s
          cross join lateral (select reference_date from observation_row
                               where series_key = s.key and value is not null
                               order by reference_date desc limit 1) d
          where s.source_id = $1",
    )
    .bind(source)
    .fetch_one(conn)
    .await
}
