//! `vigie up`: a whole country on one machine, from what the repository says.

use crate::archive;
use crate::backup;
use crate::door::{self, Routes};
use crate::login::{self, IDENTITY, ServiceKeys};
use crate::postgres::{self, Server};
use crate::process::{self, Program};
use crate::restore;
use crate::roles::Roles;
use crate::say::{self, Steps};
use crate::state::State;
use crate::tree::{Service, Tree};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use domain::profile::NATION;
use domain::{CountryCode, CountryProfile};
use kit::Clock;
use rustix::process::Signal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// What `vigie up` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder of clusters/: us, fr, ch
    #[arg(long, env = "COUNTRY", default_value = "fr")]
    country: String,
    /// The front door's port
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// The front door's address; 0.0.0.0 lets a phone in
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// 1: also fetch from the publishers, and use the real clock
    #[arg(long, env = "LIVE", default_value = "0")]
    live: String,
}

struct Running {
    service: Service,
    program: Program,
    addr: SocketAddr,
    admin: SocketAddr,
}

struct Country<'a> {
    tree: &'a Tree,
    code: CountryCode,
    profile: CountryProfile,
    services: Vec<Service>,
    live: bool,
    origin: String,
}

/// Runs a country until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let code = tree.country(&args.country)?;
    let live = match args.live.as_str() {
        "0" | "" => false,
        "1" => true,
        other => bail!("LIVE is `{other}`: write 1 to fetch from the publishers, 0 not to"),
    };
    let shown = if args.host.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { args.host };
    // Another name for this machine, which passkeys want: the front door answers to any.
    let address = format!("http://{}", SocketAddr::new(shown, args.port));
    let country = Country {
        profile: kit::config::profile(tree.profile(code))?,
        services: tree.services(code)?,
        origin: kit::config::var("VIGIE_PUBLIC_URL", address)?,
        tree: &tree,
        code,
        live,
    };
    let listener = TcpListener::bind((args.host, args.port)).await.with_context(|| {
        format!(
            "port {} of {} is taken or not allowed: stop what listens there, or choose another with PORT=8081",
            args.port, args.host
        )
    })?;
    let state = State::open(tree.root(), &code.to_string())?;
    let mut database = None;
    let mut running = Vec::new();
    let mut provider = None;
    // Whatever happens, and whenever Ctrl-C comes, what was started is stopped in order.
    let result = tokio::select! {
        ended = country.start(&state, &mut database, &mut running, &mut provider, listener) => ended,
        () = kit::server::terminated() => Ok(()),
    };
    say::line("vigie: stopping");
    for one in running.iter_mut().rev() {
        one.program.stop(Signal::TERM, Duration::from_secs(20)).await;
    }
    if let Some(provider) = &mut provider {
        Program::stop(provider, Signal::TERM, Duration::from_secs(5)).await;
    }
    if let Some(server) = &mut database {
        Server::stop(server).await;
    }
    if result.is_ok() {
        say::line("vigie: stopped; nothing is left running");
    }
    result.map_err(disk_full)
}

