//! `vigie with-database -- COMMAND`: a command with a PostgreSQL of its own, for tests and benchmarks.

use crate::postgres;
use crate::process;
use crate::state::State;
use crate::tree::Tree;
use anyhow::{Context as _, bail};
use rustix::process::Signal;
use tokio::process::Command;

/// What the command is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which server: one folder, one lock and one log each
    #[arg(long, default_value = "test")]
    name: String,
    /// Keep writes durable, as `vigie up` does: for benchmarks. Without it a power cut may lose the test data
    #[arg(long)]
    durable: bool,
    /// The command and its arguments; it finds the server in DATABASE_URL
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Runs the command and returns its exit code.
pub(crate) async fn run(args: &Args) -> anyhow::Result<u8> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let state = State::open(tree.root(), &args.name)?;
    let home = postgres::install().await?;
    postgres::initialise(&state, &home).await?;
    let fast = ["max_connections=300", "fsync=off", "synchronous_commit=off", "full_page_writes=off"];
    let settings: &[&str] = if args.durable { &fast[..1] } else { &fast };
    let mut server = postgres::start(&state, &home, settings).await?;
    let Some((program, rest)) = args.command.split_first() else { bail!("no command") };
    let mut command = Command::new(program);
    command.args(rest).env("DATABASE_URL", &server.url);
    let status = {
        let mut child = process::tied(&mut command, Signal::TERM)
            .spawn()
            .with_context(|| format!("`{program}` cannot be started"))?;
        tokio::select! {
            ended = child.wait() => ended.map(|s| s.code()),
            () = kit::server::terminated() => Ok(None),
        }
    };
    server.stop().await;
    // 1 also for a command that a signal ended.
    Ok(status?.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
