//! `/models` and `/models/{id}`: which models speak on these pages, and the card of each.

mod card;

pub(super) use card::show as card;

use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::response::Response;
use cards::view::{Model, Models, PlaceScores, Record, Season, Signature};
use kit::Problem;

/// One row of the overview's scores.
struct Headline {
    season: String,
    target: String,
    tasks: String,
    relative: String,
    coverage: [String; 3],
}

/// A model in the overview.
struct Short {
    id: String,
    version: String,
    title: String,
    intended_use: String,
    signature: String,
    signals: Vec<String>,
    headlines: Vec<Headline>,
    record: Vec<String>,
}

/// How many lines have a status.
struct Count {
    status: String,
    lines: String,
}

#[derive(Template)]
#[template(path = "models.html")]
struct Page<'a> {
    here: &'a Here,
    models: Vec<Short>,
    standing: String,
    counts: Vec<Count>,
    /// Is there a forecast service whose answers can be linked?
    api: bool,
}

pub(super) async fn show(mut here: Here) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let all = read(&here).await?;
    let field = |m: &Model, id: &str| m.fields.iter().find(|f| f.id == id).map(|f| f.text.join(" "));
    let short = |m: &Model| Short {
        id: m.id.clone(),
        version: m.version.clone(),
        title: m.title.clone(),
        intended_use: field(m, "intended_use").unwrap_or_default(),
        signature: signature(&here, &m.signature),
        signals: m.signals.iter().map(|s| here.t(format!("signal.{}.name", s.signal))).collect(),
        headlines: m.scores.iter().filter_map(|s| headline(&here, s)).collect(),
        record: m.signals.iter().flat_map(|s| s.record.iter().map(|r| record(&here, r))).collect(),
    };
    let lines = || all.requirements.iter().flat_map(|g| &g.lines);
    let mut statuses: Vec<&str> = Vec::new();
    for line in lines().filter(|l| !l.status_text.is_empty()) {
        if !statuses.contains(&line.status_text.as_str()) {
            statuses.push(&line.status_text);
        }
    }
    let count = |status: &&str| Count {
        status: (*status).to_owned(),
        lines: lines().filter(|l| l.status_text == *status).count().to_string(),
    };
    let page = Page {
        here: &here,
        models: all.models.iter().map(short).collect(),
        standing: all.models.first().and_then(|m| field(m, "standing")).unwrap_or_default(),
        counts: statuses.iter().map(count).collect(),
        api: here.site.options.has("forecast"),
    };
    respond::page(&here, &page)
}

/// The cards of the country, as the API gives them.
async fn read(here: &Here) -> Result<Models, Problem> {
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let asked = cards::Asked {
        profile: &here.site.app.profile,
        language: &here.lang().language.code,
        as_of: here.now(),
        signers: &here.site.signers,
        commit: here.site.options.build.commit.as_deref(),
    };
    Ok(cards::read(&mut conn, asked).await?)
}

/// Who signed, in a sentence.
fn signature(here: &Here, s: &Signature) -> String {
    match (&s.by, s.on) {
        (Some(by), Some(on)) => {
            here.lang().f("models.signed", &[("by", by), ("on", &here.lang().formats.date(on))])
        }
        _ => here.t("models.unsigned"),
    }
}

fn headline(here: &Here, season: &Season) -> Option<Headline> {
    let all = season.places.iter().find(|p| p.place == cards::table::ALL_PLACES)?;
    Some(Headline {
        season: season.season.clone(),
        target: season.target.clone(),
        tasks: here.lang().formats.number(all.tasks as f64, 0),
        relative: here.lang().formats.number(all.relative_wis, 3),
        coverage: coverage(here, all),
    })
}

/// The shares inside the central intervals, as percentages.
fn coverage(here: &Here, p: &PlaceScores) -> [String; 3] {
    [p.coverage_50, p.coverage_80, p.coverage_95].map(|share| here.lang().formats.percent(share))
}

/// The stored scores of one version, in a sentence.
fn record(here: &Here, r: &Record) -> String {
    let lang = here.lang();
    let (number, percent) = (|n: i64| lang.formats.number(n as f64, 0), |s: f64| lang.formats.percent(s));
    let relative = r.relative_wis.map_or_else(|| "–".to_owned(), |r| lang.formats.number(r, 2));
    lang.f(
        "models.record",
        &[
            ("version", &r.model_version),
            ("n", &number(r.forecasts)),
            ("first", &lang.formats.date(r.first_week)),
            ("last", &lang.formats.date(r.last_week)),
            ("moment", &lang.formats.moment(r.truth_issued_at)),
            ("replayed", &number(r.replayed)),
            ("relative", &relative),
            ("c50", &percent(r.coverage_50)),
            ("c80", &percent(r.coverage_80)),
            ("c95", &percent(r.coverage_95)),
        ],
    )
}
