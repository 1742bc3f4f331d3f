//! From the files, the database and the profile to what is shown.

use crate::format::{Answers, COMMON, Card, OWN};
use crate::histories::history;
use crate::table::Row;
use crate::view::{
    Delay, Field, Group, Line, Measured, Model, Models, PlaceScores, Record, Run, Season, SerialInterval,
    Signature, Source, Stage, Use,
};
use crate::{Signers, library};
use chrono::{DateTime, Utc};
use domain::CountryProfile;
use domain::profile::{Event, Signal, UNSET};
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// What is asked for: of whom, in which language, as of when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The country.
    pub profile: &'a CountryProfile,
    /// The code of a language of the profile.
    pub language: &'a str,
    /// Runs and truth later than this are not seen.
    pub as_of: DateTime<Utc>,
    /// The signatures that were verified at the start.
    pub signers: &'a Signers,
    /// The commit that the program was built from, where it is told.
    pub commit: Option<&'a str>,
}

/// Does the model of this card answer for this signal of a country?
#[must_use]
pub fn uses(card: &Card, profile: &CountryProfile, signal: &Signal) -> bool {
    match card.answers {
        Answers::Forecast => signal.forecast.as_ref().is_some_and(|plan| card.plans.contains(&plan.model)),
        Answers::Transmission => signal.forecast.is_some(),
        Answers::Mortality => {
            signal.event == Event::Deaths && !signal.cumulative && !profile.leads(signal).is_empty()
        }
    }
}

/// The cards of the models that a country uses. A language without texts is answered in English; a test proves that
/// no profile names one.
///
/// # Errors
/// When the database does not answer.
pub async fn read(conn: &mut PgConnection, asked: Asked<'_>) -> sqlx::Result<Models> {
    let loaded = store::sources::all(conn).await?;
    let mut models = Vec::new();
    for card in &library().cards {
        let mut signals = Vec::new();
        for signal in asked.profile.signals.iter().filter(|s| uses(card, asked.profile, s)) {
            signals.push(use_of(conn, card, signal, asked.as_of).await?);
        }
        if !signals.is_empty() {
            let source = |id: &String| source(id, loaded.iter().find(|s| s.id == *id));
            let sources = learns_from(card, asked.profile).iter().map(source).collect();
            models.push(Model { signals, sources, ..written(card, asked) });
        }
    }
    let legal = |field: &str| asked.profile.legal.get(field).filter(|v| *v != UNSET).cloned();
    Ok(Models {
        language: asked.language.to_owned(),
        operator: legal("publisher"),
        contact: legal("contact"),
        commit: asked.commit.map(str::to_owned),
        models,
        requirements: requirements(asked.language),
    })
}

/// Ids of the sources of a card: its own list, or those of the signals that it answers for and of what they follow.
fn learns_from(card: &Card, profile: &CountryProfile) -> BTreeSet<String> {
    if !card.sources.is_empty() {
        return card.sources.iter().cloned().collect();
    }
    let mut all = BTreeSet::new();
    for signal in profile.signals.iter().filter(|s| uses(card, profile, s)) {
        let leads = if card.answers == Answers::Mortality { profile.leads(signal) } else { Vec::new() };
        for one in leads.into_iter().chain([signal]) {
            all.extend(one.sources.values().map(ToString::to_string));
        }
    }
    all
}

