//! `identity` or `identity serve`: answers on `VIGIE_ADDR`. The other words are an operator's, on the machine itself.
//! Settings: [`kit::config::Config`], where `DATABASE_URL` is the database of this service alone, and [`identity::Options`].

mod jobs;
mod operators;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use identity::audit::Verdict;
use identity::rights::list::{self, Mark};
use identity::{Options, Time, accounts, audit};
use kit::access::Policy;
use kit::config::Config;
use kit::{App, Secret};
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};

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
    Migrate(Migrate),
    /// Read the whole audit and say whether it was changed: exit code 1 when it was.
    Verify(Verify),
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
    /// Those who run the installation.
    Operators {
        #[command(subcommand)]
        command: Operators,
    },
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
        #[arg(long, value_parser = kit::moment)]
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

#[derive(Debug, Subcommand)]
enum Operators {
    /// Remove all passkeys and recovery codes of an account, end its sessions and write to its owner: it registers anew after a
    /// login. Settings for the letter are those of the service
    Reset(Reset),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Database {
    /// Connection URL of the service's own database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Secret,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, clap::Args)]
struct Migrate {
    #[command(flatten)]
    database: Database,
    /// Fail when the service's two roles are not at the server yet; without it, they are given what they need if they are
    #[arg(long)]
    roles: bool,
}

#[derive(Debug, clap::Args)]
struct Verify {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    trail: Trail,
    /// A hash that stood at the end of the chain once, as this command printed it: is it still in the chain?
    #[arg(long, value_parser = audit::noted)]
    head: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Trail {
    /// Connection URL of the role that writes the audit; without it, the role of DATABASE_URL does
    #[arg(long, env = "VIGIE_AUDIT_DATABASE_URL", hide_env_values = true)]
    audit_database_url: Option<Secret>,
}

impl Trail {
    pub(crate) fn own(&self) -> anyhow::Result<Option<audit::Own>> {
        let url = self.audit_database_url.as_ref().map(Secret::as_str).filter(|url| !url.is_empty());
        url.map(audit::Own::at).transpose().context("VIGIE_AUDIT_DATABASE_URL")
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Of {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    trail: Trail,
    /// The account's number, as its owner sees it on /account
    // One in 64 begins with a hyphen.
    #[arg(allow_hyphen_values = true)]
    account: String,
    /// The list of erasures: a restored backup does not bring back what was taken from an account
    #[arg(long, env = "VIGIE_ERASURES")]
    erasures: Option<PathBuf>,
}

impl Of {
    /// The list, or a warning that there is none.
    fn list(&self) -> Option<&Path> {
        let named = self.erasures.as_deref().filter(|list| !list.as_os_str().is_empty());
        if named.is_none() {
            tracing::warn!("VIGIE_ERASURES is not set: after a restore this is not done again, or undone");
        }
        named
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::Migrate(migrate) => {
            kit::server::telemetry_of_a_command();
            let pool =
                store::connect(migrate.database.database_url.as_str(), 1).await.context("DATABASE_URL")?;
            identity::MIGRATOR.run(&pool).await.context("the schema cannot be brought up to date")?;
            let mut conn = pool.acquire().await?;
            identity::close(&mut conn)
                .await
                .context("the database cannot be closed to other roles: its own role must own it")?;
            identity::unsampled(&mut conn).await.context("the server goes on taking samples of persons")?;
            let given = identity::give(&mut conn).await;
            let given = given.context("the roles of the service cannot be given what they need")?;
            if migrate.roles && !given {
                bail!(
                    "the server has no roles `<owner>_service` and `<owner>_audit`: make them, with a login and nothing else"
                );
            }
            Ok(())
        }
        Command::Verify(verify) => {
            kit::server::telemetry_of_a_command();
            let pool = match verify.trail.own()? {
                Some(own) => own.pool().clone(),
                None => {
                    store::connect(verify.database.database_url.as_str(), 1).await.context("DATABASE_URL")?
                }
            };
            match audit::verify(&pool, verify.head.as_deref()).await? {
                Verdict::Whole(last, hash) => {
                    let hash = store::chain::hex(&hash);
                    Ok(writeln!(std::io::stdout(), "whole up to entry {last}, whose hash is {hash}")?)
                }
                Verdict::Broken(seq) => {
                    bail!("the audit was changed: entry {seq} does not fit to the one before it")
                }
                Verdict::Cut(last) => bail!("{}", audit::cut(last)),
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
        Command::Operators { command: Operators::Reset(reset) } => operators::reset(reset).await,
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
    kit::server::telemetry("identity");
    let config = Config::from_env().context("identity does not start")?;
    let options = Options::from_env()?;
    let app = App::connect(&config).await?;
    let schema = kit::server::Schema { db: app.db.clone(), newest: &identity::MIGRATOR };
    let router = identity::router(app, options, Time::default())?;
    kit::server::serve_over(router, axum::Router::new(), schema, config.addr, config.admin_addr).await
}

/// The account that an operator names.
pub(crate) async fn known(conn: &mut sqlx::PgConnection, id: &str) -> anyhow::Result<accounts::Account> {
    let found = accounts::named(conn, id).await?;
    found.with_context(|| format!("there is no account {id}: its owner sees its number on /account"))
}

/// Whoever is at the service's rows cannot make an operator of somebody.
const OWNER: &str = "roles are given and taken by the owner of the tables: DATABASE_URL must be the address with which `identity migrate` runs";

async fn operate(act: Act, of: Of) -> anyhow::Result<()> {
    kit::server::telemetry_of_a_command();
    let pool = store::connect(of.database.database_url.as_str(), 1).await.context("DATABASE_URL")?;
    let own = of.trail.own()?;
    let mut tx = pool.begin().await?;
    let (id, now) = (of.account.as_str(), Time::default().now());
    let account = known(&mut tx, id).await?;
    let changed = match &act {
        Act::Disable => accounts::disable(&mut tx, id, now).await?,
        Act::Enable => accounts::enable(&mut tx, id).await?,
        Act::Grant { role, until } => {
            let policy = Policy::of_the_platform()?;
            if !policy.can_be_given(role) {
                let known: Vec<&str> = policy.roles().filter(|r| policy.can_be_given(r)).collect();
                bail!("there is no role {role}: choose one of {}", known.join(", "));
            }
            accounts::grant(&mut tx, id, role, "command", now, *until).await.map(|()| true).context(OWNER)?
        }
        Act::Revoke { role } => accounts::revoke(&mut tx, id, role).await.context(OWNER)?,
    };
    if !changed {
        if let (Act::Enable, Some(path)) = (&act, of.list()) {
            // The list may not have been there to write to when it was enabled.
            list::marked(path, &Mark::Disabled, false, &[id.to_owned()])?;
        }
        bail!("nothing was changed: it was so already");
    }
    let (action, detail) = match &act {
        Act::Grant { role, until } => ("role.grant", json!({ "role": role, "until": until })),
        Act::Revoke { role } => ("role.revoke", json!({ "role": role })),
        Act::Enable => ("account.enable", json!({})),
        Act::Disable => ("account.disable", json!({})),
    };
    audit::write(&mut tx, own.as_ref(), now, "command", action, &account.pseudonym(), detail).await?;
    let (mark, on, lifted) = match act {
        Act::Disable => (Mark::Disabled, true, None),
        Act::Enable => (Mark::Disabled, false, Some(id.to_owned())),
        // Given again until another time, it is not what it was.
        Act::Grant { role, until } => (Mark::Taken(role), true, Some(list::given(id, until))),
        Act::Revoke { role } => (Mark::Taken(role), true, None),
    };
    let path = of.list();
    if let Some(path) = path.filter(|_| on) {
        list::marked(path, &mark, true, &[id.to_owned()])?;
    }
    tx.commit().await?;
    if let (Some(path), Some(lifted)) = (path, lifted) {
        list::marked(path, &mark, false, &[lifted])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command, Operators};
    use crate::jobs;
    use clap::Parser as _;

    #[test]
    fn a_hash_that_was_noted_is_read_as_people_keep_it_and_what_is_none_is_no_cut() {
        let hash = "0aF".repeat(21) + "e";
        for kept in [hash.clone(), format!(" {hash}\n"), hash.to_lowercase()] {
            assert_eq!(identity::audit::noted(&kept), Ok(hash.to_lowercase()), "{kept:?}");
        }
        for none in ["", " ", &hash[1..], &format!("{hash}0"), &hash.replace('0', "g")] {
            assert!(identity::audit::noted(none).is_err(), "{none:?}");
        }
    }

    #[test]
    fn a_number_that_begins_with_a_hyphen_is_one() {
        for id in ["-s2Wl1pkuZbQ0Ew1nYcGeA", "--2Wl1pkuZbQ0Ew1nYcGeA", "a-2Wl1pkuZbQ0Ew1nYcGe"] {
            let parsed = |words: &[&str]| {
                let words = ["identity"].iter().chain(words).copied();
                Arguments::try_parse_from(words.chain(["--database-url", "postgres://db"]))
                    .map_err(|error| error.to_string())
                    .map(|arguments| arguments.command)
            };
            let of = |words: &[&str]| match parsed(words) {
                Ok(Some(
                    Command::Disable(of)
                    | Command::Enable(of)
                    | Command::Grant { of, .. }
                    | Command::Revoke { of, .. },
                )) => of.account,
                Ok(Some(Command::Operators { command: Operators::Reset(reset) })) => reset.of.account,
                Ok(Some(Command::Requests { command: jobs::Requests::Close { request, .. } })) => request,
                Ok(Some(Command::Keys { command: jobs::Keys::Revoke { account, .. } })) => account.unwrap(),
                other => format!("{words:?}: {other:?}"),
            };
            for words in [
                ["disable", id].as_slice(),
                &["enable", id],
                &["grant", id, "auditor"],
                &["revoke", id, "auditor"],
                &["operators", "reset", id],
                &["requests", "close", id],
                &["keys", "revoke", "--account", id],
            ] {
                assert_eq!(of(words), id);
            }
        }
    }
}
