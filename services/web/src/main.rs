//! `vigie-web`: serves the public pages.

use kit::config::Config;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    kit::server::telemetry("web");
    let config = Config::from_env()?;
    let options = web::Options::from_env()?;
    let app = kit::App::connect(&config).await?;
    let router = web::router(app.clone(), options)?;
    kit::server::serve(router, app, config.addr, config.admin_addr).await
}
