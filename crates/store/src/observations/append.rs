//! Rows into the table: straight by binary `COPY` where nothing of their series is there yet, else past the rows that
//! are there.

use super::NewPoint;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection as _, PgConnection};
use std::collections::{BTreeMap, BTreeSet};

type Series<'a> = (&'a str, &'a str, &'a str);

/// A row as the table has it: a point and the numbers of its series and payload.
struct Keyed<'a> {
    series: i32,
    payload: i32,
    point: &'a NewPoint,
}

/// Appends rows that are not there yet and returns how many were new. One transaction, by `COPY`: a million rows must
/// not be a million statements. Safe to repeat, and to run beside another append of the same rows.
///
/// # Errors
/// When the database refuses a row (it names the rule), or a source, place or payload is not there; nothing is then
/// appended.
#[tracing::instrument(name = "db.observations.append", skip_all, fields(rows = points.len()), err)]
pub async fn append(conn: &mut PgConnection, points: &[NewPoint]) -> sqlx::Result<u64> {
    let mut tx = conn.begin().await?;
    let series = series_keys(&mut tx, points).await?;
    let payloads = payload_keys(&mut tx, points).await?;
    let mut rows = keyed(points, &series, &payloads)?;
    // In the order of the index: neighbours fall on the same page, and two appends never wait for each other in turn.
    rows.sort_unstable_by(|a, b| {
        let order = |r: &Keyed<'_>| (r.series, r.point.key.reference_date);
        order(a).cmp(&order(b)).then(b.point.key.issued_at.cmp(&a.point.key.issued_at))
    });
    sqlx::query("select set_config('vigie.keys_checked', 'yes', true)").execute(&mut *tx).await?;
    let known: bool = sqlx::query_scalar(
        "select exists (select from unnest($1::integer[]) k
                         where exists (select from observation_row where series_key = k))",
    )
    .bind(series.values().copied().collect::<Vec<_>>())
    .fetch_one(&mut *tx)
    .await?;
    if !known {
        let mut attempt = tx.begin().await?;
        match copy(&mut attempt, "observation_row", &rows).await {
            Ok(new) => {
                attempt.commit().await?;
                note_issues(&mut tx, &rows).await?;
                tell(&mut tx, points, new).await?;
                tx.commit().await?;
                return Ok(new);
            }
            // Somebody else appended the same rows meanwhile, or a row is there twice: the careful way sorts it out.
            Err(error) if is_duplicate(&error) => attempt.rollback().await?,
            Err(error) => return Err(error),
        }
    }
    let new = past_known(&mut tx, &rows).await?;
    tell(&mut tx, points, new).await?;
    tx.commit().await?;
    Ok(new)
}

