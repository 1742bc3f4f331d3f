//! A country with a few figures, and a way to ask.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Utc};
use domain::{ObservationKey, Status};
use http_body_util::BodyExt as _;
use kit::{App, Clock};
use sqlx::PgPool;
use std::sync::Arc;
use store::observations::NewPoint;
use tower::ServiceExt as _;

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The clock of these tests.
pub(crate) const CLOCK: &str = "2025-02-01T23:59:59Z";

pub(crate) fn app(db: PgPool, clock: Clock) -> App {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/us/profile/profile.toml");
    let profile = kit::config::profile(path.into()).unwrap();
    App { db, profile: Arc::new(profile), clock, public_url: "http://127.0.0.1:8080".into() }
}

/// Three places and two payloads, without a figure.
pub(crate) async fn country(db: PgPool, clock: DateTime<Utc>) -> App {
    let mut conn = db.acquire().await.unwrap();
    for sql in [
        "insert into source values ('cdc-flusight', 'CDC', 'FluSight target data', 'https://example.org/page', 'Public domain',
            'https://example.org/licence', 'CDC NHSN', 'weekly')",
        "insert into place values ('US', 'nation', null, 340000000, '{\"en\": \"United States\"}'),
            ('US-CA', 'state', 'US', 39000000, '{\"en\": \"California\"}'),
            ('US-NY', 'state', 'US', 19800000, '{\"en\": \"New York\"}'),
            ('FR', 'nation', null, 68000000, '{\"en\": \"France\"}')",
        "insert into retrieval values ('r1', 'cdc-flusight', 'https://example.org/1.csv', 'us/x/1.csv',
            '2025-01-08T17:00:00Z', repeat('a', 64), 100, 'cdc_flusight 1')",
        "insert into retrieval values ('r2', 'cdc-flusight', 'https://example.org/2.csv', 'us/x/2.csv',
            '2025-01-15T17:00:00Z', repeat('b', 64), 100, 'cdc_flusight 1')",
    ] {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
    drop(conn);
    app(db, Clock::Recorded(clock))
}

/// One signal: the nation revised once, a state with every status, another with many weeks.
pub(crate) async fn seeded(db: PgPool) -> App {
    let app = country(db, time(CLOCK)).await;
    let mut conn = app.db.acquire().await.unwrap();
    let (early, late) = ("2025-01-08T17:15:12Z", "2025-01-15T17:00:00Z");
    let mut points = vec![
        point("US", "2025-01-04", early, Ok(30_000.0), "r1"),
        point("US", "2025-01-04", late, Ok(31_500.0), "r2"),
        point("US", "2025-01-11", late, Ok(28_000.5), "r2"),
        point("US-CA", "2025-01-04", late, Err(Status::Suppressed), "r2"),
        point("US-CA", "2025-01-11", late, Err(Status::Withdrawn), "r2"),
        point("US", "2025-02-08", "2025-02-12T17:00:00Z", Ok(1.0), "r2"),
    ];
    let first = "2022-02-05".parse::<chrono::NaiveDate>().unwrap();
    points.extend((0..150).map(|week| {
        point("US-NY", &(first + chrono::Days::new(7 * week)).to_string(), early, Ok(week as f64), "r1")
    }));
    store::observations::append(&mut conn, &points).await.unwrap();
    drop(conn);
    app
}

pub(crate) fn point(
    place: &str,
    date: &str,
    issued: &str,
    value: Result<f64, Status>,
    retrieval: &str,
) -> NewPoint {
    NewPoint {
        key: ObservationKey {
            signal: "flu_hosp_admissions".parse().unwrap(),
            source: "cdc-flusight".parse().unwrap(),
            place: place.parse().unwrap(),
            reference_date: date.parse().unwrap(),
            issued_at: time(issued),
        },
        value: value.ok(),
        status: value.err().unwrap_or(Status::Observed),
        retrieval_id: retrieval.into(),
        seen_at: time("2025-01-20T00:00:00Z"),
    }
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
    let router = kit::server::layers(data_api::router(app.clone(), 600, data_api::PATIENCE));
    ask_router(&router, method, path, headers).await
}

/// The same, of one running service.
pub(crate) async fn ask_router(
    router: &axum::Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(app: &App, path: &str) -> Answer {
    ask(app, "GET", &format!("/api/data/v1/{path}"), &[]).await
}
