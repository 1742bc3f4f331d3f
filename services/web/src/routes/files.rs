//! `/{disease}/{place}/data.csv` and `/{disease}/{place}/{signal}.svg`: the same figures to take along.

use super::place::find;
use crate::figures::headline::incomplete;
use crate::figures::outlook::Outlook;
use crate::figures::picture::{Range, chart};
use crate::figures::series::Series;
use crate::here::Here;
use crate::respond;
use axum::extract::Path;
use axum::http::header::{CONTENT_DISPOSITION, HeaderValue};
use axum::response::Response;
use domain::{LEVELS, SignalId};
use kit::Problem;
use kit::source::Named;
use std::fmt::Write as _;
use store::places::Place;

/// The quantiles that the CSV has: the median and both ends of the 50, 80 and 95 % intervals.
const SHOWN: [usize; 7] = [1, 3, 6, 11, 16, 19, 21];

pub(super) async fn show(
    mut here: Here,
    Path((disease, place, file)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let site = std::sync::Arc::clone(&here.site);
    let disease = site.app.profile.disease(&disease).ok_or(Problem::NotFound("disease"))?;
    let mut conn = site.app.db.acquire().await.map_err(Problem::from)?;
    let place = find(&mut conn, &here, &place).await?;
    if file == "data.csv" {
        here.params(&["as_of"])?;
        let mut all = Vec::new();
        for signal in site.app.profile.signals_of(disease) {
            if let Some(series) = Series::read(&mut conn, signal, &place, here.now()).await? {
                let outlook = Outlook::read(&mut conn, &series, &place).await?;
                all.push((series, outlook));
            }
        }
        let mut response = respond::text(&here, "text/csv; charset=utf-8", csv(&here, &place, &all))?;
        let name =
            format!("attachment; filename=\"vigie-{}-{}.csv\"", disease.id, place.id.replace(':', "-"));
        if let Ok(name) = HeaderValue::from_str(&name) {
            response.headers_mut().insert(CONTENT_DISPOSITION, name);
        }
        return Ok(response);
    }
    let signal = file.strip_suffix(".svg").and_then(|id| SignalId::new(id).ok());
    let signal = signal.and_then(|id| site.app.profile.signal(&id)).filter(|s| s.disease == disease.id);
    let signal = signal.ok_or(Problem::NotFound("file"))?;
    let params = here.params(&["as_of", "range"])?;
    let range = if params.one("range")? == Some("all") { Range::All } else { Range::Year };
    let missing = || Problem::NotFound("series");
    let series = Series::read(&mut conn, signal, &place, here.now()).await?.ok_or_else(missing)?;
    let outlook = Outlook::read(&mut conn, &series, &place).await?;
    let chart = chart(here.lang(), &series, &outlook, &place, range).ok_or_else(missing)?;
    let notes = notes(&here, &series);
    respond::text(&here, "image/svg+xml", chart.document(960, &notes))
}

/// What a file says about itself: the recorded situation, as of when, from whom, under which licence.
fn notes(here: &Here, series: &Series<'_>) -> Vec<String> {
    let lang = here.lang();
    let (s, at) = (Named::of(&lang.language, &series.source), lang.formats.moment(here.now()));
    let mut notes: Vec<String> = here.notice().into_iter().chain(here.turned_back()).collect();
    notes.push(lang.f("file.as_of", &[("date", &at)]));
    notes.push(lang.f("file.source", &s.words()));
    if let Some(note) = incomplete(lang, series) {
        let name = lang.t(&format!("signal.{}.name", series.signal.id));
        notes.push(format!("{name}{} {note}", lang.t("colon")));
    }
    notes.push(here.disclaimer());
    notes
}

fn csv(here: &Here, place: &Place, all: &[(Series<'_>, Outlook)]) -> String {
    let mut out = String::new();
    let mut said: Vec<String> = Vec::new();
    for (series, _) in all {
        for note in notes(here, series) {
            if !said.contains(&note) {
                push(&mut out, format_args!("# {}\n", note.replace(['\n', '\r'], " ")));
                said.push(note);
            }
        }
    }
    out.push_str("kind,signal,source,place,date,week,value,status,issued_at,id,model");
    for n in SHOWN {
        push(&mut out, format_args!(",q{}", LEVELS[n]));
    }
    out.push('\n');
    for (series, outlook) in all {
        let (signal, source) = (&series.signal.id, &series.source.id);
        for c in &series.cells {
            let week = here.lang().formats.week(c.date);
            let value = c.value.map_or_else(String::new, |v| v.to_string());
            let issued = c.issued_at.format("%Y-%m-%dT%H:%M:%SZ");
            push(
                &mut out,
                format_args!(
                    "published,{signal},{source},{},{},{week},{value},{},{issued},{},,,,,,,,\n",
                    place.id, c.date, c.status, c.id
                ),
            );
        }
        let model =
            outlook.run.as_ref().map_or_else(String::new, |r| format!("{} {}", r.model_id, r.model_version));
        for f in outlook.weeks.as_deref().unwrap_or_default() {
            let week = here.lang().formats.week(f.target_end_date);
            push(
                &mut out,
                format_args!(
                    "forecast,{signal},{source},{},{},{week},,,,,{}",
                    place.id,
                    f.target_end_date,
                    quoted(&model)
                ),
            );
            for n in SHOWN {
                let q = f.quantiles.get(n).map_or_else(String::new, |q| format!("{q:.3}"));
                push(&mut out, format_args!(",{q}"));
            }
            out.push('\n');
        }
    }
    out
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(what);
}
