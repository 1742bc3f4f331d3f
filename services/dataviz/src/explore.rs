//! `/explore`: the form, the charts, the table. A plain GET form: the address is the question, so it can be kept and
//! sent on.

use crate::compare::{CLASSES, Frame, title, words};
use crate::here::{Lang, Site};
use crate::options::{self, Group};
use crate::question::{MOST, Question, nested};
use crate::respond;
use crate::series::{Series, averaged};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use domain::Status;
use domain::profile::{Cadence, Unit};
use kit::Problem;
use kit::source::Named;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::sources::Source;

/// Rows of the table; the CSV has all.
const ROWS: usize = 60;

/// One of the small charts.
struct Small {
    number: usize,
    class: &'static str,
    name: String,
    svg: Option<String>,
    words: String,
    embed: String,
}

/// One line of the table.
struct Row {
    date: String,
    week: Option<String>,
    cells: Vec<Shown>,
}

/// One cell of the table.
struct Shown {
    text: String,
    why: Option<String>,
    note: Option<String>,
}

#[derive(Template)]
#[template(path = "explore.html")]
struct Page<'a> {
    site: &'a Site,
    lang: &'a Lang,
    heading: String,
    signals: Vec<Group>,
    /// One list of places for each field of the form: as many as are in use and one more, then the others.
    fields: Vec<Vec<Group>>,
    more_fields: Vec<Vec<Group>>,
    /// Where the places are that the lists leave out.
    nested: Vec<String>,
    /// Was anything but signal and places chosen?
    detailed: bool,
    from: String,
    to: String,
    as_of: String,
    newest: String,
    own_scale: bool,
    notice: Option<String>,
    turned_back: Option<String>,
    latest: String,
    smalls: Vec<Small>,
    together: Option<String>,
    together_words: String,
    daily_mean: bool,
    coverage: Option<String>,
    ended: Option<String>,
    incomplete: Option<String>,
    columns: Vec<String>,
    rows: Vec<Row>,
    total: usize,
    by_week: bool,
    csv: String,
    svg: String,
    whole: String,
    year: String,
    sources: Vec<Named>,
    languages: Vec<(String, String, String, bool)>,
}

/// The page.
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut conn = site.app.db.acquire().await?;
    let q = Question::read(&site, &mut conn, query.as_deref(), &headers).await?;
    let mut all = Vec::new();
    for place in &q.places {
        all.push(Series::read(&mut conn, &q, place).await?);
    }
    let page = page(&q, &all);
    respond::text(q.lang, &headers, "text/html; charset=utf-8", page.render().map_err(anyhow::Error::from)?)
}

fn page<'a>(q: &'a Question<'_>, all: &[Series]) -> Page<'a> {
    let (site, lang) = (q.site, q.lang);
    let frame = Frame::of(q, all);
    let top = frame.as_ref().filter(|_| !q.own_scale).map(|f| f.top(all));
    let names: Vec<&str> = all.iter().map(|s| lang.place(&s.place)).collect();
    let marked = frame.as_ref().filter(|_| all.len() > 1).map(|f| f.together(q, all));
    let together_words = marked.as_ref().map(|(chart, _)| chart.description.clone()).unwrap_or_default();
    let dates: BTreeSet<NaiveDate> = match &frame {
        Some(f) => all.iter().flat_map(|s| s.cells.range(f.span.0..=f.span.1).map(|(d, _)| *d)).collect(),
        None => BTreeSet::new(),
    };
    let field = |n: usize| {
        let chosen = q.places.get(n).map_or("", |p| p.id.as_str());
        options::places(&site.app.profile, lang, q.signal, &q.all, chosen)
    };
    let open = (q.places.len() + 1).clamp(2, MOST);
    // The declared day says that there will be no more; what is said is when the last issue that is kept came out.
    let declared = q.signal.ended_by(q.as_of.date_naive(), all.iter().filter_map(Series::last).max());
    let issued = all.iter().filter_map(Series::issued).max();
    let ended = declared.map(|day| issued.map_or(day, |at| lang.formats.day_of(at)));
    let incomplete = all.iter().filter_map(Series::incomplete_from).min();
    let shown = |day: Option<NaiveDate>| day.map(|d| d.to_string()).unwrap_or_default();
    Page {
        heading: title(q, &names.join(", ")),
        signals: options::signals(site, lang, q.signal, &q.sources),
        fields: (0..open).map(field).collect(),
        more_fields: (open..MOST).map(field).collect(),
        nested: nested(&site.app.profile, q.signal).map(|l| lang.t(format!("form.nested.{l}"))).collect(),
        detailed: q.from.is_some() || q.to.is_some() || q.turned_back || q.own_scale,
        // Empty when it was not chosen: another signal has another span.
        from: shown(q.from),
        to: shown(q.to),
        as_of: if q.turned_back { q.as_of.date_naive().to_string() } else { String::new() },
        newest: site.app.clock.now().date_naive().to_string(),
        own_scale: q.own_scale,
        notice: site.app.recorded_notice(&lang.language),
        turned_back: q
            .turned_back
            .then(|| lang.f("as_of.notice", &[("date", &lang.formats.date(q.as_of.date_naive()))])),
        latest: q.address("/explore", &["as_of"]),
        smalls: smalls(q, all, frame.as_ref(), top),
        together: marked.map(|(chart, marks)| chart.svg_with(&marks)),
        together_words,
        daily_mean: averaged(q.signal),
        coverage: q.signal.coverage.as_ref().map(|word| lang.t(format!("coverage.{word}"))),
        ended: ended.map(|day| lang.f("ended", &[("date", &lang.formats.date(day))])),
        incomplete: incomplete.map(|day| lang.f("incomplete", &[("date", &lang.formats.date(day))])),
        columns: names.iter().map(|n| (*n).to_owned()).collect(),
        rows: dates.iter().rev().take(ROWS).map(|date| row(q, all, *date)).collect(),
        total: dates.len(),
        by_week: q.signal.cadence == Cadence::Week,
        csv: q.address("/explore/data.csv", &["scale"]),
        svg: q.address("/explore/chart.svg", &["scale"]),
        whole: with(&q.address("/explore", &["from", "to"]), "from=1900-01-01"),
        year: q.address("/explore", &["from", "to"]),
        sources: sources(all).iter().map(|s| Named::of(&lang.language, s)).collect(),
        languages: languages(q),
        site,
        lang,
    }
}

