//! `/status`: each source of the country, when it last said something and when we last looked.

use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::response::Response;
use kit::Problem;
use kit::source::Named;
use std::collections::BTreeMap;

struct Row {
    source: Named,
    signals: Vec<String>,
    issued: String,
    checked: String,
    outcome: String,
    quarantined: String,
    /// Why, newest first: the day, how many rows, and the reason in English.
    reasons: Vec<(String, String, String)>,
    /// What an operator accepted all the same, newest first: the day, and why in the operator's words.
    released: Vec<(String, String)>,
}

/// Reasons that are listed for a source.
const REASONS: i64 = 20;

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    here: &'a Here,
    rows: Vec<Row>,
}

pub(super) async fn show(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let (lang, now) = (here.lang(), here.now());
    let mut used: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for signal in &here.site.app.profile.signals {
        for source in signal.all_sources() {
            let signals = used.entry(source.as_str()).or_default();
            if !signals.contains(&signal.id.as_str()) {
                signals.push(signal.id.as_str());
            }
        }
    }
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let mut rows = Vec::new();
    for (id, signals) in used {
        let Some(source) = store::sources::get(&mut conn, id).await? else { continue };
        let mut issued = None;
        for signal in &signals {
            issued = issued.max(store::observations::last_issue(&mut conn, signal, id, now).await?);
        }
        let check = store::sources::last_check(&mut conn, id, now).await?;
        let (count, _) = store::sources::quarantined(&mut conn, id, now).await?;
        let whole = |n: i64| lang.formats.number(f64::from(u32::try_from(n).unwrap_or(u32::MAX)), 0);
        let reasons = store::sources::quarantine_reasons(&mut conn, id, now, REASONS).await?;
        let unknown = || lang.t("source.unknown");
        let released = store::sources::releases(&mut conn, id, now, REASONS).await?;
        let day = |at| lang.formats.short_date(lang.formats.day_of(at));
        rows.push(Row {
            source: Named::of(&lang.language, &source),
            signals: signals.iter().map(|s| lang.t(&format!("signal.{s}.name"))).collect(),
            issued: issued.map_or_else(unknown, |at| lang.formats.moment(at)),
            outcome: check.as_ref().map_or_else(unknown, |(_, outcome, _)| {
                let key = format!("outcome.{outcome}");
                if lang.has(&key) { lang.t(&key) } else { outcome.clone() }
            }),
            checked: check.map_or_else(unknown, |(at, ..)| lang.formats.moment(at)),
            quarantined: whole(count),
            reasons: reasons.into_iter().map(|(reason, rows, at)| (day(at), whole(rows), reason)).collect(),
            released: released.into_iter().map(|r| (day(r.released_at), r.because)).collect(),
        });
    }
    respond::page(&here, &Page { here: &here, rows })
}
