//! `identity` or `identity serve`: answers on `VIGIE_ADDR`. The other words are an operator's, on the machine itself.
//! Settings: [`kit::config::Config`], where `DATABASE_URL` is the database of this service alone, and [`identity::Options`].

mod jobs;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use identity::audit::Verdict;
use identity::{Options, Time, accounts};
use kit::App;
use kit::access::Policy;
use kit::config::Config;
use serde_json::json;
use std::io::Write as _;

/// Who somebody is and what they may do.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests; the same without a word.
    Serve,
    /// Bring the schema of the service's own database up to date, and close that database to every other role.
    Migrate(Database),
    /// Read the whole audit and say whether it was changed: exit code 1 when it was.
    Verify(Database),
    /// Disable an account and end all its sessions.
    Disable(Of),
    /// Let a disabled account be used again.
    Enable(Of),
    /// What persons asked for, and what they were told.
    Requests {
        #[command(subcommand)]
        command: jobs::Requests,
    },
    /// Receipts.
    Receipt {
        #[command(subcommand)]
        command: jobs::Receipt,
    },
    /// What is older than the country's days goes.
    Retention {
        #[command(subcommand)]
        command: jobs::Run,
    },
    /// Mail to those whose value is reached.
    Alerts {
        #[command(subcommand)]
        command: jobs::Run,
    },
    /// Erase again whoever was erased, after a backup from before was restored.
    RestoreErasures(jobs::Restore),
    /// API keys of programs.
    Keys {
        #[command(subcommand)]
        command: jobs::Keys,
    },
    /// Give a role to an account.
    Grant {
        #[command(flatten)]
        of: Of,
        /// specialist, operator, auditor, dpo
        role: String,
        /// When it ends, RFC 3339; without it, when it is taken away
        #[arg(long)]
        until: Option<DateTime<Utc>>,
    },
    /// Take a role away.
    Revoke {
        #[command(flatten)]
        of: Of,
        /// The role
        role: String,
    },
}

#[derive(Debug, clap::Args)]
struct Database {
    /// Connection URL of the service's own database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
}

#[derive(Debug, clap::Args)]
struct Of {
    #[command(flatten)]
    database: Database,
    /// The account's number, as its owner sees it on /account
    account: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Migrate(db) => {
            kit::server::telemetry_of_a_command();
            let pool = store::connect(&db.database_url, 1).await.context("DATABASE_URL")?;
            identity::MIGRATOR.run(&pool).await.context("the schema cannot be brought up to date")?;
            identity::close(&mut *pool.acquire().await?)
                .await
                .context("the database cannot be closed to other roles: its own role must own it")
        }
        Command::Verify(db) => {
            kit::server::telemetry_of_a_command();
            let pool = store::connect(&db.database_url, 1).await.context("DATABASE_URL")?;
            match identity::audit::verify(&pool).await? {
                Verdict::Whole(last, hash) => {
                    let hash = store::chain::hex(&hash);
                    Ok(writeln!(std::io::stdout(), "whole up to entry {last}, whose hash is {hash}")?)
                }
                Verdict::Broken(seq) => {
                    bail!("the audit was changed: entry {seq} does not fit to the one before it")
                }
            }
        }
        Command::Requests { command } => jobs::requests(command).await,
        Command::Keys { command } => jobs::keys(command).await,
        Command::Receipt { command } => jobs::receipt(command).await,
        Command::Retention { command: jobs::Run::Run } => jobs::retention().await,
        Command::Alerts { command: jobs::Run::Run } => jobs::alerts().await,
        Command::RestoreErasures(restore) => jobs::restore(restore).await,
        Command::Disable(of) => operate(Act::Disable, of).await,
        Command::Enable(of) => operate(Act::Enable, of).await,
        Command::Grant { of, role, until } => operate(Act::Grant { role, until }, of).await,
        Command::Revoke { of, role } => operate(Act::Revoke { role }, of).await,
    }
}

/// What is done to an account.
enum Act {
    Disable,
    Enable,
    Grant { role: String, until: Option<DateTime<Utc>> },
    Revoke { role: String },
}

async fn serve() -> anyhow::Result<()> {
    kit::server::telemetry();
    let config = Config::from_env().context("identity does not start")?;
    let options = Options::from_env()?;
    let app = App::connect(&config).await?;
    let schema = kit::server::Schema { db: app.db.clone(), newest: &identity::MIGRATOR };
    let router = identity::router(app, options, Time::default())?;
    kit::server::serve_over(router, axum::Router::new(), schema, config.addr, config.admin_addr).await
}

async fn operate(act: Act, of: Of) -> anyhow::Result<()> {
    kit::server::telemetry_of_a_command();
    let pool = store::connect(&of.database.database_url, 1).await.context("DATABASE_URL")?;
    let mut tx = pool.begin().await?;
    let (id, now) = (of.account.as_str(), Time::default().now());
    let Some(account) = accounts::named(&mut tx, id).await? else {
        bail!("there is no account {id}: its owner sees its number on /account");
    };
    let changed = match &act {
        Act::Disable => accounts::disable(&mut tx, id, now).await?,
        Act::Enable => accounts::enable(&mut tx, id).await?,
        Act::Grant { role, until } => {
            let policy = Policy::of_the_platform()?;
            if !policy.can_be_given(role) {
                let known: Vec<&str> = policy.roles().filter(|r| policy.can_be_given(r)).collect();
                bail!("there is no role {role}: choose one of {}", known.join(", "));
            }
            accounts::grant(&mut tx, id, role, "command", now, *until).await.map(|()| true)?
        }
        Act::Revoke { role } => accounts::revoke(&mut tx, id, role).await?,
    };
    if !changed {
        bail!("nothing was changed: it was so already");
    }
    let (action, detail) = match &act {
        Act::Grant { role, until } => ("role.grant", json!({ "role": role, "until": until })),
        Act::Revoke { role } => ("role.revoke", json!({ "role": role })),
        Act::Enable => ("account.enable", json!({})),
        Act::Disable => ("account.disable", json!({})),
    };
    identity::audit::append(&mut tx, now, "command", action, &account.pseudonym(), detail).await?;
    Ok(tx.commit().await?)
}
