//! A real Prometheus with the rules of `clusters/base/observability` scrapes a real forecast worker: its alerts come and go with
//! what happens. How long a rule waits before it fires is tested by promtool (`forecast.test.yml`); here it is a second.

use crate::common::{date, point, seeded};
use crate::process::{Forecast, free, page, until};
use chrono::Days;
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// A week after the last figure that [`seeded`] gives.
const LATER: &str = "2025-02-28T23:59:59Z";
const ABSENT: &str = "no forecast worker is scraped";
const RULES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/base/observability/forecast.rules.yml");

/// It ends, and its folder goes, when this is dropped.
struct Prometheus {
    _child: Child,
    folder: PathBuf,
    url: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Prometheus {
    /// Scrapes `target` every second; says so and gives `None` where it is not installed.
    fn start(target: &str) -> Option<Self> {
        if std::process::Command::new("prometheus").arg("--version").output().is_err() {
            println!("skipped: prometheus: it is not installed (e2e/install.sh installs it)");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("vigie-prometheus-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let rules = std::fs::read_to_string(RULES).unwrap();
        let soon = |line: &str| match line.split_once("for: ") {
            Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s\n"),
            _ => format!("{line}\n"),
        };
        std::fs::write(folder.join("rules.yml"), rules.lines().map(soon).collect::<String>()).unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [rules.yml]\n\
             scrape_configs: [{{ job_name: forecast, static_configs: [{{ targets: [\"{target}\"] }}] }}]\n"
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let address = free();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Some(Self { _child: child, folder, url: format!("http://{address}") })
    }

    /// The alerts that fire, each as its summary; `None` while it does not answer.
    async fn firing(&self) -> Option<BTreeSet<String>> {
        let said: serde_json::Value =
            serde_json::from_str(&page(&format!("{}/api/v1/alerts", self.url)).await?).ok()?;
        let alerts = said["data"]["alerts"].as_array()?.iter();
        let firing = alerts.filter(|alert| alert["state"] == "firing");
        Some(firing.map(|alert| alert["annotations"]["summary"].as_str().unwrap().to_owned()).collect())
    }

    /// Waits until exactly these alerts fire.
    async fn fires(&self, wanted: &[&str]) {
        let wanted: BTreeSet<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
        let there = async || (self.firing().await? == wanted).then_some(());
        until(&format!("alerts: {wanted:?}"), there).await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_real_prometheus_hears_that_no_worker_is_there_and_that_a_table_broke(pool: PgPool) {
    seeded(&pool).await;
    let admin = free();
    let Some(prometheus) = Prometheus::start(&admin.to_string()) else { return };
    prometheus.fires(&[ABSENT]).await;
    let worker = Forecast::start(&pool, LATER, admin);
    prometheus.fires(&[]).await;
    // The next issue has eight weeks in another unit.
    let newest = date("2025-02-16");
    let rewritten = (0..8u64).map(|back| {
        let week = newest - Days::new(7 * back);
        point("ili_incidence", "who-fluid", "CH", week, "2025-02-25T08:00:00Z", 20.0)
    });
    let rewritten: Vec<_> = rewritten.collect();
    store::observations::append(&mut pool.acquire().await.unwrap(), &rewritten).await.unwrap();
    prometheus.fires(&["ili_incidence: revision_large"]).await;
    // Another week comes without another surprise.
    let next = newest + Days::new(7);
    let week = point("ili_incidence", "who-fluid", "CH", next, "2025-02-28T12:00:00Z", 21.0);
    store::observations::append(&mut pool.acquire().await.unwrap(), &[week]).await.unwrap();
    prometheus.fires(&[]).await;
    drop(worker);
    prometheus.fires(&[ABSENT]).await;
}
