//! Explore: one signal in up to six places, side by side and in one chart, complete without JavaScript; and a bare
//! chart that other sites may embed. Reads only, as of the platform's clock or of an earlier day.

mod assets;
mod compare;
mod embed;
mod errors;
mod explore;
mod files;
mod here;
mod options;
mod question;
mod respond;
mod series;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use here::Site;
use kit::App;
use kit::locale::LocaleError;
use std::sync::Arc;

// No fallback: a missing text must be seen by the tests, not hidden by another language.
rust_i18n::i18n!("locales");

/// The routes of this service. `apps` are the services of this country, separated by commas: the foot of a page
/// links to the interfaces that are there.
///
/// # Errors
/// [`LocaleError`] when there are no formats for one of the country's languages.
pub fn router(app: App, apps: &str) -> Result<Router, LocaleError> {
    let site = Arc::new(Site::new(app, apps)?);
    let router = Router::new()
        .route("/explore", get(explore::show))
        .route("/explore/data.csv", get(files::csv))
        .route("/explore/chart.svg", get(files::svg))
        .route("/explore/static/{name}", get(assets::file))
        .route("/embed/{signal}/{place}", get(embed::show));
    Ok(kit::problem_fallbacks(router)
        .layer(from_fn_with_state(Arc::clone(&site), errors::as_pages))
        .with_state(site))
}