/// Whoever computes from these figures is told, and only of what is new.
async fn tell(conn: &mut PgConnection, points: &[NewPoint], new: u64) -> sqlx::Result<()> {
    if new == 0 {
        return Ok(());
    }
    let signals: BTreeSet<&str> = points.iter().map(|p| p.key.signal.as_str()).collect();
    crate::leases::tell(conn, &signals.into_iter().collect::<Vec<_>>()).await
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// The rows that are not in the table yet, by way of a temporary one.
async fn past_known(conn: &mut PgConnection, rows: &[Keyed<'_>]) -> sqlx::Result<u64> {
    sqlx::query(
        "create temporary table incoming (like observation_row including constraints) on commit drop",
    )
    .execute(&mut *conn)
    .await?;
    copy(conn, "incoming", rows).await?;
    let new: i64 = sqlx::query_scalar(
        "with new as (insert into observation_row select * from incoming on conflict do nothing
                      returning series_key, issued_at, reference_date, seen_at),
              noted as (insert into issue (signal_id, source_id, issued_at, row_count, first_date, last_date,
                                           first_seen, last_seen)
                        select signal_id, source_id, issued_at, count(*), min(reference_date), max(reference_date),
                               min(seen_at), max(seen_at)
                          from new join series s on s.key = new.series_key
                         group by signal_id, source_id, issued_at)
         select count(*) from new",
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(new).unwrap_or_default())
}

/// Writes down which issues these rows, all of them new, belong to.
async fn note_issues(conn: &mut PgConnection, rows: &[Keyed<'_>]) -> sqlx::Result<()> {
    struct Issue {
        rows: i64,
        dates: (NaiveDate, NaiveDate),
        seen: (DateTime<Utc>, DateTime<Utc>),
    }
    let mut all: BTreeMap<(&str, &str), BTreeMap<DateTime<Utc>, Issue>> = BTreeMap::new();
    for series in rows.chunk_by(|a, b| a.series == b.series) {
        let Some(Keyed { point, .. }) = series.first() else { continue };
        let issues = all.entry((point.key.signal.as_str(), point.key.source.as_str())).or_default();
        for p in series.iter().map(|r| r.point) {
            let (day, seen) = (p.key.reference_date, p.seen_at);
            let new = Issue { rows: 0, dates: (day, day), seen: (seen, seen) };
            let issue = issues.entry(p.key.issued_at).or_insert(new);
            issue.rows += 1;
            issue.dates = (issue.dates.0.min(day), issue.dates.1.max(day));
            issue.seen = (issue.seen.0.min(seen), issue.seen.1.max(seen));
        }
    }
    let all: Vec<_> =
        all.iter().flat_map(|(of, issues)| issues.iter().map(move |(at, i)| (of, *at, i))).collect();
    sqlx::query(
        "insert into issue (signal_id, source_id, issued_at, row_count, first_date, last_date, first_seen, last_seen)
         select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::date[], $6::date[],
                              $7::timestamptz[], $8::timestamptz[])",
    )
    .bind(all.iter().map(|(of, ..)| of.0).collect::<Vec<_>>())
    .bind(all.iter().map(|(of, ..)| of.1).collect::<Vec<_>>())
    .bind(all.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind(all.iter().map(|(.., i)| i.rows).collect::<Vec<_>>())
    .bind(all.iter().map(|(.., i)| i.dates.0).collect::<Vec<_>>())
    .bind(all.iter().map(|(.., i)| i.dates.1).collect::<Vec<_>>())
    .bind(all.iter().map(|(.., i)| i.seen.0).collect::<Vec<_>>())
    .bind(all.iter().map(|(.., i)| i.seen.1).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// The number of each series of `points`; one that is new gets its own.
async fn series_keys<'a>(
    conn: &mut PgConnection,
    points: &'a [NewPoint],
) -> sqlx::Result<BTreeMap<Series<'a>, i32>> {
    // Neighbours are mostly of one series: looked at once.
    let runs = points.chunk_by(|a, b| series_of(a) == series_of(b));
    let all: BTreeSet<Series<'_>> = runs.filter_map(|run| run.first().map(series_of)).collect();
    let column = |pick: fn(&Series<'a>) -> &'a str| all.iter().map(pick).collect::<Vec<_>>();
    let (signals, sources, places) = (column(|s| s.0), column(|s| s.1), column(|s| s.2));
    // Read first: a number is drawn from the sequence for every row that is offered, also for those that are there.
    sqlx::query(
        "insert into series (signal_id, source_id, place_id)
         select n.* from unnest($1::text[], $2::text[], $3::text[]) as n (signal_id, source_id, place_id)
          where not exists (select from series s where (s.signal_id, s.source_id, s.place_id)
                                                     = (n.signal_id, n.source_id, n.place_id))
         on conflict do nothing",
    )
    .bind(&signals)
    .bind(&sources)
    .bind(&places)
    .execute(&mut *conn)
    .await?;
    let keys: Vec<i32> = sqlx::query_scalar(
        "select s.key
           from unnest($1::text[], $2::text[], $3::text[]) with ordinality as n (signal_id, source_id, place_id, i)
           join series s using (signal_id, source_id, place_id)
          order by n.i",
    )
    .bind(&signals)
    .bind(&sources)
    .bind(&places)
    .fetch_all(conn)
    .await?;
    Ok(all.into_iter().zip(keys).collect())
}

fn series_of(p: &NewPoint) -> Series<'_> {
    (p.key.signal.as_str(), p.key.source.as_str(), p.key.place.as_str())
}

/// The number of each payload of `points`; one that is new here gets its own.
async fn payload_keys(conn: &mut PgConnection, points: &[NewPoint]) -> sqlx::Result<BTreeMap<String, i32>> {
    let runs = points.chunk_by(|a, b| a.retrieval_id == b.retrieval_id);
    let ids: BTreeSet<&str> = runs.filter_map(|run| run.first().map(|p| p.retrieval_id.as_str())).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    sqlx::query(
        "insert into payload (retrieval_id)
         select n.id from unnest($1::text[]) as n (id)
          where not exists (select from payload p where p.retrieval_id = n.id)
         on conflict do nothing",
    )
    .bind(&ids)
    .execute(&mut *conn)
    .await?;
    let keys: Vec<(String, i32)> =
        sqlx::query_as("select retrieval_id, key from payload where retrieval_id = any ($1)")
            .bind(&ids)
            .fetch_all(conn)
            .await?;
    Ok(keys.into_iter().collect())
}

fn keyed<'a>(
    points: &'a [NewPoint],
    series: &BTreeMap<Series<'_>, i32>,
    payloads: &BTreeMap<String, i32>,
) -> sqlx::Result<Vec<Keyed<'a>>> {
    let key = |found: Option<&i32>| found.copied().ok_or(sqlx::Error::RowNotFound);
    let mut rows = Vec::with_capacity(points.len());
    for run in points.chunk_by(|a, b| series_of(a) == series_of(b)) {
        let Some(first) = run.first() else { continue };
        let series = key(series.get(&series_of(first)))?;
        for point in run {
            rows.push(Keyed { series, payload: key(payloads.get(&point.retrieval_id))?, point });
        }
    }
    Ok(rows)
}

