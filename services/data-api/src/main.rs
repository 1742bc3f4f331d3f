//! `data-api`: listens on `VIGIE_ADDR`, health and metrics on `VIGIE_ADMIN_ADDR`; settings in [`kit::config::Config`], and
//! `VIGIE_RATE_PER_MINUTE` (600): how often one client may ask; 0: as often as it likes.

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    kit::server::telemetry();
    let config = kit::config::Config::from_env().context("data-api does not start")?;
    let per_minute = kit::config::var("VIGIE_RATE_PER_MINUTE", 600_u32).context("data-api does not start")?;
    let app = kit::App::connect(&config).await?;
    kit::server::serve(
        data_api::router(app.clone(), per_minute, data_api::PATIENCE),
        app,
        config.addr,
        config.admin_addr,
    )
    .await
}
