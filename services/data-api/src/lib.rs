//! The technical API of raw figures, `/api/data/v1`: every value with its identity, status, issue time and source,
//! as it was known at any time. Reads only; everything that it answers is public. An API key raises the limit.

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
use std::sync::Arc;
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
/// for a file for as long as `patience` (see [`PATIENCE`]). No API key can be checked.
pub fn router(app: App, per_minute: u32, patience: Duration) -> Router {
    router_with_keys(app, per_minute, patience, None)
}

/// The same; `asker` is asked about each API key that is sent. One that stands may ask as often as the profile says,
/// and all of one owner together.
pub fn router_with_keys(
    app: App,
    per_minute: u32,
    patience: Duration,
    asker: Option<Arc<kit::keys::Asker>>,
) -> Router {
    let keyed = kit::keys::Keyed {
        country: app.profile.country.to_string(),
        revoke_at: format!("{}/account/keys", app.public_url),
        per_network: per_minute,
        per_key: app.profile.identity.keys.as_ref().map_or(per_minute, |keys| keys.per_minute),
        per_owner: app.profile.identity.keys.as_ref().map_or(per_minute, |keys| keys.owner_per_minute),
        asker,
    };
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
    kit::keys::keyed(router, keyed)
        .layer(fixed(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .layer(fixed(header::ACCESS_CONTROL_EXPOSE_HEADERS, "*"))
}
