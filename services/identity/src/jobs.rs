//! What an operator or a timer runs beside the service.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use identity::rights::{erase, receipts, requests, retention};
use identity::{Options, Time};
use kit::App;
use kit::access::Jwks;
use kit::config::Config;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

/// A job has one word, so that it can get further ones.
#[derive(Debug, Subcommand)]
pub(crate) enum Run {
    /// Do it once. Settings are those of the service.
    Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Requests {
    /// The open ones, the most urgent first: number, kind, made, due.
    List(super::Database),
    /// People answered one.
    Close {
        #[command(flatten)]
        database: super::Database,
        /// Its number
        request: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Receipt {
    /// Is it genuine? Prints what it says; exit code 1 when it is not.
    Verify {
        /// The receipt; `-` reads it from the standard input
        file: PathBuf,
        /// The published keys, as /account/receipts/keys.json gives them
        #[arg(long)]
        keys: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    database: super::Database,
    /// The list of erasures
    #[arg(long, env = "VIGIE_ERASURES")]
    erasures: PathBuf,
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

pub(crate) async fn requests(command: Requests) -> anyhow::Result<()> {
    kit::server::telemetry_of_a_command();
    match command {
        Requests::List(db) => {
            let pool = store::connect(&db.database_url, 1).await.context("DATABASE_URL")?;
            for r in requests::waiting(&mut *pool.acquire().await?).await? {
                say(&format!("{}\t{}\t{}\t{}", r.id, r.kind, r.made_at.to_rfc3339(), r.due_at.to_rfc3339()))?;
            }
            Ok(())
        }
        Requests::Close { database, request } => {
            let pool = store::connect(&database.database_url, 1).await.context("DATABASE_URL")?;
            let now = Time::default().now();
            if !requests::close(&mut *pool.acquire().await?, &request, "answered", None, now).await? {
                bail!("there is no open request {request}: `identity requests list` names them");
            }
            Ok(())
        }
    }
}

pub(crate) async fn receipt(command: Receipt) -> anyhow::Result<()> {
    let Receipt::Verify { file, keys } = command;
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(1 << 20).read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    }
    let keys = std::fs::read(&keys).with_context(|| keys.display().to_string())?;
    let keys: Jwks = serde_json::from_slice(&keys).context("the keys are no JWK set")?;
    say(&serde_json::to_string_pretty(&receipts::verify(&text, &keys)?)?)
}

async fn settings() -> anyhow::Result<(App, Options)> {
    kit::server::telemetry_of_a_command();
    let config = Config::from_env()?;
    Ok((App::connect(&config).await?, Options::from_env()?))
}

pub(crate) async fn retention() -> anyhow::Result<()> {
    let (app, _) = settings().await?;
    let profile = &app.profile;
    let mut tx = app.db.begin().await?;
    let (keep, limits) = (profile.law.keep_days, profile.identity.session);
    let gone = retention::run(&mut tx, keep, limits, Time::default().now()).await?;
    tx.commit().await?;
    say(&serde_json::to_string(&gone)?)
}

pub(crate) async fn alerts() -> anyhow::Result<()> {
    let (app, options) = settings().await?;
    let outcome = identity::alerts(app, options, Time::default()).await?;
    say(&serde_json::to_string(&outcome)?)?;
    if outcome.failed > 0 {
        bail!("{} alerts failed; the next run tries them again", outcome.failed);
    }
    Ok(())
}

pub(crate) async fn restore(restore: Restore) -> anyhow::Result<()> {
    kit::server::telemetry_of_a_command();
    let pool = store::connect(&restore.database.database_url, 1).await.context("DATABASE_URL")?;
    let mut tx = pool.begin().await?;
    let erased = erase::again(&mut tx, &restore.erasures, Time::default().now()).await?;
    tx.commit().await?;
    say(&format!("{erased} erased again"))
}
