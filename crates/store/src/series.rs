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
    let more = match (q.mode, after) {
        (_, None) => "",
        (Mode::Known { .. }, Some(_)) => " and (w.at > 1 or reference_date > $8)",
        (Mode::Issues, Some(_)) => " and (w.at > 1 or (reference_date, issued_at) > ($8, $9))",
    };
    // So that a page begins where the one before ended, and not at the beginning of the series.
    let from = match (q.span.0, after) {
        (None, None) => "'-infinity'::date",
        (Some(_), None) => "$3::date",
        (_, Some(_)) => "case when w.at = 1 then greatest($3, $8) else coalesce($3, '-infinity') end",
    };
    let to = if q.span.1.is_some() { "$4::date" } else { "'infinity'::date" };
    // As known, a day has one row: the last issue, which the index has first.
    let one = q.mode != Mode::Issues && q.span.0.is_some() && q.span.0 == q.span.1;
    let bounds = Bounds { at: "$2::timestamptz", from, to, lag: "$5::integer", more, one };
    let mut of_series = of_series(q, &bounds);
    if q.mode == Mode::Issues {
        // The index has the last issue of a date first.
        of_series = format!("select * from ({of_series}) o order by reference_date, issued_at");
    }
    // Few texts, whatever is asked: the database plans each once. Rows come in the order of `w`, and of one series as it
    // was asked: nobody promises the second, so it is checked.
    let text = format!(
        "select {COLUMNS}
           from unnest($1::integer[]) with ordinality w (key, at)
          cross join lateral ({of_series} limit $6) o
          order by w.at limit $7"
    );
    let found = sqlx::query(AssertSqlSafe(text))
        .bind(series)
        .bind(q.as_of)
        .bind(q.span.0)
        .bind(q.span.1)
        .bind(q.mode.lag())
        .bind(if one { limit.each.min(1) } else { limit.each })
        .bind(limit.all)
        .bind(after.map(|a| a.0))
        .bind(after.map(|a| a.1))
        .fetch_all(conn)
        .await?;
    let rows = found.iter().map(read).collect::<sqlx::Result<Vec<Row>>>()?;
    let key = |r: &Row| (r.series, r.date, r.issued_at);
    if !rows.is_sorted_by_key(key) {
        return Err(broken("is not in order"));
    }
    Ok(rows)
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
