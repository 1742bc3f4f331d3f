//! What login needs on one machine: a database that only `identity` reads, and a provider to try it with.

use crate::process::{self, Program};
use crate::say::{self, Step};
use crate::state::{self, State};
use crate::tree::Tree;
use crate::{postgres, restore};
use anyhow::{Context as _, bail};
use domain::CountryProfile;
use kit::keys::ServiceKey;
use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::process::Command;

/// The service, its program and its folder.
pub(crate) const IDENTITY: &str = "identity";
/// Where its state names who this installation is at the provider.
const REGISTRATIONS: &str = "registrations.toml";
/// Where its state keeps the key of `data-api`.
const SERVICE_KEY: &str = "data-api-key.pem";

/// How `identity` is told of a provider: the file of registrations, or what is missing for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provider {
    /// Registered, in this file.
    Registered(PathBuf),
    /// Something that the login page then names: `node`.
    Missing(&'static str),
}

impl Provider {
    /// The setting of `identity` that says so.
    pub(crate) fn tell(&self, command: &mut Command) {
        match self {
            Self::Registered(path) => command.env("VIGIE_REGISTRATIONS", path),
            Self::Missing(what) => command.env("VIGIE_LOGIN_MISSING", what),
        };
    }
}

/// What `data-api` and `identity` need to speak about API keys: a key of `data-api`'s own, made at each start.
#[derive(Debug)]
pub(crate) struct ServiceKeys(Option<(PathBuf, String, SocketAddr)>);

impl ServiceKeys {
    /// Nothing where the profile has no API keys.
    pub(crate) fn make(state: &State, profile: &CountryProfile) -> anyhow::Result<Self> {
        if profile.identity.keys.is_none() {
            return Ok(Self(None));
        }
        let identity = postgres::free_address()?;
        let pem = ServiceKey::make()?;
        state.write_secret(SERVICE_KEY, &pem)?;
        Ok(Self(Some((state.dir().join(SERVICE_KEY), ServiceKey::read(&pem)?.public(), identity))))
    }

    /// The settings of `service` that say so, and where it is to answer: that of `identity` is known before it starts.
    pub(crate) fn tell(&self, service: &str, command: &mut Command) -> anyhow::Result<SocketAddr> {
        match (&self.0, service) {
            (Some((_, public, identity)), IDENTITY) => {
                command.env("VIGIE_DATA_API_KEY", public);
                return Ok(*identity);
            }
            (Some((path, _, identity)), "data-api") => {
                command
                    .env("VIGIE_SERVICE_KEY", path)
                    .env("VIGIE_IDENTITY_URL", format!("http://{identity}"));
            }
            _ => {}
        }
        postgres::free_address()
    }
}

/// The address of the database of `identity`, as each role that the running service has there. With passwords: shown by nothing.
pub(crate) struct Accounts {
    /// All but the audit, which it only reads.
    pub(crate) service: String,
    /// Adds to the audit.
    pub(crate) audit: String,
}

/// The list of erasures: the file that `VIGIE_ERASURES` names, else one beside the database and its backups, so that a restore
/// does not take it back too.
pub(crate) fn erasures(state: &State) -> PathBuf {
    let named = std::env::var_os("VIGIE_ERASURES").filter(|path| !path.is_empty());
    named.map_or_else(|| state.dir().join("erasures"), PathBuf::from)
}

