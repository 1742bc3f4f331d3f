//! `/models/{id}`: one model card, whole: the same as the API gives, with places and numbers as people read them.

use super::{coverage, read, record, signature};
use crate::here::Here;
use crate::respond;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use cards::view::{Field, Group, Model, Season, Stage, Use};
use kit::Problem;
use store::places::Place;

/// One place in a season.
struct Row {
    place: String,
    tasks: String,
    relative: String,
    log: String,
    coverage: [String; 3],
}

/// One season of one target.
struct Table {
    title: String,
    compared: String,
    command: String,
    rows: Vec<Row>,
}

/// What a signal was computed from, and how it went.
struct Used {
    signal: String,
    /// Label and value.
    facts: Vec<(String, String, bool)>,
    record: Vec<String>,
    /// Of the serial interval and of the delays: label, numbers, where they were read.
    laws: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "model.html")]
struct Page<'a> {
    here: &'a Here,
    model: &'a Model,
    signature: String,
    operator: String,
    contact: String,
    commit: String,
    /// Of this model, then of all models.
    own: Vec<&'a Field>,
    common: Vec<&'a Field>,
    tables: Vec<Table>,
    used: Vec<Used>,
    requirements: &'a [Group],
}

impl Page<'_> {
    /// The heading of a field, also of one that is generated.
    fn heading(&self, field: &str) -> String {
        cards::heading(&self.here.lang().language.code, field).to_owned()
    }
}

pub(in crate::routes) async fn show(mut here: Here, Path(id): Path<String>) -> Result<Response, Problem> {
    here.params(&["as_of"])?;
    let all = read(&here).await?;
    let model = all.models.iter().find(|m| m.id == id).ok_or(Problem::NotFound("model"))?;
    let mut conn = here.site.app.db.acquire().await.map_err(Problem::from)?;
    let places = store::places::of_nation(&mut conn, here.site.app.profile.nation.as_str()).await?;
    let unset = || here.t("legal.unset");
    let is_own = |f: &&Field| cards::format::OWN.contains(&f.id.as_str());
    let page = Page {
        here: &here,
        model,
        signature: signature(&here, &model.signature),
        operator: all.operator.clone().unwrap_or_else(unset),
        contact: all.contact.clone().unwrap_or_else(unset),
        commit: all.commit.clone().unwrap_or_else(|| here.t("models.commit_unknown")),
        own: model.fields.iter().filter(is_own).collect(),
        common: model.fields.iter().filter(|f| !is_own(f)).collect(),
        tables: model.scores.iter().map(|s| table(&here, s, &places)).collect(),
        used: model.signals.iter().map(|u| used(&here, u)).collect(),
        requirements: &all.requirements,
    };
    respond::page(&here, &page)
}

fn table(here: &Here, season: &Season, places: &[Place]) -> Table {
    let lang = here.lang();
    let date = |day| lang.formats.date(day);
    let rows = season.places.iter().map(|p| Row {
        place: name(here, &p.place, places),
        tasks: lang.formats.number(p.tasks as f64, 0),
        relative: lang.formats.number(p.relative_wis, 3),
        log: lang.formats.number(p.relative_wis_log1p, 3),
        coverage: coverage(here, p),
    });
    let (first, last, truth) = (date(season.first), date(season.last), date(season.truth_as_of));
    Table {
        title: format!("{}, {}", season.target, season.season),
        compared: lang.f(
            "models.compared",
            &[("baseline", &season.baseline), ("first", &first), ("last", &last), ("truth", &truth)],
        ),
        command: season.command.clone(),
        rows: rows.collect(),
    }
}

/// A place of this country by its name, another country by its own, and what has none here by its code.
fn name(here: &Here, id: &str, places: &[Place]) -> String {
    let country = format!("country.{}", id.to_lowercase());
    if id == cards::table::ALL_PLACES {
        here.t("models.all_places")
    } else if let Some(place) = places.iter().find(|p| p.id == id) {
        here.lang().place(place).to_owned()
    } else if here.lang().has(&country) {
        here.t(country)
    } else {
        id.to_owned()
    }
}

fn used(here: &Here, of: &Use) -> Used {
    let lang = here.lang();
    let mut facts = Vec::new();
    if let Some(run) = &of.run {
        facts.push((here.t("models.model"), format!("{}, {}", run.model, run.model_version), false));
        facts.push((here.t("models.as_of"), lang.formats.moment(run.as_of), false));
        facts.push((here.t("models.vintage"), lang.formats.moment(run.data_vintage), false));
        facts.push((here.t("models.run"), run.id.clone(), true));
        facts.push((here.t("models.data_hash"), run.data_hash.clone(), true));
        facts.push((here.t("models.source_hash"), run.source_hash.clone(), true));
    }
    let law = |label: &str, mean: f64, sd: f64, source: &str| {
        let (mean, sd) = (lang.formats.number(mean, 1), lang.formats.number(sd, 1));
        (here.t(label), lang.f("models.serial_days", &[("mean", &mean), ("sd", &sd)]), source.to_owned())
    };
    let serial = of.serial_interval.iter();
    let serial = serial.map(|s| law("models.serial", s.mean_days, s.sd_days, &s.source));
    let delays = of.delays.iter().map(|d| {
        let label = match d.stage {
            Stage::Incubation => "models.incubation",
            Stage::Report => "models.report",
        };
        law(label, d.mean_days, d.sd_days, &d.source)
    });
    let laws = serial.chain(delays).collect();
    Used {
        signal: here.t(format!("signal.{}.name", of.signal)),
        facts,
        record: of.record.iter().map(|r| record(here, r)).collect(),
        laws,
    }
}
