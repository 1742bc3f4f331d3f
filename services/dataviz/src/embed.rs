//! `/embed/{signal}/{place}`: a bare chart that a page of anybody may show in a frame. Nothing but the chart, what
//! it shows in words, whose figures they are, and the notices.

use crate::compare::{Frame, title, words};
use crate::files::notes;
use crate::here::{Lang, Site};
use crate::question::Question;
use crate::respond;
use crate::series::Series;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use kit::{Params, Problem};
use std::sync::Arc;

#[derive(Template)]
#[template(path = "embed.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    title: String,
    svg: Option<String>,
    words: String,
    notes: Vec<String>,
    link: String,
}

/// The content policy of a page that may stand in any frame, and loads nothing but our styles.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors *";

/// The page.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(Path((signal, place))) = path else { return Err(Problem::NotFound("chart")) };
    // The path names signal and place; the query may only add language, span and time.
    let params = Params::known(query.as_deref(), &["lang", "from", "to", "as_of"]);
    if ![&signal, &place]
        .iter()
        .all(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:".contains(&b)))
    {
        return Err(Problem::NotFound("chart"));
    }
    let rest = params.encode_without(&[]);
    let query = format!("signal={signal}&place={place}&{rest}");
    let query = query.trim_end_matches('&');
    let mut conn = site.app.db.acquire().await?;
    let q = Question::read(&site, &mut conn, Some(query), &headers).await?;
    let chosen = q.places.first().ok_or(Problem::NotFound("place"))?;
    let series = Series::read(&mut conn, &q, chosen).await?;
    let all = [series];
    let frame = Frame::of(&q, &all);
    let [series] = &all;
    let page = Page {
        site: &site,
        lang: q.lang,
        title: title(&q, q.lang.place(&series.place)),
        svg: frame.as_ref().map(|f| f.alone(&q, series, None).svg()),
        words: frame.and_then(|f| words(&q, series, f.span)).unwrap_or_else(|| series.gap(&q)),
        notes: notes(&q, &all),
        link: format!("{}/explore?{query}", site.app.public_url.trim_end_matches('/')),
    };
    let page = page.render().map_err(anyhow::Error::from)?;
    let mut response = respond::text(q.lang, &headers, "text/html; charset=utf-8", page)?;
    respond::set(&mut response, CONTENT_SECURITY_POLICY, POLICY)?;
    // A page that isolates itself (COEP) shows no frame that does not say this.
    respond::set(&mut response, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin")?;
    Ok(response)
}
