//! `signals`, `places`, `sources`: what there is to ask for.

use crate::Api;
use crate::body::RecordedSituation;
use crate::openapi::{Filled, Moment};
use crate::select;
use axum::Json;
use axum::extract::{RawQuery, State};
use chrono::{DateTime, NaiveDate, Utc};
use domain::SourceId;
use domain::profile::{Cadence, Event, NATION, Signal, Unit};
use kit::keys::{ReadFigures, Scoped};
use kit::{Params, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use store::issued::{Coverage, coverage};
use store::series::KnownBy;
use utoipa::ToSchema;

/// What is counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalBody {
    /// Disease first.
    #[schema(example = "flu_hosp_admissions")]
    id: String,
    disease: String,
    /// `cases`, `consultations`, `admissions`, `deaths` or `wastewater`.
    #[schema(value_type = String)]
    event: Event,
    /// `persons`, `per100k`, `per100k_visits`, `percent` or `percentile`.
    #[schema(value_type = String)]
    unit: Unit,
    /// `day` or `week`.
    #[schema(value_type = String)]
    cadence: Cadence,
    /// From when on the figures that are kept have come to their end.
    ended: Option<NaiveDate>,
    /// Days after the last reference date from which the series is stale.
    stale_after_days: u32,
    /// Days between two issues.
    issue_every_days: u32,
    /// By level of place: whose figures stand for it, and what there is of them. One figure has one source.
    levels: BTreeMap<String, LevelBody>,
    /// Sources that publish the same figure once more: answered where `source` names one.
    further_sources: Vec<LevelBody>,
}

/// A source of a signal, at one level of place or at several.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LevelBody {
    source: String,
    /// `null` where nothing was issued yet.
    published: Option<Published>,
}

/// What a source has issued.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Published {
    first_issue: DateTime<Utc>,
    last_issue: DateTime<Utc>,
    first_date: NaiveDate,
    last_date: NaiveDate,
    /// Values, revisions included.
    rows: i64,
}

impl From<&store::issued::Coverage> for Published {
    fn from(c: &store::issued::Coverage) -> Self {
        Self {
            first_issue: c.first_issue,
            last_issue: c.last_issue,
            first_date: c.first_date,
            last_date: c.last_date,
            rows: c.rows,
        }
    }
}

/// The signals of the country.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignalList {
    as_of: DateTime<Utc>,
    recorded_situation: Option<RecordedSituation>,
    signals: Vec<SignalBody>,
}

/// What is counted, by whom, and what there is of it.
#[utoipa::path(get, path = "/api/data/v1/signals", operation_id = "signals", tag = "catalogue",
    params(("as_of" = Option<Moment>, Query, description = "A date or an RFC 3339 time, not after the platform's clock")),
    responses(
        (status = 200, description = "The answer", body = SignalList),
        (status = 409, description = "A time after the platform's clock", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn signals(
    _: Scoped<ReadFigures>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Json<SignalList>, Problem> {
    let app = &api.app;
    let as_of = select::as_of(app, &Params::parse(query.as_deref(), &["as_of"])?.filled()?)?;
    let mut visit = api.memory.visit(&app.db).await?;
    let mut signals = Vec::new();
    for s in &app.profile.signals {
        let issued = visit.issued(s.id.as_str()).await?;
        signals.push(body(s, &coverage(&issued, as_of, KnownBy::Issue), as_of));
    }
    Ok(Json(SignalList { as_of, recorded_situation: RecordedSituation::of(app), signals }))
}

fn body(s: &Signal, coverage: &[Coverage], as_of: DateTime<Utc>) -> SignalBody {
    let level = |source: &SourceId| {
        let found = coverage.iter().find(|c| c.source_id == source.as_str());
        LevelBody { source: source.to_string(), published: found.map(Published::from) }
    };
    let own = coverage.iter().filter(|c| s.sources.values().any(|id| id.as_str() == c.source_id));
    SignalBody {
        id: s.id.to_string(),
        disease: s.disease.clone(),
        event: s.event,
        unit: s.unit,
        cadence: s.cadence,
        // A series that ends after the time asked for had not ended then.
        ended: s.ended_by(as_of.date_naive(), own.map(|c| c.last_date).max()),
        stale_after_days: s.stale_after_days,
        issue_every_days: s.issue_every_days,
        levels: s.sources.iter().map(|(l, source)| (l.clone(), level(source))).collect(),
        further_sources: s.further_sources.iter().map(level).collect(),
    }
}

/// A place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceBody {
    /// ISO 3166, below that country:national code.
    id: String,
    level: String,
    /// The place that it lies in.
    parent: Option<String>,
    population: Option<i64>,
    /// Language code to name.
    names: BTreeMap<String, String>,
}

/// The places of the country.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceList {
    places: Vec<PlaceBody>,
}

/// The country and the places in it.
#[utoipa::path(get, path = "/api/data/v1/places", operation_id = "places", tag = "catalogue",
    params(
        ("level" = Option<Filled>, Query, description = "Only places of this level"),
        ("parent" = Option<Filled>, Query, description = "Only places that lie directly in this one"),
    ),
    responses(
        (status = 200, description = "The answer", body = PlaceList),
        (status = 404, description = "No such place", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "A level that this country has not", body = crate::openapi::ProblemBody, content_type = "application/problem+json"),
    ))]
