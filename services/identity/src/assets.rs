//! Styles: those of the public pages, which stand on the same origin, and a few rules of our own.

use crate::here::Site;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::profile::Theme;
use kit::Problem;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Addresses of the styles. `web` names its files by their content; both services are built from one commit.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) theme: String,
    pub(crate) style: String,
    pub(crate) icon: String,
    pub(crate) own: String,
    own_name: String,
}

const OWN: &str = include_str!("../static/account.css");

/// First 16 hex digits of the SHA-256, as `web` names its files.
fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes())).chars().take(16).collect()
}

impl Assets {
    pub(crate) fn new(theme: &Theme) -> Self {
        let (accent, dark) = (colour(&theme.accent), colour(&theme.accent_dark));
        let colours = format!(
            ":root{{--accent:{accent}}}\n@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n\
             @media print{{:root{{--accent:{accent}}}}}\n"
        );
        let style = include_str!("../../web/static/vigie.css");
        let icon = include_str!("../../web/static/mark.svg").replace("currentColor", &accent);
        let own_name = format!("account.{}.css", hash(OWN));
        Self {
            theme: format!("/static/theme.{}.css", hash(&colours)),
            style: format!("/static/vigie.{}.css", hash(style)),
            icon: format!("/static/mark.{}.svg", hash(&icon)),
            own: format!("/account/static/{own_name}"),
            own_name,
        }
    }
}

/// Only `#rrggbb`; anything else becomes a neutral grey, as in `web`.
fn colour(text: &str) -> String {
    let hex =
        text.strip_prefix('#').is_some_and(|h| h.len() == 6 && h.chars().all(|c| c.is_ascii_hexdigit()));
    if hex { text.to_owned() } else { "#5a6270".to_owned() }
}

/// `/account/static/{name}`.
pub(crate) async fn file(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    if name != site.assets.own_name {
        return Err(Problem::NotFound("file"));
    }
    let headers =
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, OWN).into_response())
}
