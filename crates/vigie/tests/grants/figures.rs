//! Made-up figures of Switzerland, enough that every part of every service has something to read.

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::{ObservationKey, Status};
use sqlx::PgConnection;
use store::observations::NewPoint;

/// The clock of the scenario.
pub(crate) const CLOCK: &str = "2025-02-21T23:59:59Z";

const TABLES: [&str; 3] = [
    "insert into source select id, 'publisher', id, 'https://example.org', 'CC BY', 'https://example.org', 'credit', 'weekly'
       from unnest(array['who-fluid', 'ecdc-erviss', 'foph-covid19']) id",
    "insert into place values ('CH', 'nation', null, 8900000, '{\"en\": \"Switzerland\"}'),
        ('FR', 'nation', null, 68000000, '{}'), ('AT', 'nation', null, 9000000, '{}'), ('BE', 'nation', null, 11000000, '{}'),
        ('NL', 'nation', null, 17000000, '{}'), ('PL', 'nation', null, 37000000, '{}')",
    "insert into retrieval select id, id, 'https://example.org/x.csv', 'x', '2025-02-21T00:00:00Z', repeat('a', 64), 1, 'p 1'
       from source",
];

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Consultations of six countries in three winters, each issued on the Friday after its week.
pub(crate) async fn add(conn: &mut PgConnection) {
    for sql in TABLES {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
    let first: NaiveDate = "2021-09-05".parse().unwrap();
    let mut points = Vec::new();
    for (number, place) in ["CH", "FR", "AT", "BE", "NL", "PL"].into_iter().enumerate() {
        let source = if place == "CH" { "who-fluid" } else { "ecdc-erviss" };
        for week in 0..181_u64 {
            let end = first + Days::new(7 * week);
            let off = ((week % 52) as f64 - 20.0 - number as f64) / 5.0;
            let noise = 1.0 + 0.06 * ((week * 7 + number as u64 * 3) % 11) as f64 / 11.0;
            points.push(point(source, place, end, (8.0 + 220.0 * (-off * off).exp()) * noise));
        }
    }
    store::observations::append(conn, &points).await.unwrap();
}

/// One value of a week, issued five days after it.
pub(crate) fn point(source: &str, place: &str, end: NaiveDate, value: f64) -> NewPoint {
    NewPoint {
        key: ObservationKey {
            signal: "ili_incidence".parse().unwrap(),
            source: source.parse().unwrap(),
            place: place.parse().unwrap(),
            reference_date: end,
            issued_at: time(&format!("{}T23:59:59Z", end + Days::new(5))),
        },
        value: Some(value),
        status: Status::Observed,
        retrieval_id: source.to_owned(),
        seen_at: time("2025-02-21T00:00:00Z"),
    }
}
