//! `/feeds/{disease}.atom`: an entry for each week of the signal that the disease opens with, in the country as a whole.

use crate::figures::headline::sentence;
use crate::figures::series::Series;
use crate::here::Here;
use crate::respond;
use axum::extract::Path;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::profile::Cadence;
use kit::Problem;
use kit::chart::escape;
use std::fmt::Write as _;

/// Entries of a feed.
const MOST: usize = 26;

pub(super) async fn show(mut here: Here, Path(file): Path<String>) -> Result<Response, Problem> {
    here.params(&[])?;
    let id = file.strip_suffix(".atom").ok_or(Problem::NotFound("feed"))?;
    let site = std::sync::Arc::clone(&here.site);
    let disease = site.app.profile.disease(id).ok_or(Problem::NotFound("feed"))?;
    let mut conn = site.app.db.acquire().await.map_err(Problem::from)?;
    let place = super::place::find(&mut conn, &here, site.app.profile.nation.as_str()).await?;
    let series = Series::headline(&mut conn, &site.app.profile, disease, &place, here.now()).await?;
    let lang = here.lang();
    let title = lang.f(&format!("disease.{id}.title"), &[("where", &lang.where_(&place))]);
    let page = here.absolute(here.to(format!("/{id}/{}", place.id)));
    let own = here.absolute(here.to(format!("/feeds/{id}.atom")));
    let mut entries = String::new();
    let mut updated = None;
    if let Some(mut series) = series {
        for _ in 0..MOST {
            let Some(last) = series.last() else { break };
            let (date, issued) = (last.date, last.issued_at);
            updated = updated.max(Some(issued));
            let words = sentence(lang, &series, &place).unwrap_or_default();
            entry(&mut entries, &page, &series, &words, date, issued, here.notice().as_deref());
            // The series as it was a week earlier: what the entry before says.
            let before = date - chrono::Days::new(7);
            series.cells.retain(|c| c.date <= before);
        }
    }
    let subtitle = here.notice().map_or_else(String::new, |n| format!("<subtitle>{}</subtitle>", escape(&n)));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\
         <title>{}</title>{subtitle}<id>{own}</id><link rel=\"self\" href=\"{own}\"/><link href=\"{page}\"/>\
         <updated>{}</updated><author><name>Vigie</name></author><rights>{}</rights>\n{entries}</feed>\n",
        lang.language.tag,
        escape(&title),
        time(updated.unwrap_or_else(|| here.now())),
        escape(&here.disclaimer()),
        own = escape(&own),
        page = escape(&page),
    );
    respond::text(&here, "application/atom+xml; charset=utf-8", body)
}

fn entry(
    out: &mut String,
    page: &str,
    series: &Series<'_>,
    words: &str,
    date: chrono::NaiveDate,
    issued: DateTime<Utc>,
    notice: Option<&str>,
) {
    let id = format!("{page}?week={date}");
    let kind = if series.signal.cadence == Cadence::Week { "week" } else { "days" };
    let content = notice.map_or_else(|| words.to_owned(), |n| format!("{words} {n}"));
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<entry><title>{}</title><id>{}</id><link href=\"{}\"/><updated>{}</updated><category term=\"{kind}\"/>\
         <content type=\"text\">{}</content></entry>",
        escape(words),
        escape(&id),
        escape(page),
        time(issued),
        escape(&content)
    );
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
