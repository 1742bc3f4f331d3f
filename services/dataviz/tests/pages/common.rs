//! France with made-up figures, and a way to ask.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::{ObservationKey, Status};
use http_body_util::BodyExt as _;
use kit::{App, Clock};
use sqlx::PgPool;
use std::sync::Arc;
use store::observations::NewPoint;
use tower::ServiceExt as _;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn app(db: &PgPool, country: &str, clock: Clock) -> App {
    let path = format!("{}/../../clusters/{country}/profile/profile.toml", env!("CARGO_MANIFEST_DIR"));
    let profile = Arc::new(kit::config::profile(path.into()).unwrap());
    App { db: db.clone(), profile, clock, public_url: "https://example.org".into() }
}

/// Emergency visits by week in two regions and the nation, hospital deaths by day in one département.
pub(crate) async fn seeded(db: &PgPool) -> App {
    let mut conn = db.acquire().await.unwrap();
    for sql in [
        "insert into source select id, 'Santé publique France', id, 'https://example.org/p', 'Licence Ouverte 2.0',
            'https://example.org/l', 'Santé publique France', 'weekly' from unnest(array['spf-odisse', 'spf-sivic']) id",
        "insert into place values ('FR', 'nation', null, 68000000, '{\"fr\": \"France\"}'),
            ('FR-IDF', 'region', 'FR', 12000000, '{\"fr\": \"Île-de-France\"}'),
            ('FR-PAC', 'region', 'FR', 5000000, '{\"fr\": \"Provence <Alpes> & Côte d’Azur\"}'),
            ('FR:75', 'departement', 'FR-IDF', 2100000, '{\"fr\": \"Paris\"}'), ('CH', 'nation', null, 1, '{}')",
        "insert into retrieval select id, id, 'https://example.org/x.csv', 'x', '2025-04-20T00:00:00Z', repeat('a', 64), 1,
            'p 1' from source",
    ] {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
    let mut points = Vec::new();
    let first: NaiveDate = "2024-01-07".parse().unwrap();
    for (place, factor) in [("FR", 1.0), ("FR-IDF", 1.5), ("FR-PAC", 0.5)] {
        for week in 0..66_u64 {
            let end = first + Days::new(7 * week);
            let value = (place != "FR-PAC" || week != 40).then_some(factor * (10.0 + (week % 26) as f64));
            let issued = format!("{}T23:59:59Z", end + Days::new(4));
            points.push(point("flu_ed_visits", "spf-odisse", place, end, &issued, value));
            if week == 60 {
                let revised = format!("{}T23:59:59Z", end + Days::new(18));
                points.push(point("flu_ed_visits", "spf-odisse", place, end, &revised, Some(99.0)));
            }
        }
    }
    let day_one: NaiveDate = "2020-03-19".parse().unwrap();
    for day in 0..60 {
        let date = day_one + Days::new(day);
        points.push(point(
            "covid_hosp_deaths",
            "spf-sivic",
            "FR:75",
            date,
            &format!("{date}T20:00:00Z"),
            Some(14.0),
        ));
    }
    store::observations::append(&mut conn, &points).await.unwrap();
    app(db, "fr", Clock::Recorded(time("2025-04-25T23:59:59Z")))
}

fn point(
    signal: &str,
    source: &str,
    place: &str,
    date: NaiveDate,
    issued: &str,
    value: Option<f64>,
) -> NewPoint {
    NewPoint {
        key: ObservationKey {
            signal: signal.parse().unwrap(),
            source: source.parse().unwrap(),
            place: place.parse().unwrap(),
            reference_date: date,
            issued_at: time(issued),
        },
        value,
        status: if value.is_some() { Status::Observed } else { Status::Suppressed },
        retrieval_id: source.to_owned(),
        seen_at: time("2025-04-25T00:00:00Z"),
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

/// Asks the service as a browser would, through the layers of every service.
pub(crate) async fn ask(app: &App, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let router = kit::server::layers(dataviz::router(app.clone(), "dataviz,forecast").unwrap());
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&body).into_owned() }
}

pub(crate) async fn get(app: &App, path: &str) -> Answer {
    ask(app, "GET", path, &[]).await
}
