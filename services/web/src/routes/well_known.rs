//! Files that programs read: security contact, what was built, what may be crawled.

use crate::here::Here;
use crate::respond;
use axum::response::Response;
use domain::profile::UNSET;
use kit::Problem;
use serde_json::json;
use std::fmt::Write as _;

/// RFC 9116. A contact is never invented: until the operator names one, the file says so and leads to the page where
/// the operator's own fields stand.
pub(super) async fn security(here: Here) -> Result<Response, Problem> {
    let named = here.site.app.profile.legal.get("security_contact").filter(|c| *c != UNSET);
    let (note, contact) = match named {
        Some(c) if c.contains('@') && !c.contains(':') => ("", format!("mailto:{c}")),
        Some(c) => ("", c.clone()),
        None => {
            let prefix = here.site.langs.first().map_or("", |l| l.language.prefix.as_str());
            let note = "# The operator of this installation has not named a security contact yet.\n";
            (note, here.absolute(format!("{prefix}/legal")))
        }
    };
    let expires = kit::wall() + chrono::Days::new(180);
    let languages: Vec<&str> = here.site.langs.iter().map(|l| l.language.code.as_str()).collect();
    let body = format!(
        "{note}Contact: {contact}\nExpires: {}\nPreferred-Languages: {}\nCanonical: {}\n",
        expires.format("%Y-%m-%dT00:00:00Z"),
        languages.join(", "),
        here.absolute("/.well-known/security.txt")
    );
    respond::text(&here, "text/plain; charset=utf-8", body)
}

/// Composed when asked: a commit inside the image would make every commit another image.
pub(super) async fn build(here: Here) -> Result<Response, Problem> {
    let body = json!({
        "service": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "build": here.site.options.build,
        "country": here.site.app.profile.country,
        "clock": here.site.app.clock.recorded().map(|at| at.to_rfc3339()),
    });
    respond::text(&here, "application/json", format!("{body}\n"))
}

pub(super) async fn robots(here: Here) -> Result<Response, Problem> {
    let body = format!("User-agent: *\nDisallow: /why/\nSitemap: {}\n", here.absolute("/sitemap.xml"));
    respond::text(&here, "text/plain; charset=utf-8", body)
}

/// Every page in every language, with its translations.
pub(super) async fn sitemap(here: Here) -> Result<Response, Problem> {
    let site = &here.site;
    let mut conn = site.app.db.acquire().await.map_err(Problem::from)?;
    let places = store::places::of_nation(&mut conn, site.app.profile.nation.as_str()).await?;
    let mut paths: Vec<String> =
        ["/", "/status", "/models", "/accessibility", "/legal", "/privacy"].map(str::to_owned).into();
    let loaded = store::sources::all(&mut conn).await?;
    let profile = &site.app.profile;
    let used = |c: &&cards::Card| profile.signals.iter().any(|s| cards::uses(c, profile, s));
    paths.extend(cards::library().cards.iter().filter(used).map(|c| format!("/models/{}", c.id)));
    for disease in &profile.diseases {
        paths.push(format!("/{}", disease.id));
        // Of thousands of small places only those that have a page with figures.
        let has = |level: &str| {
            let sources = profile.signals_of(disease).filter_map(|s| s.source_at(level));
            sources.into_iter().any(|id| loaded.iter().any(|s| s.id == id.as_str()))
        };
        let levels: Vec<&str> =
            profile.nested_levels.iter().map(String::as_str).filter(|l| !has(l)).collect();
        let shown = places.iter().filter(|p| !levels.contains(&p.level.as_str()));
        paths.extend(shown.map(|p| format!("/{}/{}", disease.id, p.id)));
    }
    let mut body = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n",
    );
    let at = |prefix: &str, path: &str| kit::chart::escape(&here.absolute(format!("{prefix}{path}")));
    for path in &paths {
        for lang in &site.langs {
            let _ = write!(body, "<url><loc>{}</loc>", at(&lang.language.prefix, path));
            for other in site.langs.iter().filter(|_| site.langs.len() > 1) {
                let _ = write!(
                    body,
                    "<xhtml:link rel=\"alternate\" hreflang=\"{}\" href=\"{}\"/>",
                    other.language.tag,
                    at(&other.language.prefix, path)
                );
            }
            body.push_str("</url>\n");
        }
    }
    body.push_str("</urlset>\n");
    respond::text(&here, "application/xml; charset=utf-8", body)
}