impl Country<'_> {
    async fn start(
        &self,
        state: &State,
        database: &mut Option<Server>,
        running: &mut Vec<Running>,
        provider: &mut Option<Program>,
        listener: TcpListener,
    ) -> anyhow::Result<()> {
        let names: Vec<&str> = self.services.iter().map(|s| s.name.as_str()).collect();
        restore::after_an_interrupted(state.dir())?;
        let first = postgres::is_new(state);
        let expect = if first {
            "the first start takes about 2 minutes and 400 MB, later ones less than 10 s"
        } else {
            "a start takes less than 10 s, longer when figures or models changed"
        };
        say::line(&format!("vigie: {} = {}; {expect}", self.code, names.join(", ")));
        let mut steps = Steps::new(5, first);
        let url = self.database(state, database, &mut steps).await?;
        let pool = crate::connect(&url, 4).await?;

        let step = steps.next("figures", "10 to 40 s and 200 MB", "1 s");
        let loaded = self.load(&pool, &step).await?;
        step.done(&loaded);
        let clock = self.clock(&pool).await?;
        pool.close().await;

        let roles = Roles::make(state, &url, database.is_some(), &self.services).await?;

        let step = steps.next("forecasts", "10 to 90 s, both cores busy", "1 s");
        self.forecasts(roles.url(FORECAST), clock, &step).await?;
        step.done("stored");

        let step = steps.next("services", "2 s", "2 s");
        let keys = ServiceKeys::make(state, &self.profile)?;
        // Before any service works: what is erased again goes out of the files only when no transaction of the server is older.
        let mut accounts = None;
        if self.services.iter().any(|s| s.name == IDENTITY) {
            accounts = Some(login::database(state, &url, || self.command(IDENTITY, &url, clock)).await?);
        }
        for service in &self.services {
            let mut command = self.command(&service.name, roles.url(&service.name), clock)?;
            let addr = keys.tell(&service.name, &mut command)?;
            if service.name == IDENTITY
                && let Some(accounts) = accounts.take()
            {
                command.env("VIGIE_ERASURES", login::erasures(state));
                command.env("DATABASE_URL", accounts.service);
                command.env("VIGIE_AUDIT_DATABASE_URL", accounts.audit);
                let (told, program) =
                    login::provider(state, self.tree, &self.profile, &self.origin, &step).await?;
                told.tell(&mut command);
                *provider = program;
            }
            running.push(self.run(state, service, (command, addr))?);
        }
        for one in running.iter_mut() {
            ready(one).await?;
        }
        step.done(&names.join(", "));

        let routes = Routes::new(running.iter().map(|r| (&r.service, r.addr)));
        let door = kit::listen::accept(
            listener,
            door::router(routes),
            kit::listen::DOOR,
            // It is closed with the rest of this program.
            std::future::pending(),
        );
        match clock {
            Clock::Real => {}
            Clock::Recorded(at) => say::line(&format!("vigie: recorded situation of {}", at.date_naive())),
        }
        if let Some(forecast) = running.iter().find(|one| one.service.name == FORECAST) {
            say::line(&format!("vigie: for operators: http://{}/watch", forecast.admin));
        }
        say::line(&format!(
            "vigie: {} is up at {} ({})",
            self.code,
            self.origin,
            say::seconds(steps.elapsed())
        ));
        let own = database.is_some().then_some(url.as_str());
        let watch = async {
            tokio::select! {
                sentence = stopped(running) => sentence,
                sentence = archive::watch(own, state.dir()) => sentence,
                sentence = database_stopped(database) => sentence,
            }
        };
        tokio::select! {
            () = door => bail!("the front door stopped"),
            sentence = watch => bail!("{sentence}"),
        }
    }

    async fn database(
        &self,
        state: &State,
        database: &mut Option<Server>,
        steps: &mut Steps,
    ) -> anyhow::Result<String> {
        let step = steps.next("database", "10 s: 15 MB to fetch, 110 MB on disk", "1 s");
        let url = match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => {
                step.done("the one of DATABASE_URL");
                url
            }
            _ => {
                let home = postgres::install().await?;
                postgres::initialise(state, &home).await?;
                archive::in_order(state.dir()).context("the archive cannot be brought in order")?;
                let archive = archive::settings(state.dir())?;
                // A DETAIL in its log names the values of the row that was refused.
                let mut settings = vec!["max_connections=80", "log_error_verbosity=terse"];
                settings.extend(archive.iter().map(String::as_str));
                let server = postgres::start(state, &home, &settings).await?;
                let url = server.url.clone();
                *database = Some(server);
                backup::keep_no_longer(state.dir(), self.profile.law.keep_days.backup)
                    .context("backups that are older than the country's days do not go")?;
                step.done(&format!("PostgreSQL {} in {}", postgres::VERSION, state.dir().display()));
                url
            }
        };
        let step = steps.next("migrations", "1 s", "1 s");
        crate::migrate(&url, &[]).await?;
        step.done("schema is current");
        Ok(url)
    }

    async fn load(&self, pool: &sqlx::PgPool, step: &say::Step) -> anyhow::Result<String> {
        let mut conn = pool.acquire().await?;
        let loaded = ingest::load::all(&mut conn, &self.tree.data(), &self.profile, kit::wall(), &|text| {
            step.progress(text)
        })
        .await?;
        Ok(format!("{} new values of {}", loaded.new_rows, loaded.rows))
    }

    /// `VIGIE_CLOCK` if set; the real clock with LIVE=1; else the last issue of the country's main signal.
    async fn clock(&self, pool: &sqlx::PgPool) -> anyhow::Result<Clock> {
        if let given @ Clock::Recorded(_) = kit::config::clock()? {
            return Ok(given);
        }
        if self.live {
            return Ok(Clock::Real);
        }
        Ok(Clock::Recorded(last_issue(pool, &self.profile).await?))
    }

    /// The environment of every program of the country.
    fn command(&self, program: &str, url: &str, clock: Clock) -> anyhow::Result<Command> {
        let mut command = Command::new(sibling(program)?);
        command
            .env("DATABASE_URL", url)
            .env("VIGIE_PROFILE", self.tree.profile(self.code))
            .env("VIGIE_DATA_DIR", self.tree.data())
            .env("VIGIE_LIVE", if self.live { "1" } else { "0" })
            .env("VIGIE_APPS", self.services.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(","))
            .env("VIGIE_LOG_FORMAT", "text")
            .env("VIGIE_PUBLIC_URL", &self.origin);
        match clock {
            Clock::Real => command.env_remove("VIGIE_CLOCK"),
            Clock::Recorded(at) => command.env("VIGIE_CLOCK", at.to_rfc3339()),
        };
        if clock.recorded().is_some() && std::env::var_os("VIGIE_FORECAST_REPLAY_WEEKS").is_none() {
            // A recorded situation has no past of its own: the forecasts' record is made from it.
            command.env("VIGIE_FORECAST_REPLAY_WEEKS", "20");
        }
        Ok(command)
    }

    /// Runs the forecast worker once and passes its progress on.
    async fn forecasts(&self, url: &str, clock: Clock, step: &say::Step) -> anyhow::Result<()> {
        if !self.services.iter().any(|s| s.name == FORECAST) {
            return Ok(());
        }
        let mut command = self.command(FORECAST, url, clock)?;
        let mut child = process::tied(&mut command, Signal::KILL)
            .arg("batch")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the forecast worker cannot be started")?;
        let mut last = String::new();
        if let Some(stderr) = child.stderr.take() {
            let mut lines = BufReader::new(stderr).lines();
            while let Some(text) = lines.next_line().await? {
                step.progress(&text);
                last = text;
            }
        }
        let status = child.wait().await?;
        if !status.success() {
            bail!("the forecasts failed ({}): {last}", process::how(status));
        }
        Ok(())
    }

    fn run(&self, state: &State, service: &Service, to: (Command, SocketAddr)) -> anyhow::Result<Running> {
        let ((mut command, addr), admin) = (to, postgres::free_address()?);
        command
            .env("VIGIE_ADDR", addr.to_string())
            .env("VIGIE_ADMIN_ADDR", admin.to_string())
            .env("VIGIE_ARCHIVE", state.dir().join("archive"));
        let log = state.log(&service.name)?;
        let program = Program::start(&service.name, &mut command, log, Signal::TERM)?;
        Ok(Running { service: service.clone(), program, addr, admin })
    }
}

