//! What pages of all services have in common to look at: the country's colours and the public pages' styles, in files that are
//! named by their content, so that a browser may keep them for ever.

use crate::Problem;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::profile::Theme;
use sha2::{Digest as _, Sha256};

/// For a file whose name tells its content.
pub const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// First 16 hex digits of the SHA-256.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).chars().take(16).collect()
}

/// The name of a file by its content: `vigie.0123456789abcdef.css`.
#[must_use]
pub fn named(kind: &str, end: &str, body: &str) -> String {
    format!("{kind}.{}.{end}", hash(body.as_bytes()))
}

/// The style sheet of the country's colours.
#[must_use]
pub fn colours(theme: &Theme) -> String {
    let (accent, dark) = (colour(&theme.accent), colour(&theme.accent_dark));
    format!(
        ":root{{--accent:{accent}}}\n@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n\
         @media print{{:root{{--accent:{accent}}}}}\n"
    )
}

/// The mark in the country's colour, from an SVG that is drawn in `currentColor`.
#[must_use]
pub fn mark(svg: &str, theme: &Theme) -> String {
    svg.replace("currentColor", &colour(&theme.accent))
}

/// Only `#rrggbb` may go into a style sheet; anything else becomes a neutral grey.
fn colour(text: &str) -> String {
    let hex =
        text.strip_prefix('#').is_some_and(|h| h.len() == 6 && h.chars().all(|c| c.is_ascii_hexdigit()));
    if hex { text.to_owned() } else { "#5a6270".to_owned() }
}

/// Addresses of the styles of a service beside `web`, on the same origin: `web`'s files, and one of its own.
///
/// All services are built from one commit, so the same content gives the same name. Only for the moment of a rolling update
/// may a page stand without its styles: it stays readable.
#[derive(Debug)]
pub struct Styles {
    /// The country's colours: a file of `web`.
    pub theme: String,
    /// The common style: a file of `web`.
    pub style: String,
    /// The mark: a file of `web`.
    pub icon: String,
    /// Our own.
    pub own: String,
    own_name: String,
    own_body: &'static str,
}

impl Styles {
    /// From the contents of `web`'s `vigie.css` and `mark.svg`, and of the service's own sheet, which it serves as
    /// `/<service>/static/<name>`.
    #[must_use]
    pub fn new(theme: &Theme, style: &str, svg: &str, service: &str, own_body: &'static str) -> Self {
        let own_name = named(service, "css", own_body);
        Self {
            theme: format!("/static/{}", named("theme", "css", &colours(theme))),
            style: format!("/static/{}", named("vigie", "css", style)),
            icon: format!("/static/{}", named("mark", "svg", &mark(svg, theme))),
            own: format!("/{service}/static/{own_name}"),
            own_name,
            own_body,
        }
    }

    /// The service's own sheet.
    ///
    /// # Errors
    /// 404 for any other name.
    pub fn file(&self, name: &str) -> Result<Response, Problem> {
        if name != self.own_name {
            return Err(Problem::NotFound("file"));
        }
        let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, FOR_EVER)];
        Ok((headers, self.own_body).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_colour_becomes_part_of_a_style_sheet() {
        assert_eq!(colour("#0b5c7a"), "#0b5c7a");
        assert_eq!(colour("red;}body{display:none"), "#5a6270");
    }
}
