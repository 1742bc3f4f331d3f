//! Styles: those of the public pages, which stand on the same origin, and a few rules of our own.

use crate::here::Site;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use domain::profile::Theme;
use kit::Problem;
use kit::style::{FOR_EVER, Styles, named};
use std::sync::Arc;

/// Their addresses.
pub(crate) fn styles(theme: &Theme) -> Styles {
    let (style, mark) =
        (include_str!("../../web/static/vigie.css"), include_str!("../../web/static/mark.svg"));
    Styles::new(theme, style, mark, "account", include_str!("../static/account.css"))
}

/// The one script of the platform: without it no authenticator can be asked (decision 0016).
const SCRIPT: &str = include_str!("../static/passkeys.js");

/// Its address.
pub(crate) fn script() -> String {
    format!("/account/static/{}", named("passkeys", "js", SCRIPT))
}

/// `/account/static/{name}`.
pub(crate) async fn file(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    if script().ends_with(&format!("/{name}")) {
        let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, FOR_EVER)];
        return Ok((headers, SCRIPT).into_response());
    }
    site.assets.file(&name)
}