/// When the newest week of the country's main signal came out: where the recorded clock stands.
pub(crate) async fn last_issue(
    pool: &sqlx::PgPool,
    profile: &CountryProfile,
) -> anyhow::Result<DateTime<Utc>> {
    let main = &profile.main_signal;
    let source = profile.signal(main).and_then(|s| s.source_at(NATION));
    let source = source.with_context(|| format!("the main signal {main} has no national source"))?;
    let mut conn = pool.acquire().await?;
    let nation = profile.nation.as_str();
    let at = store::observations::last_new_issue(&mut conn, main.as_str(), source.as_str(), nation).await?;
    at.with_context(|| format!("data/ holds no value of {main} for {nation}"))
}

const FORECAST: &str = "forecast";

/// A service's program lies beside this one: both come from the same build.
fn sibling(program: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let path = here.parent().unwrap_or(Path::new(".")).join(program);
    if !path.is_file() {
        bail!(
            "the program {} is not built: run `make up` (or `cargo build --release -p {program}`)",
            path.display()
        );
    }
    Ok(path)
}

/// A full disk, said as such.
fn disk_full(error: anyhow::Error) -> anyhow::Error {
    let text = format!("{error:#}");
    if text.contains("No space left on device") && !text.contains("the disk is full") {
        return anyhow::anyhow!(
            "the disk is full: free about 400 MB, then start again; what is loaded is kept. The disk said: {}",
            error.root_cause()
        );
    }
    error
}

/// Waits until a service's `/readyz` answers, or says why it does not.
async fn ready(one: &mut Running) -> anyhow::Result<()> {
    let uri: axum::http::Uri = format!("http://{}/readyz", one.admin).parse()?;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build::<_, axum::body::Body>(hyper_util::client::legacy::connect::HttpConnector::new());
    one.program.until(async || client.get(uri.clone()).await.is_ok_and(|r| r.status().is_success())).await
}

/// Resolves when one of the services ends, with the sentence for it.
async fn stopped(running: &mut [Running]) -> String {
    loop {
        for one in running.iter_mut() {
            if let Some(status) = one.program.has_ended() {
                return one.program.epitaph(status);
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Resolves when the database of this program ends; never, when it is somebody else's.
async fn database_stopped(database: &mut Option<Server>) -> String {
    let Some(server) = database else { return std::future::pending().await };
    match server.program.ended().await {
        Ok(status) => format!(
            "the database stopped ({}), so everything is stopped. Its data are kept: start again with `make up`. Its log is {}",
            process::how(status),
            server.program.log.display()
        ),
        Err(error) => format!("the database cannot be watched: {error}"),
    }
}