/// Makes the database of `identity` on the server of `url`: a role that owns it, two for the service, which may do what the
/// service does; brings the schema up to date, erases again whoever stands in the list of erasures (the database may come from a
/// backup of before), and lets go of what is older than the country's days.
pub(crate) async fn database(
    state: &State,
    url: &str,
    program: impl Fn() -> anyhow::Result<Command>,
) -> anyhow::Result<Accounts> {
    let admin: PgConnectOptions =
        url.parse().context("DATABASE_URL is no address of a PostgreSQL database")?;
    let name = format!("{}_{IDENTITY}", admin.get_database().unwrap_or("vigie"));
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        bail!(
            "the database of identity would be called `{name}`: name the one of DATABASE_URL with a-z, 0-9 and _"
        );
    }
    // A statement that makes a role holds its password: none of this connection is logged.
    let mut conn = admin.clone().disable_statement_logging().connect().await?;
    let mut addresses = Vec::new();
    for (role, secret) in [
        (name.clone(), "identity-password"),
        (format!("{name}_service"), "identity-service-password"),
        (format!("{name}_audit"), "identity-audit-password"),
    ] {
        let password = state.secret(secret)?;
        make(&mut conn, &name, &role, &password).await.with_context(|| {
            format!("the database `{name}` cannot be made: the role of DATABASE_URL must be allowed to make databases and roles")
        })?;
        let mut own: url::Url = url.parse().context("DATABASE_URL")?;
        own.set_path(&format!("/{name}"));
        if own.set_username(&role).is_err() || own.set_password(Some(&password)).is_err() {
            bail!("DATABASE_URL is no address of a PostgreSQL database");
        }
        addresses.push(String::from(own));
    }
    let [url, service, audit] =
        <[String; 3]>::try_from(addresses).map_err(|_| anyhow::anyhow!("three roles"))?;
    let erasures = erasures(state);
    let run = async |words: &[&str], what: &str| {
        let mut command = program()?;
        command.args(words).env("DATABASE_URL", &url).env("VIGIE_ERASURES", &erasures);
        let output = process::tied(&mut command, Signal::KILL).output().await;
        let output = output.context("identity cannot be started")?;
        if !output.status.success() {
            bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        for line in String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.contains(" WARN ")) {
            say::error(line);
        }
        Ok(())
    };
    run(&["migrate", "--roles"], "the schema of identity").await?;
    let listed = erasures.try_exists();
    let listed =
        listed.with_context(|| format!("the list of erasures {} cannot be reached", erasures.display()))?;
    let again = "whoever was erased is not erased again";
    if let Some(moment) = restore::restored_to(state.dir())? {
        if !listed {
            // Nobody was erased yet, nor was anything taken away.
            std::fs::File::create(&erasures)?;
        }
        run(&["restore-erasures", "--restored-to", &moment], again).await?;
        restore::noted(state.dir())?;
    } else if listed {
        run(&["restore-erasures"], again).await?;
    }
    run(&["retention", "run"], "what is older than the country's days does not go").await?;
    Ok(Accounts { service, audit })
}

/// A role, and the database `name` where that is the role's own name. Both are words and `password` is hexadecimal, so all
/// may stand in a statement.
async fn make(conn: &mut PgConnection, name: &str, role: &str, password: &str) -> sqlx::Result<()> {
    let is = async |conn: &mut PgConnection, query: &'static str| -> sqlx::Result<bool> {
        sqlx::query_scalar(query).bind(role).fetch_one(conn).await
    };
    let verb = match is(conn, "select exists (select from pg_roles where rolname = $1)").await? {
        true => "alter",
        false => "create",
    };
    let mut statements = vec![format!(
        "{verb} role {role} login nosuperuser nocreatedb nocreaterole noinherit password '{password}'"
    )];
    if role == name && !is(conn, "select exists (select from pg_database where datname = $1)").await? {
        statements.push(format!("create database {name} owner {name}"));
    }
    // Every role may connect to every database unless it is said.
    statements.push(format!("revoke all on database {name} from public"));
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Starts the development provider for the country's providers, where Node and its packages are there.
pub(crate) async fn provider(
    state: &State,
    tree: &Tree,
    profile: &CountryProfile,
    origin: &str,
    step: &Step,
) -> anyhow::Result<(Provider, Option<Program>)> {
    let folder = tree.root().join("services").join(IDENTITY).join("provider");
    let node = Command::new("node").arg("--version").output().await;
    if !node.is_ok_and(|o| o.status.success()) || !folder.join("node_modules").is_dir() {
        step.progress("nobody can log in: Node.js and npm are missing (nothing else needs them)");
        return Ok((Provider::Missing("node"), None));
    }
    let path = state.dir().join(REGISTRATIONS);
    state::remove(&path)?;
    let told = serde_json::json!({ "rp": origin, "providers": profile.identity.providers }).to_string();
    let mut command = Command::new("node");
    command.arg(folder.join("provider.js")).arg(told).arg(&path);
    let mut program =
        Program::start("the development provider", &mut command, state.log("provider")?, Signal::TERM)?;
    // It writes the file beside and moves it when all of it is there.
    program.until(async || path.is_file()).await?;
    step.progress("log in at /account with the sample accounts that the provider's page names");
    Ok((Provider::Registered(path), Some(program)))
}
