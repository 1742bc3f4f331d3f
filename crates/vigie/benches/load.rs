//! Our load against `COPY` of the same rows, alternating in one run, on the server of `DATABASE_URL`.
//!
//! Ours is `store::observations::append`: `COPY` into a temporary table, then an insert that checks every rule of the
//! table and leaves out what is there. The reference is `COPY` into a table with the same columns and index and no
//! other rule. The row says what the rules cost.
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::{ObservationKey, Status};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;
use store::observations::NewPoint;

const ROUNDS: usize = 5;
const SOURCE: &str = "foph-covid19";
const SIGNALS: [&str; 3] = ["covid_cases", "covid_deaths", "covid_hosp_admissions_daily"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let points = points(&root.join("data/observations"))?;
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set: run this by `make bench`")?;
    let pool = store::connect(&url, 2).await?;
    store::MIGRATOR.run(&pool).await?;
    let mut conn = pool.acquire().await?;
    parents(&mut conn, &points).await?;
    sqlx::raw_sql(
        "drop table if exists reference;
         create table reference (signal_id text, place_id text, source_id text, reference_date date,
                                 issued_at timestamptz, seen_at timestamptz, value double precision, status text,
                                 retrieval_id text);
         create unique index on reference (signal_id, source_id, place_id, reference_date, issued_at desc)",
    )
    .execute(&mut *conn)
    .await?;
    let (mut ours, mut reference) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        empty(&mut conn, "observation").await?;
        let start = Instant::now();
        let new = store::observations::append(&mut conn, &points).await?;
        ours.push(start.elapsed().as_secs_f64());
        anyhow::ensure!(new == points.len() as u64, "{new} of {} rows were new", points.len());
        empty(&mut conn, "reference").await?;
        let start = Instant::now();
        copy(&mut conn, &points).await?;
        reference.push(start.elapsed().as_secs_f64());
    }
    let (ours, reference) = (median(ours), median(reference));
    let day = kit::wall().date_naive();
    let result = json!({
        "benchmark": "load", "date": day.to_string(), "rows": points.len(), "rounds": ROUNDS,
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "ours_s": ours, "copy_s": reference, "ratio": ours / reference,
    });
    let file = root.join(format!("bench/results/load-{day}.json"));
    std::fs::write(&file, format!("{result:#}\n")).with_context(|| format!("{}", file.display()))?;
    println!(
        "load: {} rows, ours {ours:.2} s, COPY {reference:.2} s, ratio {:.2}",
        points.len(),
        ours / reference
    );
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn empty(conn: &mut PgConnection, table: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(format!("truncate {table}; checkpoint"))).execute(conn).await?;
    Ok(())
}

/// The rows of the extract, as `vigie load` reads them.
fn points(folder: &Path) -> anyhow::Result<Vec<NewPoint>> {
    let mut points = Vec::new();
    for signal in SIGNALS {
        let file = folder.join(SOURCE).join(format!("{signal}.csv.gz"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(&file)?).read_to_string(&mut text)?;
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let record = record?;
            let cell = |i: usize| record.get(i).with_context(|| format!("{}: column {i}", file.display()));
            let issued_at: DateTime<Utc> = cell(2)?.parse()?;
            points.push(NewPoint {
                key: ObservationKey {
                    signal: signal.parse()?,
                    source: SOURCE.parse()?,
                    place: cell(0)?.parse()?,
                    reference_date: cell(1)?.parse()?,
                    issued_at,
                },
                value: cell(3)?.parse().ok(),
                status: cell(4)?.parse::<Status>()?,
                retrieval_id: cell(5)?.to_owned(),
                seen_at: issued_at,
            });
        }
    }
    Ok(points)
}

/// The rows that observations refer to.
async fn parents(conn: &mut PgConnection, points: &[NewPoint]) -> anyhow::Result<()> {
    sqlx::query("insert into source values ($1, '', '', '', '', '', '', '') on conflict do nothing")
        .bind(SOURCE)
        .execute(&mut *conn)
        .await?;
    let places: Vec<String> =
        points.iter().map(|p| p.key.place.to_string()).collect::<BTreeSet<_>>().into_iter().collect();
    sqlx::query(
        "insert into place select unnest($1::text[]), 'canton', null, null, '{}' on conflict do nothing",
    )
    .bind(places)
    .execute(&mut *conn)
    .await?;
    let payloads: Vec<&str> =
        points.iter().map(|p| p.retrieval_id.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    sqlx::query(
        "insert into retrieval select unnest($1::text[]), $2, '', '', now(), '', 0, '' on conflict do nothing",
    )
    .bind(payloads)
    .bind(SOURCE)
    .execute(conn)
    .await?;
    Ok(())
}

async fn copy(conn: &mut PgConnection, points: &[NewPoint]) -> anyhow::Result<()> {
    let mut copy = conn.copy_in_raw("copy reference from stdin").await?;
    for chunk in points.chunks(4096) {
        let lines: String = chunk
            .iter()
            .map(|p| {
                let (k, value) = (&p.key, p.value.map_or_else(|| "\\N".to_owned(), |v| v.to_string()));
                format!(
                    "{}\t{}\t{}\t{}\t{}\t{}\t{value}\t{}\t{}\n",
                    k.signal,
                    k.place,
                    k.source,
                    k.reference_date,
                    k.issued_at,
                    p.seen_at,
                    p.status,
                    p.retrieval_id
                )
            })
            .collect();
        copy.send(lines.into_bytes()).await?;
    }
    copy.finish().await?;
    Ok(())
}
