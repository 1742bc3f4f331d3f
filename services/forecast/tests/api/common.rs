//! Switzerland with made-up figures of known shape, and a way to ask.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::{ObservationKey, Status};
use forecast::batch::Options;
use forecast::work;
use http_body_util::BodyExt as _;
use kit::{App, Clock};
use sqlx::PgPool;
use std::sync::Arc;
use store::observations::NewPoint;
use tower::ServiceExt as _;

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The clock at which the consultations are fresh, and the one at which the deaths still were published.
pub(crate) const CLOCK: &str = "2025-02-21T23:59:59Z";
pub(crate) const SPRING_2021: &str = "2021-05-20T23:59:59Z";

pub(crate) fn at(db: &PgPool, clock: Clock) -> App {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/ch/profile/profile.toml");
    let profile = kit::config::profile(path.into()).unwrap();
    App { db: db.clone(), profile: Arc::new(profile), clock, public_url: "http://127.0.0.1:8080".into() }
}

pub(crate) fn recorded(db: &PgPool, clock: &str) -> App {
    at(db, Clock::Recorded(time(clock)))
}

const TABLES: [&str; 3] = [
    "insert into source select id, 'publisher', id, 'https://example.org', 'CC BY', 'https://example.org', 'credit', 'weekly'
       from unnest(array['who-fluid', 'ecdc-erviss', 'foph-covid19']) id",
    "insert into place values ('CH', 'nation', null, 8900000, '{\"en\": \"Switzerland\"}'),
        ('CH-ZH', 'canton', 'CH', 1580000, '{\"en\": \"Zurich\"}'), ('CH-UR', 'canton', 'CH', 37000, '{\"en\": \"Uri\"}'),
        ('FR', 'nation', null, 68000000, '{}'), ('AT', 'nation', null, 9000000, '{}'), ('BE', 'nation', null, 11000000, '{}'),
        ('NL', 'nation', null, 17000000, '{}'), ('PL', 'nation', null, 37000000, '{}')",
    "insert into retrieval select id, id, 'https://example.org/x.csv', 'x', '2025-02-21T00:00:00Z', repeat('a', 64), 1, 'p 1'
       from source",
];

/// Winters of six countries, and two waves of COVID-19 with their deaths.
pub(crate) async fn seeded(db: &PgPool) {
    tables(db).await;
    let mut conn = db.acquire().await.unwrap();
    let mut points = winters(181, |_, _, value| value);
    let day_one = date("2020-10-01");
    for (place, share) in [("CH", 1.0), ("CH-ZH", 0.2), ("CH-UR", 0.004)] {
        for day in 0..282_u64 {
            let today = day_one + Days::new(day);
            let issued = format!("{}T06:00:00Z", today + Days::new(1));
            let wave = |t: f64| 90.0 + 60.0 * (t / 25.0).sin();
            let (admitted, died) = (share * wave(day as f64), share * 0.15 * wave(day as f64 - 10.0));
            for (signal, value) in [
                ("covid_hosp_admissions_daily", admitted),
                ("covid_deaths", died),
                ("covid_cases", 20.0 * admitted),
            ] {
                points.push(point(signal, "foph-covid19", place, today, &issued, value.round()));
            }
        }
    }
    store::observations::append(&mut conn, &points).await.unwrap();
}

/// Sources, places and retrievals.
pub(crate) async fn tables(db: &PgPool) {
    let mut conn = db.acquire().await.unwrap();
    for sql in TABLES {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
}

/// Consultations of six countries in `weeks` weeks, each issued on the Friday after it; `bent` as a test wants them.
pub(crate) fn winters(weeks: u64, bent: impl Fn(&str, NaiveDate, f64) -> f64) -> Vec<NewPoint> {
    let mut points = Vec::new();
    let first = date("2021-09-05");
    for (number, place) in ["CH", "FR", "AT", "BE", "NL", "PL"].into_iter().enumerate() {
        let source = if place == "CH" { "who-fluid" } else { "ecdc-erviss" };
        for week in 0..weeks {
            let end = first + Days::new(7 * week);
            let season = (week % 52) as f64;
            let peak = 20.0 + number as f64;
            let noise = 1.0 + 0.06 * ((week * 7 + number as u64 * 3) % 11) as f64 / 11.0;
            let value = (8.0 + 220.0 * (-((season - peak) / 5.0).powi(2)).exp()) * noise;
            let issued = format!("{}T23:59:59Z", end + Days::new(5));
            points.push(point("ili_incidence", source, place, end, &issued, bent(place, end, value)));
        }
    }
    points
}

pub(crate) fn point(
    signal: &str,
    source: &str,
    place: &str,
    end: NaiveDate,
    issued: &str,
    value: f64,
) -> NewPoint {
    NewPoint {
        key: ObservationKey {
            signal: signal.parse().unwrap(),
            source: source.parse().unwrap(),
            place: place.parse().unwrap(),
            reference_date: end,
            issued_at: time(issued),
        },
        value: Some(value),
        status: Status::Observed,
        retrieval_id: source.to_owned(),
        seen_at: time("2025-02-21T00:00:00Z"),
    }
}

/// Runs the batch.
pub(crate) async fn computed(app: &App) -> usize {
    let options = Options { data: "data".into(), threads: 2 };
    work::once(app, &options, |line| println!("{line}")).await.unwrap()
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

/// Asks the service as a client would, through the layers of every service.
pub(crate) async fn ask(app: &App, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let router = kit::server::layers(forecast::router(app.clone(), kit::Build::default(), 600).unwrap());
    let mut request = Request::builder().method(method).uri(format!("/api/forecast/v1/{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(app: &App, path: &str) -> Answer {
    ask(app, "GET", path, &[]).await
}
