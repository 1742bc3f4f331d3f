//! The values of many places in one question: a table of one day asks once, not once a place.

use crate::scan::Question;
use crate::series::Point;
use sqlx::PgConnection;

/// A value and whose figures it is of.
#[derive(sqlx::FromRow)]
struct Row {
    source_id: String,
    #[sqlx(flatten)]
    point: Point,
}

/// As [`crate::series::known`] for pairs of source and place, in their order, and by date within a place; at most `limit`
/// in all. Not for every issue.
///
/// # Errors
/// When the database does not answer.
pub async fn known_in(
    conn: &mut PgConnection,
    signal: &str,
    sources: &[&str],
    places: &[&str],
    question: &Question,
    limit: i64,
) -> sqlx::Result<Vec<(String, Point)>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select n.source_id, n.place_id, o.reference_date, o.issued_at, o.seen_at, o.value, o.status::text as status,
                p.retrieval_id
           from unnest($2::text[], $3::text[]) with ordinality as n (source_id, place_id, i)
           join series s on s.signal_id = $1 and s.source_id = n.source_id and s.place_id = n.place_id
          cross join lateral (select distinct on (reference_date) * from observation_row
          where series_key = s.key and issued_at <= $4 and (not $9 or seen_at <= $4)
            and reference_date >= coalesce($5, '-infinity'::date) and reference_date <= coalesce($6, 'infinity'::date)
            and ($7::integer is null or (reference_date + $7 <= ($4::timestamptz at time zone 'UTC')::date
                 and issued_at < (reference_date + $7 + 1)::timestamp at time zone 'UTC'
                 and (not $9 or seen_at < (reference_date + $7 + 1)::timestamp at time zone 'UTC')))
          order by reference_date, issued_at desc limit $8) o
           join payload p on p.key = o.payload_key
          order by n.i, o.reference_date limit $8",
    )
    .bind(signal)
    .bind(sources)
    .bind(places)
    .bind(question.as_of)
    .bind(question.span.0)
    .bind(question.span.1)
    .bind(question.mode.lag())
    .bind(limit)
    .bind(question.by.sight())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.source_id, r.point)).collect())
}
