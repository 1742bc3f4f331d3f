//! The service `ingest`: keeps a country's figures current. Nobody calls it: it has an admin port only. Without
//! `VIGIE_LIVE=1` it waits, and the platform runs on the figures that it carries.

use ingest::archive::Archive;
use ingest::live::check::Checker;
use ingest::live::{self, Settings, fetch};
use ingest::load::Plan;
use kit::App;
use kit::config::Config;
use std::time::Duration;
use tokio::sync::watch;

/// How long a look under way may take after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    kit::server::telemetry("ingest");
    let (config, settings) = (Config::from_env()?, Settings::from_env()?);
    let app = App::connect(&config).await?;
    let admin = kit::server::serve_admin(app.clone(), config.admin_addr);
    if !settings.live {
        tracing::info!("VIGIE_LIVE is not 1: nothing is fetched");
        return admin.await;
    }
    let archive = Archive::open(&settings.archive)?;
    let plan = Plan::of(&app.profile);
    let jobs = live::jobs(&plan, settings.non_commercial);
    tracing::info!(feeds = jobs.len(), archive = %archive.name(), "fetching from the publishers");
    let client = fetch::client(&app.public_url)?;
    let checker = Checker::new(app.db.clone(), client, archive, plan);
    let (stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(live::run(checker, jobs, stopped));
    admin.await?;
    let _ = stop.send(true);
    // A look is one transaction: what does not end in time is undone and asked again at the next start.
    if tokio::time::timeout(GRACE, runner).await.is_err() {
        tracing::warn!(seconds = GRACE.as_secs(), "a look was still under way at the end of the grace time");
    }
    Ok(())
}
