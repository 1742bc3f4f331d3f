//! The technical API of raw figures, `/api/data/v1`: every value with its identity, status, issue time and source,
//! as it was known at any time. Reads only; everything that it answers is public.

mod body;
mod bulk;
mod bulk_file;
mod catalogue;
mod observations;
mod openapi;
mod reader;
mod respond;
mod select;
mod why;

pub use openapi::document;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use kit::App;
use std::sync::Arc;
use tower_http::set_header::SetResponseHeaderLayer;

/// What the handlers share.
#[derive(Debug, Clone)]
struct Api {
    app: App,
    bulk: Arc<bulk_file::Files>,
}

/// The routes of this service.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .route("/signals", get(catalogue::signals))
        .route("/places", get(catalogue::places))
        .route("/sources", get(catalogue::sources))
        .route("/observations", get(observations::list))
        .route("/why/{id}", get(why::why))
        .route("/bulk", get(bulk::list))
        .route("/bulk/{file}", get(bulk::file))
        .route("/openapi.json", get(openapi::openapi))
        .with_state(Api { app, bulk: Arc::default() });
    let router = Router::new().nest("/api/data/v1", api);
    // Public figures: a page of anybody may read them. There are no cookies that could go along.
    kit::problem_fallbacks(router).layer(SetResponseHeaderLayer::if_not_present(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    ))
}