/// `rows` into `table` by PostgreSQL's binary format; how many it took.
async fn copy(conn: &mut PgConnection, table: &str, rows: &[Keyed<'_>]) -> sqlx::Result<u64> {
    let statement = format!(
        "copy {table} (issued_at, seen_at, value, series_key, reference_date, payload_key, status)
         from stdin (format binary)"
    );
    let mut copy = conn.copy_in_raw(&statement).await?;
    let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for chunk in rows.chunks(4096) {
        for row in chunk {
            put_row(&mut bytes, row);
        }
        copy.send(std::mem::take(&mut bytes)).await?;
    }
    bytes.extend((-1_i16).to_be_bytes());
    copy.send(bytes).await?;
    copy.finish().await
}

/// One row: the number of its fields, then each with its length before it; -1 is the length of no value.
fn put_row(to: &mut Vec<u8>, row: &Keyed<'_>) {
    let p = row.point;
    to.extend(7_i16.to_be_bytes());
    put(to, &micros(p.key.issued_at).to_be_bytes());
    put(to, &micros(p.seen_at).to_be_bytes());
    match p.value {
        Some(value) => put(to, &value.to_be_bytes()),
        None => to.extend((-1_i32).to_be_bytes()),
    }
    put(to, &row.series.to_be_bytes());
    put(to, &days(p.key.reference_date).to_be_bytes());
    put(to, &row.payload.to_be_bytes());
    put(to, p.status.as_str().as_bytes());
}

fn put(to: &mut Vec<u8>, field: &[u8]) {
    to.extend(i32::try_from(field.len()).unwrap_or(i32::MAX).to_be_bytes());
    to.extend(field);
}

/// PostgreSQL counts from the year 2000: its first day, in days from 1970.
const EPOCH_DAYS: i32 = 10_957;

fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros() - i64::from(EPOCH_DAYS) * 86_400_000_000
}

fn days(day: NaiveDate) -> i32 {
    day.to_epoch_days() - EPOCH_DAYS
}
