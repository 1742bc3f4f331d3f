//! The command `vigie`. Exit code 0: done; 1: it failed, with a sentence on stderr; 2: it was called wrongly.

mod archive;
mod audit;
mod backup;
mod door;
mod drill;
mod front;
mod incident;
mod lines;
mod login;
mod postgres;
mod process;
mod restore;
mod retrievals;
mod roles;
mod say;
mod signing;
mod state;
mod testdb;
mod tree;
mod up;

rust_i18n::i18n!("locales");

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use kit::Secret;
use std::path::PathBuf;
use std::process::ExitCode;
use store::access::Access;

/// Epidemic watch: run, load, forecast and check. Not operated or endorsed by WHO or any authority.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a whole country on this machine, until Ctrl-C
    Up(up::Args),
    /// Be the front door of a country whose services run elsewhere (containers)
    Door(front::Args),
    /// Bring the schema of DATABASE_URL up to date
    Migrate(Migrate),
    /// Write data/ anew from recorded payloads
    Extract(Extract),
    /// Load data/ into DATABASE_URL
    Load(Load),
    /// Look at publishers, release what was refused, replay what was retrieved
    #[command(subcommand)]
    Ingest(retrievals::Command),
    /// Compute values again from the bytes that their publishers sent
    Reproduce(retrievals::Reproduce),
    /// Write every table of figures of DATABASE_URL as CSV
    Export(retrievals::Export),
    /// Forecast hub directories
    #[command(flatten)]
    Hub(Box<hub::cli::Command>),
    /// Model cards: what is signed, and by whom
    #[command(subcommand)]
    Cards(signing::Command),
    /// Copy the running database of a country
    Backup(backup::BackupArgs),
    /// Bring the database of a country back to a moment
    Restore(restore::RestoreArgs),
    /// Break a publisher's table in a database made for it, and see whether it is noticed
    Drill(drill::Args),
    /// Look whether forecasts and scores are still what was stored
    #[command(subcommand)]
    Audit(audit::Command),
    /// Declare an incident, fill the authorities' forms, watch their deadlines
    #[command(subcommand)]
    Incident(incident::Command),
    /// Run a command with a PostgreSQL of its own in DATABASE_URL (tests, benchmarks)
    WithDatabase(testdb::Args),
}

#[derive(Debug, clap::Args)]
struct Database {
    /// Connection URL of PostgreSQL
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Secret,
}

#[derive(Debug, clap::Args)]
struct Migrate {
    #[command(flatten)]
    database: Database,
    /// Services whose roles (DATABASE_SERVICE, made beforehand) get their rights, and lose all others; by comma
    #[arg(long, env = "VIGIE_SERVICES", value_delimiter = ',')]
    services: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Extract {
    /// The folder of recorded payloads
    #[arg(long, env = "VIGIE_SHARED", default_value = "../shared")]
    from: PathBuf,
    /// Where to write
    #[arg(long, default_value = "data")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Load {
    #[command(flatten)]
    database: Database,
    /// The country's profile
    #[arg(long, env = "VIGIE_PROFILE")]
    profile: PathBuf,
    /// The extract
    #[arg(long, env = "VIGIE_DATA_DIR", default_value = "data")]
    data: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    kit::server::telemetry_of_a_command();
    match run(Cli::parse().command).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Up(args) => up::run(&args).await.map(|()| 0),
        Command::Door(args) => front::run(&args).await.map(|()| 0),
        Command::Migrate(args) => {
            migrate(args.database.database_url.as_str(), &args.services).await.map(|()| 0)
        }
        Command::Extract(args) => {
            let summary = ingest::extract::write(&args.from, &args.out)?;
            say::line(&summary.to_string());
            Ok(0)
        }
        Command::Load(args) => load(&args).await.map(|()| 0),
        Command::Ingest(command) => retrievals::run(&command).await,
        Command::Reproduce(args) => retrievals::reproduce(&args).await,
        Command::Export(args) => retrievals::export(&args).await.map(|()| 0),
        Command::Hub(command) => {
            command.run(&mut std::io::stdout(), &mut std::io::stderr())?;
            Ok(0)
        }
        Command::Cards(command) => signing::run(&command).map(|()| 0),
        Command::Backup(args) => backup::backup(&args).await.map(|()| 0),
        Command::Restore(args) => restore::restore(&args).await.map(|()| 0),
        Command::Drill(args) => drill::run(&args).await.map(|()| 0),
        Command::Audit(command) => audit::run(&command).await,
        Command::Incident(command) => incident::run(&command),
        Command::WithDatabase(args) => testdb::run(&args).await,
    }
}

/// Opens the database of an address that a person gave; the address itself, with its password, is not repeated.
async fn connect(url: &str, size: u32) -> anyhow::Result<sqlx::PgPool> {
    store::connect(url, size).await.map_err(|error| match error {
        sqlx::Error::Configuration(_) => anyhow::anyhow!(
            "DATABASE_URL is no address of a PostgreSQL database: write postgres://user:password@host:5432/name"
        ),
        error => anyhow::Error::from(error).context("the database of DATABASE_URL cannot be reached"),
    })
}

/// Applies what is missing of the schema, and gives the services' roles the rights that they have in it.
async fn migrate(url: &str, services: &[String]) -> anyhow::Result<()> {
    let mut granted = Vec::new();
    for name in services.iter().filter(|name| *name != login::IDENTITY) {
        let access = Access::of(name).with_context(|| {
            let known: Vec<&str> = store::access::SERVICES.iter().map(|a| a.service).collect();
            format!(
                "VIGIE_SERVICES: there is no service `{name}` with a role here; there are {}",
                known.join(", ")
            )
        })?;
        granted.push(access);
    }
    let pool = connect(url, 2).await?;
    store::MIGRATOR.run(&pool).await.context("the schema cannot be brought up to date")?;
    let mut conn = pool.acquire().await?;
    let database: String = sqlx::query_scalar("select current_database()").fetch_one(&mut *conn).await?;
    let roles: Vec<_> = granted.into_iter().map(|access| (access, access.role(&database))).collect();
    store::access::give(&mut conn, &roles).await.context(
        "the services' roles do not get their rights: is each there, and may the owner of the tables let it in?",
    )?;
    drop(conn);
    pool.close().await;
    Ok(())
}

async fn load(args: &Load) -> anyhow::Result<()> {
    let profile = kit::config::profile(args.profile.clone())?;
    let pool = connect(args.database.database_url.as_str(), 2).await?;
    let mut conn = pool.acquire().await?;
    let done =
        ingest::load::all(&mut conn, &args.data, &profile, kit::wall(), &|text| say::line(text)).await?;
    say::line(&format!("{} new values of {}", done.new_rows, done.rows));
    Ok(())
}
