//! `/explore/data.csv` and `/explore/chart.svg`: the same question as files.

use crate::compare::Frame;
use crate::here::Site;
use crate::question::Question;
use crate::respond;
use crate::series::Series;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;
use kit::Problem;
use std::sync::Arc;

async fn read<'a>(
    site: &'a Site,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<(Question<'a>, Vec<Series>), Problem> {
    let mut conn = site.app.db.acquire().await?;
    let q = Question::read(site, &mut conn, query, headers).await?;
    let mut all = Vec::new();
    for place in &q.places {
        all.push(Series::read(&mut conn, &q, place).await?);
    }
    Ok((q, all))
}

/// Recorded situation, as-of, sources with their licences, and who made this.
pub(crate) fn notes(q: &Question<'_>, all: &[Series]) -> Vec<String> {
    let mut notes = q.notes();
    for s in all.iter().filter_map(|s| s.source.as_ref()) {
        let note = q.lang.f("file.source", &kit::source::Named::of(&q.lang.language, s).words());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    if let Some(day) = all.iter().filter_map(Series::incomplete_from).min() {
        notes.push(q.lang.f("incomplete", &[("date", &q.lang.formats.date(day))]));
    }
    notes.push(kit::notice::disclaimer(&q.lang.language));
    notes
}

/// The figures: notes as lines that begin with `#`, then one row a value.
pub(crate) async fn csv(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (q, all) = read(&site, query.as_deref(), &headers).await?;
    let mut out: String =
        notes(&q, &all).iter().map(|n| format!("# {}\n", n.replace(['\n', '\r'], " "))).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    let head = ["signal", "source", "place", "name", "date", "week", "value", "status", "issued_at", "id"];
    table.write_record(head).map_err(anyhow::Error::from)?;
    if let Some(frame) = Frame::of(&q, &all) {
        for series in &all {
            let source = series.source.as_ref().map_or("", |s| s.id.as_str());
            for (date, c) in series.cells.range(frame.span.0..=frame.span.1) {
                let row = [
                    q.signal.id.to_string(),
                    source.to_owned(),
                    series.place.id.clone(),
                    q.lang.place(&series.place).to_owned(),
                    date.to_string(),
                    q.lang.formats.week(*date).to_string(),
                    c.value.map(|v| v.to_string()).unwrap_or_default(),
                    c.status.to_string(),
                    c.issued_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                    c.id.clone(),
                ];
                table.write_record(row).map_err(anyhow::Error::from)?;
            }
        }
    }
    let table = table.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?;
    out.push_str(&String::from_utf8_lossy(&table));
    let mut response = respond::text(q.lang, &headers, "text/csv; charset=utf-8", out)?;
    let name = format!("attachment; filename=\"vigie-{}.csv\"", q.signal.id);
    respond::set(&mut response, CONTENT_DISPOSITION, &name)?;
    Ok(response)
}

/// The chart of all places as a picture that can stand alone.
pub(crate) async fn svg(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (q, all) = read(&site, query.as_deref(), &headers).await?;
    let frame = Frame::of(&q, &all).ok_or(Problem::NotFound("series"))?;
    let (chart, marks) = frame.together(&q, &all);
    let numbered = all.iter().enumerate().map(|(n, s)| format!("{} {}", n + 1, q.lang.place(&s.place)));
    let mut lines = vec![numbered.collect::<Vec<_>>().join("   ")];
    lines.extend(notes(&q, &all));
    respond::text(q.lang, &headers, "image/svg+xml", chart.document_with(960, &lines, &marks))
}
