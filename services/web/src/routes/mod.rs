//! The paths of the contract.

mod disease;
mod feed;
mod files;
mod home;
mod list;
mod models;
mod place;
mod status;
mod texts;
mod well_known;
mod why;

use crate::here::Here;
use crate::options::Options;
use crate::site::{Site, StartError};
use crate::{assets, errors, respond};
use axum::Router;
use axum::http::header::{HeaderValue, LOCATION, VARY};
use axum::http::{Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kit::{App, Problem};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// The public pages of `app`'s country.
///
/// # Errors
/// [`StartError`]: no formats for one of its languages, or a signature of a model card that does not verify.
pub fn router(app: App, options: Options) -> Result<Router, StartError> {
    let dev = options.dev;
    let site = Arc::new(Site::new(app, options)?);
    let mut prefixes: Vec<&str> = site.langs.iter().map(|l| l.language.prefix.as_str()).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    let mut router = Router::new()
        .route("/static/{name}", get(assets::file))
        .route("/robots.txt", get(well_known::robots))
        .route("/sitemap.xml", get(well_known::sitemap))
        .route("/.well-known/security.txt", get(well_known::security))
        .route("/.well-known/build.json", get(well_known::build));
    for prefix in prefixes {
        router = if prefix.is_empty() {
            router.merge(below(dev).route("/", get(home::show)))
        } else {
            // The home page of a language has one address, `/de/`: `elsewhere` sends `/de` there.
            router.route(&format!("{prefix}/"), get(home::show)).nest(prefix, below(dev))
        };
    }
    Ok(router
        .fallback(elsewhere)
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(|_| {
            Problem::Internal(anyhow::anyhow!("a handler panicked")).into_response()
        }))
        .layer(from_fn(respond::unless_known))
        .layer(from_fn_with_state(Arc::clone(&site), errors::as_pages))
        .with_state(site))
}

/// The pages of one language, but for its home page.
fn below(dev: bool) -> Router<Arc<Site>> {
    let router = Router::new()
        .route("/why/{id}", get(why::show))
        .route("/status", get(status::show))
        .route("/models", get(models::show))
        .route("/models/{id}", get(models::card))
        .route("/accessibility", get(texts::accessibility))
        .route("/legal", get(texts::legal))
        .route("/privacy", get(texts::privacy))
        .route("/feeds/{file}", get(feed::show))
        .route("/{disease}", get(disease::show))
        .route("/{disease}/{place}", get(place::show))
        .route("/{disease}/{place}/{file}", get(files::show));
    if dev { router.route("/styleguide", get(texts::styleguide)) } else { router }
}

/// What no route knows: a path without a language goes to the reader's; one with a slash too many, to the one
/// without; everything else is not there.
async fn elsewhere(method: Method, here: Here) -> Result<Response, Problem> {
    let query = here.query.as_deref().map_or_else(String::new, |q| format!("?{q}"));
    let (found, path) = (here.site.langs.iter().all(|l| !l.language.prefix.is_empty()), here.path.as_str());
    let reads = method == Method::GET || method == Method::HEAD;
    let bare = path.trim_end_matches('/');
    // `/de`: its path without the prefix is read as `/`.
    if reads && path == "/" && here.prefixed && !own_prefix(&here).is_empty() {
        return redirect(StatusCode::PERMANENT_REDIRECT, &format!("{}/{query}", own_prefix(&here)));
    }
    if reads && bare != path && !bare.is_empty() && !bare.starts_with("//") {
        return redirect(StatusCode::PERMANENT_REDIRECT, &format!("{}{bare}{query}", own_prefix(&here)));
    }
    if reads && found && own_prefix(&here).is_empty() && here.site.knows(path) && !path.starts_with("//") {
        let prefix = &here.lang().language.prefix;
        return redirect(StatusCode::SEE_OTHER, &format!("{prefix}{path}{query}"));
    }
    Err(Problem::NotFound("address"))
}

/// The prefix that the reader's own address has.
fn own_prefix(here: &Here) -> &str {
    if here.prefixed { here.lang().language.prefix.as_str() } else { "" }
}

fn redirect(status: StatusCode, to: &str) -> Result<Response, Problem> {
    let to = HeaderValue::from_str(to).map_err(|_| Problem::NotFound("address"))?;
    Ok((status, [(LOCATION, to), (VARY, HeaderValue::from_static("accept-language"))]).into_response())
}