pub(crate) async fn places(
    _: Scoped<ReadFigures>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Json<PlaceList>, Problem> {
    let params = Params::parse(query.as_deref(), &["level", "parent"])?.filled()?;
    let profile = &api.app.profile;
    let (level, parent) = (params.one("level")?, params.one("parent")?);
    if level.is_some_and(|l| l != NATION && !profile.levels.iter().any(|known| known == l)) {
        return Err(Problem::conflict(
            "level",
            format!("is none of {NATION}, {}", profile.levels.join(", ")),
        ));
    }
    let mut conn = api.app.db.acquire().await?;
    let nation = profile.nation.as_str();
    let levels: Vec<&str> = match level {
        Some(level) => vec![level],
        None => profile.levels.iter().map(String::as_str).chain([NATION]).collect(),
    };
    let found = match parent {
        None => store::places::of_levels(&mut conn, nation, &levels).await?,
        Some(parent) => {
            if store::places::levels(&mut conn, nation, Some(&[parent]), None).await?.is_empty() {
                return Err(Problem::NotFound("place"));
            }
            store::places::within(&mut conn, &[parent], &levels).await?
        }
    };
    let places = found
        .into_iter()
        .map(|p| PlaceBody {
            id: p.id,
            level: p.level,
            parent: p.parent,
            population: p.population,
            names: p.names.0,
        })
        .collect();
    Ok(Json(PlaceList { places }))
}

/// A publisher's table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceBody {
    id: String,
    publisher: String,
    title: String,
    /// Where a person can read about it.
    page_url: String,
    licence: String,
    licence_url: String,
    /// The words that the licence asks for.
    credit: String,
    cadence: String,
    /// When we last looked, and what we found: `new`, `unchanged`, `quarantined`, `failed`.
    last_check: Option<CheckBody>,
    /// The signals of this country that read it.
    signals: Vec<String>,
}

/// A look at a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckBody {
    at: DateTime<Utc>,
    outcome: String,
}

/// The sources that the country's signals read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceList {
    as_of: DateTime<Utc>,
    recorded_situation: Option<RecordedSituation>,
    sources: Vec<SourceBody>,
}

/// Whose figures these are, under which licence, and when we last looked.
#[utoipa::path(get, path = "/api/data/v1/sources", operation_id = "sources", tag = "catalogue",
    responses((status = 200, description = "The answer", body = SourceList)))]
pub(crate) async fn sources(
    _: Scoped<ReadFigures>,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Json<SourceList>, Problem> {
    let app = &api.app;
    Params::parse(query.as_deref(), &[])?;
    let as_of = app.clock.now();
    let mut conn = app.db.acquire().await?;
    let mut sources = Vec::new();
    for s in store::sources::all(&mut conn).await? {
        let reads = |signal: &&domain::profile::Signal| signal.all_sources().any(|id| id.as_str() == s.id);
        let signals: Vec<String> =
            app.profile.signals.iter().filter(reads).map(|s| s.id.to_string()).collect();
        if signals.is_empty() {
            continue;
        }
        let check = store::sources::last_check(&mut conn, &s.id, as_of).await?;
        sources.push(SourceBody {
            id: s.id,
            publisher: s.publisher,
            title: s.title,
            page_url: s.page_url,
            licence: s.licence,
            licence_url: s.licence_url,
            credit: s.credit,
            cadence: s.cadence,
            last_check: check.map(|(at, outcome, _)| CheckBody { at, outcome }),
            signals,
        });
    }
    Ok(Json(SourceList { as_of, recorded_situation: RecordedSituation::of(app), sources }))
}
