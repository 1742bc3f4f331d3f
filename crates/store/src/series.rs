//! Reads in small pieces: series by series in index order, resumed by key, so that a whole signal can be sent without
//! holding it, a sort or a connection. [`crate::scan`] is for all of it at once.

use crate::scan::{Bounds, COLUMNS, Mode, Question, Row, broken, of_series, row};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, ValueRef as _};

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

/// The keys of the series of `signal` for pairs of source and place, in their order; 0 where there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn keys(
    conn: &mut PgConnection,
    signal: &str,
    sources: &[&str],
    places: &[&str],
) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar(
        "select coalesce(s.key, 0)
           from unnest($2::text[], $3::text[]) with ordinality as n (source_id, place_id, i)
           left join series s on s.signal_id = $1 and s.source_id = n.source_id and s.place_id = n.place_id
          order by n.i",
    )
    .bind(signal)
    .bind(sources)
    .bind(places)
    .fetch_all(conn)
    .await
}

/// How many rows of what.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Of one series.
    pub each: i64,
    /// Of all together.
    pub all: i64,
}

/// The rows of `series` (keys), in their order, then by date, then by issue time. Of the first series only those after
/// `after`: a date, and where every issue is asked for also the time of an issue of that date.
///
/// # Errors
/// When the database does not answer.
pub async fn rows(
    conn: &mut PgConnection,
    series: &[i32],
    q: &Question,
    after: Option<(NaiveDate, DateTime<Utc>)>,
    limit: Limit,
) -> sqlx::Result<Vec<Row>> {
    let first = "case when w.at = 1 then coalesce($6, '-infinity'::date) else '-infinity'::date end";
    let more = match q.mode {
        Mode::Known { .. } => format!(" and reference_date > {first}"),
        Mode::Issues => format!(
            " and reference_date >= {first}
              and (w.at > 1 or $6::date is null or (reference_date, issued_at) > ($6, $7::timestamptz))"
        ),
    };
    let of_series = of_series(
        q,
        &Bounds {
            at: "$2::timestamptz",
            from: "coalesce($3, '-infinity'::date)",
            to: "coalesce($4, 'infinity'::date)",
            lag: "$5::integer",
            more: &more,
        },
    );
    // The index has the last issue of a date first.
    let (of_series, last) = match q.mode {
        Mode::Known { .. } => (of_series, ""),
        Mode::Issues => {
            (format!("select * from ({of_series}) o order by reference_date, issued_at"), ", o.issued_at")
        }
    };
    // Few texts, whatever is asked: the database plans each once.
    let text = format!(
        "select {COLUMNS}
           from unnest($1::integer[]) with ordinality w (key, at)
          cross join lateral ({of_series} limit $8) o
          order by w.at, o.reference_date{last} limit $9"
    );
    let found = sqlx::query(AssertSqlSafe(text))
        .bind(series)
        .bind(q.as_of)
        .bind(q.span.0)
        .bind(q.span.1)
        .bind(q.mode.lag())
        .bind(after.map(|a| a.0))
        .bind(after.map(|a| a.1))
        .bind(limit.each)
        .bind(limit.all)
        .fetch_all(conn)
        .await?;
    found.iter().map(read).collect()
}

/// The columns come in binary, as those of a `COPY` do.
fn read(found: &PgRow) -> sqlx::Result<Row> {
    let mut fields = [None; 7];
    for (i, field) in fields.iter_mut().enumerate() {
        let raw = found.try_get_raw(i)?;
        if !raw.is_null() {
            *field = Some(raw.as_bytes().map_err(sqlx::Error::Decode)?);
        }
    }
    row(fields).ok_or_else(|| broken("holds something else than rows"))
}

/// The ids of the payloads with these keys.
///
/// # Errors
/// When the database does not answer.
pub async fn payloads(conn: &mut PgConnection, keys: &[i32]) -> sqlx::Result<Vec<(i32, String)>> {
    sqlx::query_as("select key, retrieval_id from payload where key = any($1)")
        .bind(keys)
        .fetch_all(conn)
        .await
}

/// When the first value of some series between two dates (both inside) became known, whenever that was: why an earlier
/// question has no answer.
///
/// # Errors
/// When the database does not answer.
pub async fn first_known(
    conn: &mut PgConnection,
    series: &[i32],
    span: (Option<NaiveDate>, Option<NaiveDate>),
    by: KnownBy,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar(
        "select min(case when $4 then greatest(issued_at, seen_at) else issued_at end)
           from observation_row
          where series_key = any($1) and reference_date >= coalesce($2, '-infinity'::date)
            and reference_date <= coalesce($3, 'infinity'::date)",
    )
    .bind(series)
    .bind(span.0)
    .bind(span.1)
    .bind(by.sight())
    .fetch_one(conn)
    .await
}
