//! A small country to look at: two years of figures with a revision, and a run.
#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(unreachable_pub, reason = "shared by the test files of this folder")]
#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::{Cadence, NATION, Signal};
use domain::{CountryProfile, ObservationKey, Status};
use http_body_util::BodyExt as _;
use kit::{App, Clock};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::forecasts::{Forecast, Growth, NotEstimated, Results, Rt, Run, Trend};
use store::observations::NewPoint;
use store::places::Place;
use store::sources::{Retrieval, Source};
use tower::ServiceExt as _;

/// The last week of the figures, and when they were issued.
pub const LAST: &str = "2025-02-01";
pub const CLOCK: &str = "2025-02-05T20:00:00Z";

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The profiles of every country in the repository.
pub fn countries() -> Vec<CountryProfile> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("clusters")).unwrap() {
        if let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("profile/profile.toml")) {
            found.push(CountryProfile::parse(&text).unwrap());
        }
    }
    assert!(found.len() >= 3);
    found
}

pub fn country(code: &str) -> CountryProfile {
    countries().into_iter().find(|p| p.country.to_string() == code).unwrap()
}

/// A country in all languages that there are locale files for.
pub fn polyglot() -> CountryProfile {
    let mut profile = country("us");
    let languages = [("en", "en-US"), ("fr", "fr-FR"), ("de", "de-CH"), ("it", "it-CH")];
    profile.languages = languages
        .map(|(code, tag)| domain::profile::Language {
            code: code.into(),
            tag: tag.into(),
            name: code.to_uppercase(),
            prefix: format!("/{code}"),
        })
        .into();
    profile
}

