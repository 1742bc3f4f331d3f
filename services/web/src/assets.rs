//! Styles and the mark: built in, with their hash in their name, so that a browser may keep them for ever.

use crate::respond::hash;
use crate::site::Site;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::profile::Theme;
use kit::Problem;
use std::sync::Arc;

/// A file.
#[derive(Debug)]
struct Asset {
    name: String,
    mime: &'static str,
    body: String,
}

/// The files of a country.
#[derive(Debug)]
pub struct Assets {
    style: Asset,
    theme: Asset,
    icon: Asset,
}

impl Assets {
    /// Builds them with the country's colours.
    #[must_use]
    pub(crate) fn new(theme: &Theme) -> Self {
        let css = |name: &str, body: String| asset(name, "css", "text/css; charset=utf-8", body);
        let (accent, dark) = (colour(&theme.accent), colour(&theme.accent_dark));
        let theme = format!(
            ":root{{--accent:{accent}}}\n@media (prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}\n\
             @media print{{:root{{--accent:{accent}}}}}\n"
        );
        let icon = include_str!("../static/mark.svg").replace("currentColor", &accent);
        Self {
            style: css("vigie", include_str!("../static/vigie.css").to_owned()),
            theme: css("theme", theme),
            icon: asset("mark", "svg", "image/svg+xml", icon),
        }
    }

    /// Path of the style sheet.
    #[must_use]
    pub(crate) fn style(&self) -> String {
        format!("/static/{}", self.style.name)
    }

    /// Path of the country's colours.
    #[must_use]
    pub(crate) fn theme(&self) -> String {
        format!("/static/{}", self.theme.name)
    }

    /// Path of the mark.
    #[must_use]
    pub(crate) fn icon(&self) -> String {
        format!("/static/{}", self.icon.name)
    }
}

/// Only `#rrggbb` may go into a style sheet; anything else becomes a neutral grey.
fn colour(text: &str) -> String {
    let hex =
        text.strip_prefix('#').is_some_and(|h| h.len() == 6 && h.chars().all(|c| c.is_ascii_hexdigit()));
    if hex { text.to_owned() } else { "#5a6270".to_owned() }
}

fn asset(name: &str, end: &str, mime: &'static str, body: String) -> Asset {
    Asset { name: format!("{name}.{}.{end}", hash(body.as_bytes())), mime, body }
}

/// `/static/{name}`.
pub(crate) async fn file(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let all = [&site.assets.style, &site.assets.theme, &site.assets.icon];
    let (found, keep) = match all.into_iter().find(|a| a.name == name) {
        Some(found) => (found, "public, max-age=31536000, immutable"),
        // While a new version rolls out, a page of the other one asks for its own name: better today's styles
        // than none, and not kept under that name.
        None => {
            let of_the_same = |a: &&Asset| stem(&a.name).is_some() && stem(&a.name) == stem(&name);
            (all.into_iter().find(of_the_same).ok_or(Problem::NotFound("file"))?, "no-cache")
        }
    };
    Ok(([(CONTENT_TYPE, found.mime), (CACHE_CONTROL, keep)], found.body.clone()).into_response())
}

/// What a file is, whatever its content: `vigie` and `css` of `vigie.0123456789abcdef.css`.
fn stem(name: &str) -> Option<(&str, &str)> {
    let (kind, rest) = name.split_once('.')?;
    let (hash, end) = rest.split_once('.')?;
    (hash.len() == 16 && hash.chars().all(|c| c.is_ascii_hexdigit())).then_some((kind, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_colour_becomes_part_of_a_style_sheet() {
        assert_eq!(colour("#0b5c7a"), "#0b5c7a");
        assert_eq!(colour("red;}body{display:none"), "#5a6270");
    }

    #[test]
    fn a_file_of_another_version_is_known_by_its_stem() {
        assert_eq!(stem("vigie.0123456789abcdef.css"), Some(("vigie", "css")));
        for other in ["vigie.css", "vigie.short.css", "vigie.0123456789abcdeg.css", "..", ""] {
            assert_eq!(stem(other), None, "{other}");
        }
    }

    #[test]
    fn styles_are_small() {
        let css = include_str!("../static/vigie.css");
        assert!(css.len() < 20_000, "{}", css.len());
    }
}
