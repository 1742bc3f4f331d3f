//! `dataviz`: listens on `VIGIE_ADDR`, health and metrics on `VIGIE_ADMIN_ADDR`; settings in [`kit::config::Config`].

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    kit::server::telemetry("dataviz");
    let config = kit::config::Config::from_env().context("dataviz does not start")?;
    let app = kit::App::connect(&config).await?;
    let apps = kit::config::var("VIGIE_APPS", String::new())?;
    let router = dataviz::router(app.clone(), &apps)?;
    kit::server::serve(router, app, config.addr, config.admin_addr).await
}