/// Pages over a database.
pub struct Site {
    pub router: Router,
    pub pool: PgPool,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

pub fn site(pool: &PgPool, profile: CountryProfile, clock: Clock, apps: &str) -> Site {
    let app =
        App { db: pool.clone(), profile: Arc::new(profile), clock, public_url: "https://vigie.test".into() };
    let apps = apps.split(',').filter(|a| !a.is_empty()).map(str::to_owned).collect();
    let options = web::Options { apps, ..Default::default() };
    Site { router: web::router(app, options).unwrap(), pool: pool.clone() }
}

impl Site {
    /// The country as it stands in the repository, filled, at the clock of its figures.
    pub async fn of(pool: &PgPool, profile: CountryProfile) -> Self {
        fill(pool, &profile).await;
        site(pool, profile, Clock::Recorded(time(CLOCK)), "web,forecast")
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.ask(Request::get(path).header(name, value).body(Body::empty()).unwrap()).await
    }
}

/// A shape with a winter peak, the same for every place but for its size.
fn shape(n: u64, size: f64) -> f64 {
    (size * (1.0 + (n as f64 * 0.11).sin().abs() * 4.0)).round()
}

pub async fn fill(pool: &PgPool, profile: &CountryProfile) {
    let mut conn = pool.acquire().await.unwrap();
    let place = |id: &str, level: &str, parent: Option<&str>, name: &str| Place {
        id: id.into(),
        level: level.into(),
        parent: parent.map(Into::into),
        population: Some(1_000_000),
        names: sqlx::types::Json(BTreeMap::from([("en".into(), name.into()), ("fr".into(), name.into())])),
    };
    let nation = profile.nation.to_string();
    let mut places = vec![place(&nation, NATION, None, "Nation")];
    for (n, level) in profile.levels.iter().enumerate() {
        if profile.nests(level) {
            // They lie in the first place of the level above, which stands in their names.
            for (name, number) in [("Omega County, Élan", 1), ("Beta County, Élan", 2)] {
                let parent = format!("{nation}-N{}", n - 1);
                places.push(place(&format!("{nation}:{n}{number}001"), level, Some(&parent), name));
            }
            continue;
        }
        for letter in ["Élan", "Zeta", "Alpha"] {
            let id = format!("{nation}-{}{n}", letter.chars().last().unwrap().to_ascii_uppercase());
            let id = if letter == "Zeta" { format!("{nation}:{n}9") } else { id };
            places.push(place(&id, level, Some(&nation), letter));
        }
    }
    places.dedup_by(|a, b| a.id == b.id);
    for p in &places {
        store::places::put(&mut conn, p).await.unwrap();
    }
    for signal in &profile.signals {
        for (level, source) in &signal.sources {
            declare(&mut conn, source.as_str()).await;
            for (n, p) in places.iter().filter(|p| p.level == *level).enumerate() {
                publish(&mut conn, signal, source.as_str(), &p.id, 40.0 + n as f64).await;
            }
        }
        if signal.forecast.is_some() {
            let at: Vec<String> = places
                .iter()
                .filter(|p| signal.sources.contains_key(&p.level))
                .map(|p| p.id.clone())
                .collect();
            run(&mut conn, signal, &at).await;
        }
    }
}

async fn declare(conn: &mut sqlx::PgConnection, id: &str) {
    let source = Source {
        id: id.into(),
        publisher: "An Institute".into(),
        title: format!("Table {id}"),
        page_url: "https://publisher.test/page".into(),
        licence: "CC BY 4.0".into(),
        licence_url: "https://licence.test".into(),
        credit: "Credit <to> whom it is due".into(),
        cadence: "weekly".into(),
        steps: ["cell", "as_published", "week_end", "first_issue"].map(str::to_owned).to_vec(),
    };
    store::sources::put(conn, &source).await.unwrap();
    let retrieval = Retrieval {
        id: format!("r-{id}"),
        source_id: id.into(),
        url: format!("https://publisher.test/{id}.csv"),
        recorded_as: format!("xx/{id}.csv"),
        retrieved_at: time(CLOCK),
        sha256: "ab".repeat(32),
        bytes: 10,
        parser: format!("{id} 0.1.0"),
        feed: String::new(),
        headers: sqlx::types::Json::default(),
    };
    store::sources::put_retrieval(conn, &retrieval).await.unwrap();
    store::sources::put_check(conn, id, time(CLOCK), "new", "").await.unwrap();
}

async fn publish(conn: &mut sqlx::PgConnection, signal: &Signal, source: &str, place: &str, size: f64) {
    let last = signal.ended.unwrap_or(day(LAST));
    let (step, count) = if signal.cadence == Cadence::Week { (7, 70) } else { (1, 400) };
    let mut points = Vec::new();
    for n in 0..count {
        let date = last - Days::new(step * n);
        points.push(point(signal, source, place, date, date + Days::new(4), Some(shape(n, size))));
    }
    // The week before the last was first published lower, and corrected with the last one.
    let before = last - Days::new(step);
    points.push(point(signal, source, place, before, last + Days::new(4), Some(shape(1, size) + 7.0)));
    store::observations::append(conn, &points).await.unwrap();
}

pub fn point(
    signal: &Signal,
    source: &str,
    place: &str,
    date: NaiveDate,
    issued: NaiveDate,
    value: Option<f64>,
) -> NewPoint {
    let issued_at = issued.and_hms_opt(12, 0, 0).unwrap().and_utc();
    NewPoint {
        key: ObservationKey {
            signal: signal.id.clone(),
            source: source.parse().unwrap(),
            place: place.parse().unwrap(),
            reference_date: date,
            issued_at,
        },
        value,
        status: if value.is_some() { Status::Observed } else { Status::Suppressed },
        retrieval_id: format!("r-{source}"),
        seen_at: issued_at,
    }
}

pub async fn run(conn: &mut sqlx::PgConnection, signal: &Signal, places: &[String]) {
    let run = Run {
        id: format!("run-{}", signal.id),
        model_id: "recipe".into(),
        model_version: "1.2.3".into(),
        signal_id: signal.id.to_string(),
        source_id: signal.source_at(NATION).unwrap().to_string(),
        as_of: time("2025-02-05T18:00:00Z"),
        reference_date: day(LAST),
        data_vintage: time("2025-02-05T12:00:00Z"),
        data_hash: "cd".repeat(32),
        source_hash: "ef".repeat(32),
        created_at: time("2025-02-05T19:00:00Z"),
    };
    let mut results = Results::default();
    for place in places {
        for horizon in 0..4i32 {
            let target_end_date = day(LAST) + Days::new(7 * (u64::try_from(horizon).unwrap() + 1));
            let quantiles = (0..23).map(|n| 1000.0 + f64::from(n) * f64::from(10 * (horizon + 1))).collect();
            results.forecasts.push(Forecast { place_id: place.clone(), horizon, target_end_date, quantiles });
            results.trends.push(Trend {
                place_id: place.clone(),
                horizon,
                large_decrease: 0.05,
                decrease: 0.1,
                stable: 0.5,
                increase: 0.25,
                large_increase: 0.1,
                rises: 0.61,
            });
        }
        if place.len() == 2 {
            results.rt.push(Rt {
                place_id: place.clone(),
                window_start: day("2025-01-26"),
                window_end: day(LAST),
                mean: 1.1,
                sd: 0.05,
                q025: 1.01,
                q25: 1.07,
                q50: 1.1,
                q75: 1.13,
                q975: 1.2,
                growth: Some(Growth {
                    dated: "infection".into(),
                    mean: 0.0136,
                    sd: 0.006,
                    q025: -0.002,
                    q25: 0.01,
                    q50: 0.0136,
                    q75: 0.0175,
                    q975: 0.026,
                    rises: 0.97,
                    passed: 0.9,
                    known: 0.8,
                    known_025: 0.7,
                    known_975: 0.9,
                }),
            });
        } else {
            results.not_estimated.push(NotEstimated {
                place_id: place.clone(),
                question: "transmission".into(),
                reason: "too_few".into(),
            });
        }
    }
    store::forecasts::put(conn, &run, &results).await.unwrap();
}
