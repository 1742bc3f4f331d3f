//! `forecast batch`: computes once and ends. `forecast replay`: past weeks again. `forecast` or `forecast serve`: answers on
//! `VIGIE_ADDR`, computes at the start and whenever there are new figures; `/watch` on `VIGIE_ADMIN_ADDR` is for operators.
//! Settings: [`kit::config::Config`], [`kit::rate::per_minute`], `VIGIE_DATA_DIR`, `VIGIE_FORECAST_TICK_SECONDS` (how often to look whether a series has
//! grown stale, under the real clock; default 3600), `VIGIE_FORECAST_REPLAY_WEEKS` (past weeks to replay at the start; default 0).

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Parser, Subcommand};
use forecast::batch::Options;
use forecast::replay::{self, Span};
use forecast::{watch, work};
use kit::config::Config;
use kit::{App, Build};
use std::io::Write as _;
use std::time::Duration;

/// Forecasts, reproduction numbers, deaths ahead and spread.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Compute everything that the profile asks for, as of the clock, and end.
    Batch,
    /// Compute past weeks again, each from what was known then, and score them.
    Replay {
        /// The newest weeks before the clock, so many of each signal.
        #[arg(long, conflicts_with_all = ["from", "to"], default_value_t = 20)]
        weeks: usize,
        /// Issues from this day on.
        #[arg(long, requires = "to")]
        from: Option<NaiveDate>,
        /// … to this one.
        #[arg(long, requires = "from")]
        to: Option<NaiveDate>,
        /// Of this signal alone.
        #[arg(long)]
        signal: Option<String>,
    },
    /// Answer requests; the same without a word.
    Serve,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    kit::server::telemetry("forecast");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let config = Config::from_env().context("forecast does not start")?;
        let options = Options::from_env()?;
        let app = App::connect(&config).await?;
        match arguments.command.unwrap_or(Command::Serve) {
            Command::Batch => work::once(&app, &options, say).await.map(|_| ()),
            Command::Replay { weeks, from, to, signal } => {
                let span = from.zip(to).map_or(Span::Weeks(weeks), |(from, to)| Span::Between(from, to));
                let new = replay::run(&app, &options, span, signal.as_deref(), say).await?;
                say(&format!("{new} new runs"));
                Ok(())
            }
            Command::Serve => serve(app, options, &config).await,
        }
    });
    // A fit that is under way holds a thread; what it would store is computed again at the next start.
    runtime.shutdown_background();
    done
}

/// A line of progress; a closed pipe is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn serve(app: App, options: Options, config: &Config) -> anyhow::Result<()> {
    // Before anything is computed: a wrong signature stops the start.
    let build = Build::from_env(env!("CARGO_PKG_NAME"))?;
    let router = forecast::router(app.clone(), build, kit::rate::per_minute()?)?;
    let tick = Duration::from_secs(kit::config::var("VIGIE_FORECAST_TICK_SECONDS", 3600_u64)?.max(1));
    let weeks = kit::config::var("VIGIE_FORECAST_REPLAY_WEEKS", 0_usize)?;
    let worker = tokio::spawn({
        let (app, options) = (app.clone(), options.clone());
        async move { work::listen(&app, &options, tick, say).await }
    });
    // One thread: whoever reads meanwhile keeps the other.
    let past = Options { threads: 1, ..options };
    let replay = (weeks > 0).then(|| tokio::spawn(replay::in_background(app.clone(), past, weeks, say)));
    let operators = watch::router(app.clone());
    let served =
        kit::server::serve_with(router, operators, app.clone(), config.addr, config.admin_addr).await;
    for work in [Some(worker), replay].into_iter().flatten() {
        work.abort();
        // A fit does not hear it; what it would store is lost with the process.
        let _ended = tokio::time::timeout(Duration::from_secs(2), work).await;
    }
    if let Err(error) = work::leave(&app).await {
        tracing::warn!(
            error = format!("{error:#}"),
            "what was under way waits for the end of its lease, a minute at most"
        );
    }
    served
}
