//! The built program as a process of its own, as an operator runs it.

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sqlx::{ConnectOptions as _, PgPool};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Nothing here takes as long, on however busy a machine.
const MOST: Duration = Duration::from_secs(240);

/// An address of the loopback interface that nobody listens on.
pub(crate) fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Asks again and again until there is something.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(MOST, asking).await;
    found.unwrap_or_else(|_| panic!("not within {MOST:?}: {what}"))
}

/// The body of a page, if somebody answers with 200.
pub(crate) async fn page(url: &str) -> Option<String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<axum::body::Body>();
    let response = client.get(url.parse().unwrap()).await.ok()?;
    let good = response.status().is_success();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    good.then(|| String::from_utf8_lossy(&body).into_owned())
}

/// `forecast` as a process; it is killed when this is dropped.
pub(crate) struct Forecast {
    child: Child,
    pub(crate) pid: u32,
    admin: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl Forecast {
    /// Starts it on the database of a test, with the clock at `clock` and metrics at `admin`.
    pub(crate) fn start(pool: &PgPool, clock: &str, admin: SocketAddr) -> Self {
        let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/ch/profile/profile.toml");
        let mut child = Command::new(env!("CARGO_BIN_EXE_forecast"))
            .env("DATABASE_URL", pool.connect_options().to_url_lossy().as_str())
            .env("VIGIE_PROFILE", profile)
            .env("VIGIE_CLOCK", clock)
            .env("VIGIE_ADDR", free().to_string())
            .env("VIGIE_ADMIN_ADDR", admin.to_string())
            .env("VIGIE_DB_POOL", "4")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (said, lines) = (Arc::default(), BufReader::new(child.stderr.take().unwrap()).lines());
        tokio::spawn(read(lines, Arc::clone(&said)));
        Self { pid: child.id().unwrap(), child, admin, said }
    }

    /// What it said that has `word` in it.
    pub(crate) fn lines_with(&self, word: &str) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.iter().filter(|line| line.contains(word)).cloned().collect()
    }

    /// The second in which it last finished everything that there was to do.
    pub(crate) async fn passed(&self) -> Option<f64> {
        let metrics = page(&format!("http://{}/metrics", self.admin)).await?;
        let mut values =
            metrics.lines().filter_map(|l| l.strip_prefix("forecast_last_pass_timestamp_seconds "));
        values.next()?.parse().ok()
    }

    /// SIGTERM, and until it has ended.
    pub(crate) async fn stop(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().await.unwrap().success());
    }

    /// SIGKILL: it can do nothing more, not even give back what it has.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

async fn read(
    mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>,
    into: Arc<Mutex<Vec<String>>>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        into.lock().unwrap().push(line);
    }
}
