//! `data-api`: listens on `VIGIE_ADDR`, health and metrics on `VIGIE_ADMIN_ADDR`; settings in [`kit::config::Config`] and
//! [`kit::rate::per_minute`] and [`kit::keys::asker`].

use anyhow::Context as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    kit::server::telemetry("data-api");
    let config = kit::config::Config::from_env().context("data-api does not start")?;
    let per_minute = kit::rate::per_minute().context("data-api does not start")?;
    let app = kit::App::connect(&config).await?;
    let asker = kit::keys::asker("data-api", &app).context("data-api does not start")?;
    kit::server::serve(
        data_api::router_with_keys(app.clone(), per_minute, data_api::PATIENCE, asker),
        app,
        config.addr,
        config.admin_addr,
    )
    .await
}
