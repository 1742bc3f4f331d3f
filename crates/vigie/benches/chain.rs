//! What the chain costs, on the server of `DATABASE_URL`: the link of an American run (53 places: 212 forecasts, 212
//! trends, a year of reproduction numbers) beside storing its rows; and `vigie audit verify` of a thousand such runs
//! beside `COPY` of the same rows out of the database.
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]

use anyhow::Context as _;
use chrono::{Days, NaiveDate};
use futures_util::TryStreamExt as _;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use std::path::Path;
use std::time::Instant;
use store::forecasts::{self, Forecast, Results, Rt, Run, Trend};

/// Stored row by row, as the service does it, and timed; all further ones are copies of the first.
const STORED: usize = 20;
const ROUNDS: usize = 5;
const COPIES: [&str; 4] = [
    "insert into forecast_run select $1, model_id, model_version, signal_id, source_id, as_of, reference_date, data_vintage,
            data_hash, source_hash, created_at from forecast_run where id = $2",
    "insert into forecast select $1, place_id, horizon, target_end_date, quantiles from forecast where run_id = $2",
    "insert into rt_estimate select $1, place_id, window_start, window_end, mean, sd, q025, q25, q50, q75, q975
       from rt_estimate where run_id = $2",
    "insert into trend select $1, place_id, horizon, large_decrease, decrease, stable, increase, large_increase, rises
       from trend where run_id = $2",
];
const TABLES: [&str; 5] = ["forecast_run", "forecast", "rt_estimate", "trend", "not_estimated"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set: run this by `make bench`")?;
    // A database of its own: what is linked is not taken away again.
    let mut server = PgConnection::connect(&url).await?;
    sqlx::raw_sql("drop database if exists bench_chain with (force)").execute(&mut server).await?;
    sqlx::raw_sql("create database bench_chain").execute(&mut server).await?;
    let mut url: url::Url = url.parse()?;
    url.set_path("bench_chain");
    let pool = store::connect(url.as_str(), 2).await?;
    store::MIGRATOR.run(&pool).await?;
    let mut conn = pool.acquire().await?;
    let parents = "insert into source values ('bench', '', '', '', '', '', '', '');
        insert into place select 'US-' || n, 'state', null, null, '{}' from generate_series(1, 53) n";
    sqlx::raw_sql(parents).execute(&mut *conn).await?;
    let results = results("2025-01-04".parse()?);
    let (mut rows, mut link, mut commit) = (Vec::new(), Vec::new(), Vec::new());
    let runs: usize = std::env::var("RUNS").map_or(Ok(1000), |text| text.parse()).context("RUNS")?;
    for n in 0..STORED {
        let run = run(n)?;
        let mut tx = conn.begin().await?;
        let start = Instant::now();
        anyhow::ensure!(forecasts::insert(&mut tx, &run, &results).await?, "run {n} is there already");
        rows.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        forecasts::link(&mut tx, &run.id).await?;
        link.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        tx.commit().await?;
        commit.push(start.elapsed().as_secs_f64());
    }
    let [rows, link, commit] = [rows, link, commit].map(median);
    let first = run(0)?.id;
    for n in STORED..runs {
        let id = run(n)?.id;
        let mut tx = conn.begin().await?;
        for copy in COPIES {
            sqlx::query(copy).bind(&id).bind(&first).execute(&mut *tx).await?;
        }
        forecasts::link(&mut tx, &id).await?;
        tx.commit().await?;
    }
    let (mut verify, mut copy) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let said = tokio::process::Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["audit", "verify"])
            .env("DATABASE_URL", url.as_str())
            .output()
            .await?;
        verify.push(start.elapsed().as_secs_f64());
        let text = String::from_utf8_lossy(&said.stdout);
        let wanted = format!("{runs} links, {runs} runs, 0 scores, head ");
        anyhow::ensure!(said.status.success() && text.starts_with(&wanted), "{text}");
        let start = Instant::now();
        for table in TABLES {
            out(&mut conn, table).await?;
        }
        copy.push(start.elapsed().as_secs_f64());
    }
    let [verify, copy] = [verify, copy].map(median);
    let day = kit::wall().date_naive();
    let load_average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let result = json!({
        "benchmark": "chain", "date": day.to_string(), "runs": runs, "rounds": ROUNDS,
        "rows_of_a_run": results.forecasts.len() + results.trends.len() + results.rt.len(),
        "cores": std::thread::available_parallelism().map_or(1, usize::from), "load_average": load_average.trim(),
        "rows_ms": rows * 1e3, "link_ms": link * 1e3, "commit_ms": commit * 1e3, "link_of_storing": link / (rows + commit),
        "verify_s": verify, "copy_out_s": copy, "verify_of_copy_out": verify / copy,
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../bench/results/chain-{day}.json"));
    std::fs::write(&file, format!("{result:#}\n")).with_context(|| format!("{}", file.display()))?;
    println!("chain: {result:#}");
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn out(conn: &mut PgConnection, table: &str) -> anyhow::Result<()> {
    let mut rows = conn.copy_out_raw(&format!("copy {table} to stdout (format binary)")).await?;
    while rows.try_next().await?.is_some() {}
    Ok(())
}

fn run(n: usize) -> anyhow::Result<Run> {
    let (as_of, day) = ("2025-01-08T23:59:59Z".parse()?, "2025-01-04".parse()?);
    Ok(Run {
        id: store::chain::hex(&store::chain::digest(n.to_string().as_bytes())),
        model_id: "vigie-pool-us".into(),
        model_version: "1".into(),
        signal_id: "flu_hosp_admissions".into(),
        source_id: "bench".into(),
        as_of,
        reference_date: day,
        data_vintage: as_of,
        data_hash: "0".repeat(64),
        source_hash: "0".repeat(64),
        created_at: as_of,
    })
}

fn results(day: NaiveDate) -> Results {
    let mut all = Results::default();
    for n in 1..=53 {
        let place = format!("US-{n}");
        for horizon in 0..4 {
            all.forecasts.push(Forecast {
                place_id: place.clone(),
                horizon,
                target_end_date: day + Days::new(7 * u64::from(horizon.unsigned_abs())),
                quantiles: (0..23).map(|q| f64::from(q * n) / 7.0).collect(),
            });
            let p = f64::from(n) / 300.0;
            all.trends.push(Trend {
                place_id: place.clone(),
                horizon,
                large_decrease: p,
                decrease: p,
                stable: 1.0 - 4.0 * p,
                increase: p,
                large_increase: p,
                rises: 2.5 * p,
            });
        }
        for week in 0..52 {
            let window_end = day - Days::new(7 * week);
            let mean = 1.0 + f64::from(n) / 53.0;
            all.rt.push(Rt {
                place_id: place.clone(),
                window_start: window_end - Days::new(6),
                window_end,
                mean,
                sd: 0.1,
                q025: mean - 0.2,
                q25: mean - 0.07,
                q50: mean,
                q75: mean + 0.07,
                q975: mean + 0.2,
                growth: None,
            });
        }
    }
    all
}
