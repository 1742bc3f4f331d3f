//! The technical API of raw figures, `/api/data/v1`: every value with its identity, status, issue time and source,
//! as it was known at any time. Reads only; everything that it answers is public.

mod body;
mod build;
mod bulk;
mod bulk_file;
mod catalogue;
mod docs;
mod jobs;
mod observations;
mod openapi;
pub mod parquet_file;
mod reader;
mod respond;
mod select;
mod vintage;
mod visit;
mod why;
mod wide;
pub mod words;

pub use openapi::document;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use chrono::{DateTime, Utc};
use kit::App;
use std::time::Duration;
use tower_http::set_header::SetResponseHeaderLayer;

/// What the handlers share.
#[derive(Debug, Clone)]
struct Api {
    app: App,
    files: jobs::Files,
    memory: visit::Memory,
    /// When this process began.
    started: DateTime<Utc>,
}

/// For how long a request waits for a file that is being built; the limit of every request is longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The routes of this service. One client may ask `per_minute` times a minute; 0: as often as it likes. A request waits
/// for a file for as long as `patience` (see [`PATIENCE`]).
pub fn router(app: App, per_minute: u32, patience: Duration) -> Router {
    let api = Router::new()
        .route("/signals", get(catalogue::signals))
        .route("/places", get(catalogue::places))
        .route("/sources", get(catalogue::sources))
        .route("/observations", get(observations::list))
        .route("/why/{id}", get(why::why))
        .route("/bulk", get(bulk::list))
        .route("/bulk/{file}", get(bulk::file))
        .route("/bulk/{signal}/{file}", get(vintage::file))
        .route("/openapi.json", get(openapi::openapi))
        .route("/docs", get(docs::page))
        .route("/docs.css", get(docs::style))
        .with_state(Api {
            app,
            files: jobs::Files::new(patience),
            memory: visit::Memory::default(),
            started: kit::wall(),
        });
    let router = kit::problem_fallbacks(Router::new().nest("/api/data/v1", api));
    // Public figures: a page of anybody may read them. There are no cookies that could go along.
    let fixed = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    kit::rate::limited(router, per_minute)
        .layer(fixed(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .layer(fixed(header::ACCESS_CONTROL_EXPOSE_HEADERS, "*"))
}
