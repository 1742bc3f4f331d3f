//! Forecasts, reproduction numbers, deaths ahead and spread: the [`batch`] that computes them from what is known
//! at the clock, the workers that do it when figures come ([`work`]), the API `/api/forecast/v1` that answers, or says why there is
//! no answer, and what operators [`watch`].

mod api;
pub mod batch;
mod openapi;
pub mod replay;
mod scoring;
pub mod watch;
pub mod work;

pub use openapi::document;

use axum::http::{HeaderValue, header};
use axum::routing::get;
use axum::{Extension, Router};
use kit::{App, Build};
use std::sync::Arc;
use tower_http::set_header::SetResponseHeaderLayer;

rust_i18n::i18n!("locales", fallback = "en");

/// The routes of this service, as it was built. One client may ask `per_minute` times a minute; 0: as often as it likes.
///
/// # Errors
/// [`cards::SignatureError`] when a signature of a model card in the profile does not verify.
pub fn router(app: App, build: Build, per_minute: u32) -> Result<Router, cards::SignatureError> {
    let registry = Arc::new(api::models::Registry { signers: cards::verify(&app.profile)?, build });
    let api = Router::new()
        .route("/transmission", get(api::transmission::transmission))
        .route("/mortality", get(api::mortality::mortality))
        .route("/spread", get(api::spread::spread))
        .route("/forecasts", get(api::forecasts::forecasts))
        .route("/scores", get(api::scores::scores))
        .route("/models", get(api::models::models))
        .layer(Extension(registry))
        .route("/openapi.json", get(openapi::openapi))
        .with_state(app);
    let router = kit::problem_fallbacks(Router::new().nest("/api/forecast/v1", api));
    // Public answers: a page of anybody may read them. There are no cookies that could go along.
    let fixed = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Ok(kit::rate::limited(router, per_minute)
        .layer(fixed(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .layer(fixed(header::ACCESS_CONTROL_EXPOSE_HEADERS, "*"))
        .layer(fixed(header::VARY, "accept, accept-language")))
}
