//! Styles: those of the public pages, which stand on the same origin, and a few rules of our own.

use crate::here::Site;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::profile::Theme;
use kit::Problem;
use kit::style::Styles;
use std::sync::Arc;

/// Their addresses.
pub(crate) fn styles(theme: &Theme) -> Styles {
    let (style, mark) =
        (include_str!("../../web/static/vigie.css"), include_str!("../../web/static/mark.svg"));
    Styles::new(theme, style, mark, "account", include_str!("../static/account.css"))
}

/// `/account/static/{name}`.
pub(crate) async fn file(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    site.assets.file(&name)
}