async fn use_of(
    conn: &mut PgConnection,
    card: &Card,
    signal: &Signal,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Use> {
    let id = signal.id.as_str();
    let run = store::forecasts::latest_run(conn, id, as_of).await?.map(|r| Run {
        id: r.id,
        model: r.model_id,
        model_version: r.model_version,
        as_of: r.as_of,
        data_vintage: r.data_vintage,
        data_hash: r.data_hash,
        source_hash: r.source_hash,
    });
    let record = store::scores::totals(conn, id, &card.id, as_of).await?.into_iter().map(|t| Record {
        model_version: t.model_version,
        forecasts: t.forecasts,
        replayed: t.replayed,
        first_week: t.first_week,
        last_week: t.last_week,
        truth_issued_at: t.truth_issued_at,
        relative_wis: t.relative_wis,
        coverage_50: t.coverage_50,
        coverage_80: t.coverage_80,
        coverage_95: t.coverage_95,
    });
    let plan = signal.forecast.as_ref().filter(|_| card.answers == Answers::Transmission);
    let serial_interval = plan.map(|plan| SerialInterval {
        mean_days: plan.serial_interval_days.0,
        sd_days: plan.serial_interval_days.1,
        source: plan.serial_interval_source.clone(),
    });
    let stage = |stage: Stage, days: (f64, f64), source: &str| Delay {
        stage,
        mean_days: days.0,
        sd_days: days.1,
        source: source.to_owned(),
    };
    let reporting = plan.and_then(|plan| plan.reporting.as_ref());
    let stages = reporting.map(|r| {
        [
            stage(Stage::Incubation, r.incubation_days, &r.incubation_source),
            stage(Stage::Report, r.report_days, &r.report_source),
        ]
    });
    let delays = stages.into_iter().flatten().collect();
    Ok(Use { signal: signal.id.to_string(), run, record: record.collect(), serial_interval, delays })
}

fn source(id: &str, loaded: Option<&store::sources::Source>) -> Source {
    if let (None, Some(history)) = (loaded, history(id)) {
        return history;
    }
    let of = |f: fn(&store::sources::Source) -> &String| loaded.map(|s| f(s).clone());
    Source {
        id: id.to_owned(),
        publisher: of(|s| &s.publisher),
        title: of(|s| &s.title),
        page_url: of(|s| &s.page_url),
        licence: of(|s| &s.licence),
        licence_url: of(|s| &s.licence_url),
    }
}

/// What needs no database.
fn written(card: &Card, asked: Asked<'_>) -> Model {
    let all = library();
    let texts = card.texts.get(asked.language).or_else(|| card.texts.get("en"));
    let common = all.common.get(asked.language).or_else(|| all.common.get("en"));
    let field = |id: &&str| {
        let text =
            texts.and_then(|t| t.fields.get(*id)).or_else(|| common.and_then(|c| c.fields.get(*id)))?;
        let heading = common.and_then(|c| c.headings.get(*id)).cloned().unwrap_or_default();
        Some(Field { id: (*id).to_owned(), heading, text: text.parts() })
    };
    let english = card.texts.get("en").map(|t| t.measured.as_slice()).unwrap_or_default();
    let measured =
        texts.map(|t| t.measured.as_slice()).unwrap_or_default().iter().zip(english).map(|(m, en)| {
            Measured {
                on: m.on.clone(),
                measure: m.measure.clone(),
                value: m.value.clone(),
                date: en.date.clone().unwrap_or_default(),
                how: en.how.clone().unwrap_or_default(),
            }
        });
    let signed = asked.signers.get(&card.id);
    Model {
        id: card.id.clone(),
        version: card.version.clone(),
        title: texts.map(|t| t.title.clone()).unwrap_or_default(),
        signature: Signature {
            status: if signed.is_some() { "signed" } else { "unsigned" },
            by: signed.map(|s| s.by.clone()),
            on: signed.map(|s| s.on),
            key: signed.map(|s| s.key.clone()),
            digest: card.digest(),
        },
        signals: Vec::new(),
        sources: Vec::new(),
        fields: OWN.iter().chain(&COMMON).filter_map(field).collect(),
        scores: seasons(&card.table),
        measured: measured.collect(),
    }
}

/// The rows of a table, by target and season, in its order.
fn seasons(rows: &[Row]) -> Vec<Season> {
    let same = |a: &Row, b: &Row| (&a.target, &a.season) == (&b.target, &b.season);
    let season = |rows: &[Row]| {
        let first = rows.first()?;
        Some(Season {
            target: first.target.clone(),
            season: first.season.clone(),
            first: first.first,
            last: first.last,
            truth_as_of: first.truth_as_of,
            baseline: first.baseline.clone(),
            command: first.command.clone(),
            places: rows.iter().map(place).collect(),
        })
    };
    rows.chunk_by(same).filter_map(season).collect()
}

fn place(r: &Row) -> PlaceScores {
    PlaceScores {
        place: r.place.clone(),
        tasks: r.tasks,
        wis: r.wis,
        baseline_wis: r.baseline_wis,
        relative_wis: r.relative_wis,
        relative_wis_log1p: r.relative_wis_log1p,
        coverage_50: r.coverage_50,
        coverage_80: r.coverage_80,
        coverage_95: r.coverage_95,
    }
}

fn requirements(language: &str) -> Vec<Group> {
    let all = library();
    let Some(words) = all.words.get(language).or_else(|| all.words.get("en")) else { return Vec::new() };
    let mut groups: Vec<Group> = Vec::new();
    for row in &all.requirements {
        let Some(asked) = words.rows.get(&row.id) else { continue };
        let line = Line {
            id: row.id.clone(),
            reference: row.reference.clone(),
            asks: asked.asks.clone(),
            status: row.status.as_str(),
            status_text: words.statuses.get(row.status.as_str()).cloned().unwrap_or_default(),
            says: asked.says.clone(),
            fields: row.fields.clone(),
            pages: row.pages.clone(),
            tests: row.tests.clone(),
        };
        match groups.last_mut().filter(|g| g.id == row.group) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group {
                id: row.group.clone(),
                title: words.groups.get(&row.group).cloned().unwrap_or_default(),
                lines: vec![line],
            }),
        }
    }
    groups
}
