//! Where counts are few, "too few" is the answer. Mpox as it was published, in the three countries, at each of its vintages.

use crate::common::{date, get, tables, time};
use chrono::{DateTime, Duration, Utc};
use domain::{ObservationKey, Status};
use flate2::read::GzDecoder;
use forecast::batch::Options;
use forecast::work;
use kit::{App, Clock};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use store::observations::NewPoint;

const MPOX: [&str; 2] = ["mpox_cases", "mpox_deaths"];
const NATIONS: [&str; 3] = ["US", "FR", "CH"];

/// What the project carries of mpox in the three countries; says so and gives `None` where it is absent.
fn published() -> Option<Vec<NewPoint>> {
    let mut points = Vec::new();
    for signal in MPOX {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/observations/owid-mpox");
        let Ok(file) = File::open(data.join(format!("{signal}.csv.gz"))) else {
            println!("skipped: data/observations/owid-mpox/{signal}.csv.gz is absent");
            return None;
        };
        let rows = csv::Reader::from_reader(GzDecoder::new(file)).into_records().map(Result::unwrap);
        points.extend(rows.filter(|row| NATIONS.contains(&&row[0])).map(|row| NewPoint {
            key: ObservationKey {
                signal: signal.parse().unwrap(),
                source: "owid-mpox".parse().unwrap(),
                place: row[0].parse().unwrap(),
                reference_date: date(&row[1]),
                issued_at: time(&row[2]),
            },
            value: row[3].parse().ok(),
            status: row[4].parse::<Status>().unwrap(),
            retrieval_id: "owid-mpox".to_owned(),
            seen_at: time(&row[2]),
        }));
    }
    Some(points)
}

fn app(db: &PgPool, country: &str, at: DateTime<Utc>) -> App {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters");
    let profile = kit::config::profile(root.join(country).join("profile/profile.toml")).unwrap();
    let public_url = "http://127.0.0.1:8080".into();
    App { db: db.clone(), profile: Arc::new(profile), clock: Clock::Recorded(at), public_url }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn mpox_has_too_few_deaths_to_look_ahead_in_any_country_at_any_vintage(pool: PgPool) {
    let Some(points) = published() else { return };
    tables(&pool).await;
    sqlx::raw_sql(
        "insert into place values ('US', 'nation', null, 334000000, '{}');
         insert into source select 'owid-mpox', 'p', 'p', 'https://example.org', 'l', 'https://example.org', 'c', 'daily';
         insert into retrieval select id, id, 'https://example.org/x', 'x', '2024-08-20T00:00:00Z', repeat('a', 64), 1, 'p 1'
           from source where id = 'owid-mpox';",
    )
    .execute(&pool)
    .await
    .unwrap();
    store::observations::append(&mut pool.acquire().await.unwrap(), &points).await.unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    let vintages: BTreeSet<DateTime<Utc>> = points.iter().map(|p| p.key.issued_at).collect();
    for (country, vintage) in
        ["us", "fr", "ch"].iter().flat_map(|country| vintages.iter().map(move |v| (*country, *v)))
    {
        let app = app(&pool, country, vintage + Duration::hours(1));
        let nation = app.profile.nation.to_string();
        let over = Some(&vintage) == vintages.last();
        let counted = points.iter().any(|p| {
            p.key.signal.as_str() == MPOX[1]
                && p.key.place.to_string() == nation
                && p.key.issued_at <= vintage
                && p.value.is_some()
        });
        let deaths = if counted { "too_few" } else { "no_data" };
        for (question, reason) in [
            ("mortality?disease=mpox", deaths),
            ("transmission?signal=mpox_cases", "no_model"),
            ("spread?signal=mpox_cases", "no_model"),
        ] {
            let answer = get(&app, question).await.json();
            let reason = if over { "ended" } else { reason };
            assert_eq!(answer["reason"], reason, "{country} {vintage} {question}: {answer}");
            assert!(answer["result"].is_null(), "{answer}");
        }
        // The batch says the same as the API, and stores no number of it.
        work::once(&app, &Options { data: data.clone(), threads: 1 }, |_| {}).await.unwrap();
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from forecast_run where signal_id like 'mpox%'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stored, 0);
}
