//! Styles and the mark: built in, with their hash in their name, so that a browser may keep them for ever.

use crate::site::Site;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::profile::Theme;
use kit::Problem;
use kit::style::{self, FOR_EVER};
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
        Self {
            style: css("vigie", include_str!("../static/vigie.css").to_owned()),
            theme: css("theme", style::colours(theme)),
            icon: asset(
                "mark",
                "svg",
                "image/svg+xml",
                style::mark(include_str!("../static/mark.svg"), theme),
            ),
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

fn asset(name: &str, end: &str, mime: &'static str, body: String) -> Asset {
    Asset { name: style::named(name, end, &body), mime, body }
}

/// `/static/{name}`.
pub(crate) async fn file(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let all = [&site.assets.style, &site.assets.theme, &site.assets.icon];
    let (found, keep) = match all.into_iter().find(|a| a.name == name) {
        Some(found) => (found, FOR_EVER),
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