fn with(address: &str, more: &str) -> String {
    format!("{address}{}{more}", if address.contains('?') { '&' } else { '?' })
}

fn smalls(q: &Question<'_>, all: &[Series], frame: Option<&Frame>, top: Option<f64>) -> Vec<Small> {
    let small = |(n, series): (usize, &Series)| {
        let has = frame.filter(|f| series.extremes(f.span).is_some());
        Small {
            number: n + 1,
            class: CLASSES[n % CLASSES.len()],
            name: q.lang.place(&series.place).to_owned(),
            svg: has.map(|f| f.alone(q, series, top).svg()),
            words: has.and_then(|f| words(q, series, f.span)).unwrap_or_else(|| series.gap(q)),
            embed: format!("/embed/{}/{}?lang={}", q.signal.id, series.place.id, q.lang.language.code),
        }
    };
    all.iter().enumerate().map(small).collect()
}

fn row(q: &Question<'_>, all: &[Series], date: NaiveDate) -> Row {
    let lang = q.lang;
    let prefix = &lang.language.prefix;
    let digits = usize::from(q.signal.unit != Unit::Persons);
    let cell = |series: &Series| match series.cells.get(&date) {
        None => Shown { text: "–".into(), why: None, note: Some(lang.t("cell.none")) },
        Some(c) => Shown {
            text: c.value.map_or_else(|| "–".into(), |v| lang.cell(v, digits, q.signal.unit)),
            why: Some(format!("{prefix}/why/{}", c.id)),
            note: match c.status {
                Status::Observed if !series.is_settled(date) => Some(lang.t("cell.incomplete")),
                Status::Observed => None,
                status => Some(lang.t(format!("status.{status}"))),
            },
        },
    };
    Row {
        date: lang.formats.short_date(date),
        week: (q.signal.cadence == Cadence::Week).then(|| lang.week(date)),
        cells: all.iter().map(cell).collect(),
    }
}

fn sources(all: &[Series]) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    for source in all.iter().filter_map(|s| s.source.as_ref()) {
        if !found.contains(source) {
            found.push(source.clone());
        }
    }
    found
}

/// Address, tag, name and whether it is this one; nothing where the country has one language.
fn languages(q: &Question<'_>) -> Vec<(String, String, String, bool)> {
    let address = q.address("/explore", &["lang"]);
    let all = &q.site.langs;
    let link = |l: &Lang| {
        let language = &l.language;
        let href = with(&address, &format!("lang={}", language.code));
        (href, language.tag.clone(), language.name.clone(), language.code == q.lang.language.code)
    };
    if all.len() < 2 { Vec::new() } else { all.iter().map(link).collect() }
}
