//! Our load against `COPY` of the same rows, alternating in one run, on the server of `DATABASE_URL`.
//!
//! Ours is `store::observations::append` into an empty table: keys looked up, rows sorted, every rule checked, the index
//! kept. Two references, both `COPY` of the same rows as text: `bare`, into a table with the same columns and nothing
//! else (the fastest that PostgreSQL does: the bar is 0.6 of it), and `ruled`, into a table with the index, the checks
//! and the foreign keys that the platform's table had before it was partitioned. `again` is the same load once more,
//! which adds nothing.
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
const REFERENCES: &str = "
    drop table if exists bare, ruled;
    create table bare (signal_id text, place_id text, source_id text, reference_date date, issued_at timestamptz,
                       seen_at timestamptz, value double precision, status text, retrieval_id text);
    create table ruled (like bare,
        foreign key (place_id) references place (id), foreign key (source_id) references source (id),
        foreign key (retrieval_id) references retrieval (id),
        check (status in ('observed', 'provisional', 'missing', 'suppressed', 'not_applicable', 'withdrawn')),
        check ((value is not null) = (status in ('observed', 'provisional'))),
        check (value is null or (value <> 'NaN' and value < 'Infinity' and value > '-Infinity')));
    create unique index on ruled (signal_id, source_id, place_id, reference_date, issued_at desc)";
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
    sqlx::raw_sql(REFERENCES).execute(&mut *conn).await?;
    let (mut ours, mut again, mut bare, mut ruled) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        empty(&mut conn, "observation_row, issue").await?;
        for (times, wanted) in [(&mut ours, points.len() as u64), (&mut again, 0)] {
            let start = Instant::now();
            let new = store::observations::append(&mut conn, &points).await?;
            times.push(start.elapsed().as_secs_f64());
            anyhow::ensure!(new == wanted, "{new} rows were new instead of {wanted}");
        }
        for (times, table) in [(&mut bare, "bare"), (&mut ruled, "ruled")] {
            empty(&mut conn, table).await?;
            let start = Instant::now();
            copy(&mut conn, table, &points).await?;
            times.push(start.elapsed().as_secs_f64());
        }
    }
    let [ours, again, bare, ruled] = [ours, again, bare, ruled].map(median);
    let day = kit::wall().date_naive();
    let load_average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let result = json!({
        "benchmark": "load", "date": day.to_string(), "rows": points.len(), "rounds": ROUNDS,
        "cores": std::thread::available_parallelism().map_or(1, usize::from), "load_average": load_average.trim(),
        "ours_s": ours, "ours_again_s": again, "copy_bare_s": bare, "copy_ruled_s": ruled,
        "rate_of_bare": bare / ours, "rate_of_ruled": ruled / ours,
    });
    let file = root.join(format!("bench/results/load-{day}.json"));
    std::fs::write(&file, format!("{result:#}\n")).with_context(|| format!("{}", file.display()))?;
    println!(
        "load: {} rows, ours {ours:.2} s; {:.2} x the rate of COPY into a bare table ({bare:.2} s), {:.2} x into one \
         with the same rules ({ruled:.2} s)",
        points.len(),
        bare / ours,
        ruled / ours
    );
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn empty(conn: &mut PgConnection, table: &str) -> anyhow::Result<()> {
    // Without the trigger that refuses it: this server is the benchmark's own.
    let sql = format!(
        "set session_replication_role = replica; truncate {table}; reset session_replication_role; checkpoint"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
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

async fn copy(conn: &mut PgConnection, table: &str, points: &[NewPoint]) -> anyhow::Result<()> {
    let mut copy = conn.copy_in_raw(&format!("copy {table} from stdin")).await?;
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
