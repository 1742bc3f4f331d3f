//! What an operator or a timer runs beside the service.

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use identity::rights::{again, list, proofs, receipts, requests, retention};
use identity::{Options, Time, audit, keys, sessions};
use kit::App;
use kit::access::Jwks;
use kit::config::Config;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
        #[command(flatten)]
        trail: super::Trail,
        /// Its number
        #[arg(allow_hyphen_values = true)]
        request: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Revoke keys, at once: each that stands in a text, or those of an account.
    Revoke {
        #[command(flatten)]
        database: super::Database,
        #[command(flatten)]
        trail: super::Trail,
        /// What leaked: a file, or `-` for the standard input. No key is an argument: others see those
        #[arg(long, required_unless_present = "account", conflicts_with = "account")]
        leaked: Option<PathBuf>,
        /// The account's number: all of its keys
        #[arg(long, allow_hyphen_values = true)]
        account: Option<String>,
        /// Of these only the one with these last four characters, as the page shows them
        #[arg(long, requires = "account")]
        ending: Option<String>,
        /// The list of erasures: a restored backup does not bring back a key that stands in it
        #[arg(long, env = "VIGIE_ERASURES")]
        erasures: Option<PathBuf>,
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
    /// The moment that the database was brought back to, RFC 3339: the audit, which has lost its entries after it, says so, and
    /// all sessions end, those too that ended after it and would be back
    #[arg(long, value_name = "TIME", value_parser = kit::moment)]
    restored_to: Option<DateTime<Utc>>,
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

pub(crate) async fn requests(command: Requests) -> anyhow::Result<()> {
    kit::server::telemetry_of_a_command();
    match command {
        Requests::List(db) => {
            let pool = store::connect(db.database_url.as_str(), 1).await.context("DATABASE_URL")?;
            for r in requests::waiting(&mut *pool.acquire().await?).await? {
                say(&format!("{}\t{}\t{}\t{}", r.id, r.kind, r.made_at.to_rfc3339(), r.due_at.to_rfc3339()))?;
            }
            Ok(())
        }
        Requests::Close { database, trail, request } => {
            let pool = store::connect(database.database_url.as_str(), 1).await.context("DATABASE_URL")?;
            let (own, now, mut tx) = (trail.own()?, Time::default().now(), pool.begin().await?);
            let Some(open) = requests::opened(&mut tx, &request).await? else {
                bail!("there is no open request {request}: `identity requests list` names them");
            };
            let who = requests::who(&mut tx, &request).await?.unwrap_or_default();
            requests::close(&mut tx, &request, "answered", None, now).await?;
            let detail = json!({ "request": request, "kind": open.kind });
            audit::write(&mut tx, own.as_ref(), now, "command", "request.close", &who, detail).await?;
            Ok(tx.commit().await?)
        }
    }
}

/// A file, or the standard input for `-`.
fn read(file: &Path, longest: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(longest + 1).read_to_end(&mut bytes)?;
        // What is not read is not looked at, and nobody would know.
        ensure!(
            bytes.len() as u64 <= longest,
            "the standard input is longer than {longest} bytes: give it as a file, or in parts"
        );
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| file.display().to_string())
}

pub(crate) async fn keys(command: Keys) -> anyhow::Result<()> {
    kit::server::telemetry_of_a_command();
    let Keys::Revoke { database, trail, leaked, account, ending, erasures } = command;
    let own = trail.own()?;
    let text = leaked.map(|file| read(&file, 64 << 20)).transpose()?;
    let pool = store::connect(database.database_url.as_str(), 1).await.context("DATABASE_URL")?;
    let (mut tx, now) = (pool.begin().await?, Time::default().now());
    let revoked = match (text, account) {
        (Some(text), _) => {
            keys::leaked((&mut tx, own.as_ref()), &String::from_utf8_lossy(&text), now).await?
        }
        (None, Some(account)) => {
            keys::end_all((&mut tx, own.as_ref()), &account, ending.as_deref(), now).await?
        }
        (None, None) => bail!("say what leaked, or whose keys: --leaked FILE, --account NUMBER"),
    };
    if let Some(list) = erasures.filter(|list| !list.as_os_str().is_empty()) {
        list::ended(&list, &revoked)?;
    }
    tx.commit().await?;
    if revoked.is_empty() {
        bail!("no key was revoked: none of these stands here, or all were revoked already");
    }
    say(&format!("{} revoked", revoked.len()))
}

pub(crate) async fn receipt(command: Receipt) -> anyhow::Result<()> {
    let Receipt::Verify { file, keys } = command;
    let text = String::from_utf8(read(&file, 1 << 20)?).context("it is no text")?;
    let keys = std::fs::read(&keys).with_context(|| keys.display().to_string())?;
    let keys: Jwks = serde_json::from_slice(&keys).context("the keys are no JWK set")?;
    say(&serde_json::to_string_pretty(&receipts::verify(&text, &keys)?)?)
}

async fn settings() -> anyhow::Result<(App, Options)> {
    kit::server::telemetry_of_a_command();
    let config = Config::from_env()?;
    Ok((App::connect(&config).await?, Options::from_env()?))
}

/// How long what is gone waits for older transactions of the database server before it stays in the files until the next run.
const OLDER: Duration = Duration::from_secs(60);

pub(crate) async fn retention() -> anyhow::Result<()> {
    let (app, _) = settings().await?;
    let profile = &app.profile;
    let mut tx = app.db.begin().await?;
    // The run holds the end of the audit. Somebody who erases themselves now holds their row and waits for that end by another
    // connection, which the server does not take for a deadlock: the run gives way and is started again.
    sqlx::query("set local lock_timeout = '5s'").execute(&mut *tx).await?;
    let (keep, limits) = (profile.law.keep_days, profile.identity.session);
    let gone = retention::run(&mut tx, keep, limits, Time::default().now()).await?;
    tx.commit().await?;
    let used = identity::rewrite(&mut *app.db.acquire().await?, OLDER).await;
    let used = used.context("what is gone still lies in the tables' files")?;
    if !used.is_empty() {
        let tables = used.join(", ");
        tracing::warn!(
            tables,
            "in use, or a transaction of the database server does not end that began before: what is gone still lies in their \
             files, and goes at the next run"
        );
    }
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
    let pool = store::connect(restore.database.database_url.as_str(), 1).await.context("DATABASE_URL")?;
    let (mut tx, now) = (pool.begin().await?, Time::default().now());
    if let Some(to) = restore.restored_to {
        let ended = sessions::end_all(&mut tx, now).await?;
        let detail = json!({ "to": to.to_rfc3339(), "sessions": ended });
        audit::append(&mut tx, now, "command", "database.restore", "", detail).await?;
    }
    // A list says nothing of who only had a link; and a database that was restored does not say so itself.
    let links = proofs::end_all(&mut tx, now).await?;
    let done = again::again(&mut tx, &restore.erasures, now).await?;
    let published = receipts::again(&mut tx, &restore.erasures).await?;
    tx.commit().await?;
    say(&format!("{done}, {links} links ended"))?;
    if published > 0 {
        say(&format!("{published} keys of receipts published again"))?;
    }
    Ok(())
}
