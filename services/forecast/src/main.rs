//! `forecast batch`: computes once and ends. `forecast` or `forecast serve`: answers on `VIGIE_ADDR`, computes at
//! the start, and with the real clock again whenever there are new figures. Settings: [`kit::config::Config`],
//! `VIGIE_DATA_DIR`, `VIGIE_FORECAST_CHECK_SECONDS` (how often to look for new figures; default 600).

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use forecast::batch::{self, Options};
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

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Compute everything that the profile asks for, as of the clock, and end.
    Batch,
    /// Answer requests; the same without a word.
    Serve,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    kit::server::telemetry();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let config = Config::from_env().context("forecast does not start")?;
        let options = Options::from_env()?;
        let app = App::connect(&config).await?;
        match arguments.command.unwrap_or(Command::Serve) {
            Command::Batch => batch::run(&app, &options, say).await.map(|_| ()),
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
    let every = Duration::from_secs(kit::config::var("VIGIE_FORECAST_CHECK_SECONDS", 600_u64)?.max(1));
    // Before anything is computed: a wrong signature stops the start.
    let router = forecast::router(app.clone(), Build::from_env(env!("CARGO_PKG_NAME"))?)?;
    let worker = tokio::spawn(work(app.clone(), options, every));
    let served = kit::server::serve(router, app, config.addr, config.admin_addr).await;
    worker.abort();
    served
}

/// Computes at the start, and with a real clock again and again: a pass that finds nothing new costs a few reads.
async fn work(app: App, options: Options, every: Duration) {
    loop {
        if let Err(error) = batch::run(&app, &options, say).await {
            tracing::error!(error = format!("{error:#}"), "the batch failed; it is tried again");
        } else if app.clock.recorded().is_some() {
            return;
        }
        tokio::time::sleep(every).await;
    }
}
