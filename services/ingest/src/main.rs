//! The service `ingest`: keeps a country's figures current. Nobody calls it: it has an admin port only. Without
//! `VIGIE_LIVE=1` it waits, and the platform runs on the figures that it carries.

use anyhow::Context as _;
use ingest::live::check::Checker;
use ingest::live::keep::Keep;
use ingest::live::{self, Settings, fetch};
use ingest::load::Plan;
use kit::App;
use kit::config::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    kit::server::telemetry();
    let (config, settings) = (Config::from_env()?, Settings::from_env()?);
    let app = App::connect(&config).await?;
    let admin = kit::server::serve_admin(app.clone(), config.admin_addr);
    if !settings.live {
        tracing::info!("VIGIE_LIVE is not 1: nothing is fetched");
        return admin.await;
    }
    let plan = Plan::of(&app.profile);
    let jobs = live::jobs(&plan);
    tracing::info!(feeds = jobs.len(), raw = %settings.raw.display(), "fetching from the publishers");
    let client = fetch::client(&app.public_url)?;
    let mut checker = Checker { db: app.db.clone(), client, keep: Keep::open(&settings.raw)?, plan };
    tokio::select! {
        ended = admin => ended,
        // A look under way is one transaction: at the end of the service it is undone and asked again next time.
        () = live::run(&mut checker, jobs) => Err(anyhow::anyhow!("the runner ended")).context("ingest"),
    }
}
