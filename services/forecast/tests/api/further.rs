//! COVID-19 in the United States, with figures of known shape: admissions in persons, emergency visits in percent.

use crate::common::{date, get, point, time};
use chrono::Days;
use forecast::batch::Options;
use forecast::work;
use kit::{App, Clock};
use sqlx::PgPool;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use store::observations::NewPoint;

const CLOCK: &str = "2025-03-05T23:59:59Z";
pub(crate) const LAST: &str = "2025-03-01";
const PLACES: [(&str, &str, Option<&str>, f64); 7] = [
    ("US", "nation", None, 334e6),
    ("US-CA", "state", Some("US"), 39e6),
    ("US-TX", "state", Some("US"), 30e6),
    ("US-NY", "state", Some("US"), 19.6e6),
    ("US-VT", "state", Some("US"), 0.65e6),
    ("US-WY", "state", Some("US"), 0.58e6),
    ("US:06037", "county", Some("US-CA"), 9.8e6),
];

pub(crate) fn app(db: &PgPool) -> App {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/us/profile/profile.toml");
    let profile = kit::config::profile(path.into()).unwrap();
    let clock = Clock::Recorded(time(CLOCK));
    App { db: db.clone(), profile: Arc::new(profile), clock, public_url: "http://127.0.0.1:8080".into() }
}

/// Histories of one place, so that a test does not learn from ten years of fifty.
fn data() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vigie-forecast-history-{}", std::process::id()));
    fs::create_dir_all(folder.join("history")).unwrap();
    let mut ili_plus = String::from("location,target_end_date,ili_pct,flu_positive_pct\n");
    let mut rates = String::from("location,target_end_date,rate\n");
    for week in 0..400 {
        let wave = 1.0 + 6.0 * (-((f64::from(week % 52) - 16.0) / 5.0).powi(2)).exp();
        let end = date("2012-10-06") + Days::new(7 * u64::try_from(week).unwrap());
        ili_plus += &format!("06,{end},{wave},{}\n", 5.0 * wave);
        rates += &format!("06,{end},{wave}\n");
    }
    for (name, table) in [("ili_plus_us_2010_2020", ili_plus), ("flusurv_us_2003_2020", rates)] {
        let file = fs::File::create(folder.join(format!("history/{name}.csv.gz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, table.as_bytes()).unwrap();
        packed.finish().unwrap();
    }
    folder
}

pub(crate) async fn seeded(db: &PgPool) {
    let mut conn = db.acquire().await.unwrap();
    sqlx::raw_sql(
        "insert into source select id, 'p', id, 'https://example.org', 'l', 'https://example.org', 'c', 'weekly'
           from unnest(array['cdc-covid-hub', 'cdc-nssp']) id;
         insert into retrieval select id, id, 'https://example.org/x', 'x', '2025-03-05T00:00:00Z', repeat('a', 64), 1, 'p 1'
           from source;",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let mut points: Vec<NewPoint> = Vec::new();
    for (place, level, parent, people) in PLACES {
        sqlx::query("insert into place values ($1, $2, $3, $4, '{}')")
            .bind(place)
            .bind(level)
            .bind(parent)
            .bind(people as i64)
            .execute(&mut *conn)
            .await
            .unwrap();
        for week in 0..120_u64 {
            let end = date(LAST) - Days::new(7 * week);
            let issued = format!("{}T23:59:59Z", end + Days::new(4));
            let noise = 1.0 + 0.06 * ((week * 7 + place.len() as u64 * 3) % 11) as f64 / 11.0;
            let wave = (1.2 + (week as f64 / 4.5).sin()) * noise;
            let source = if level == "county" { "cdc-nssp" } else { "cdc-covid-hub" };
            points.push(point(
                "covid_ed_visits_percent",
                source,
                place,
                end,
                &issued,
                (90.0 * wave).round() / 100.0,
            ));
            // Admissions begin with their hub, in Vermont three weeks ago; in Wyoming every other week has one.
            if level != "county" && week < if place == "US-VT" { 3 } else { 16 } {
                points.push(point(
                    "covid_hosp_admissions",
                    source,
                    place,
                    end,
                    &issued,
                    if place == "US-WY" { (week % 2) as f64 } else { (people * 2e-5 * wave).round() },
                ));
            }
        }
    }
    store::observations::append(&mut conn, &points).await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn classes_and_arrivals_count_the_population_that_the_hub_counts(pool: PgPool) {
    seeded(&pool).await;
    // Another year's census; the thresholds of the hub are persons of its own table of places.
    sqlx::query("update place set population = population / 20 where level = 'state'")
        .execute(&pool)
        .await
        .unwrap();
    computed(&app(&pool)).await;
    let quantiles = async |place: &str| {
        let sql = "select f.quantiles from forecast f join forecast_run r on r.id = f.run_id
                    where r.signal_id = 'covid_hosp_admissions' and f.place_id = $1 and f.horizon = 0";
        let all: Vec<f64> = sqlx::query_scalar(sql).bind(place).fetch_one(&pool).await.unwrap();
        epimodels::Quantiles::try_from(all).unwrap()
    };
    let last = async |place: &str| -> f64 {
        let sql = "select value from observation where signal_id = 'covid_hosp_admissions' and place_id = $1
                    order by reference_date desc limit 1";
        sqlx::query_scalar(sql).bind(place).fetch_one(&pool).await.unwrap()
    };
    let app = app(&pool);
    let said = async |place: &str| {
        let uri = format!("spread?signal=covid_hosp_admissions&place={place}&horizon=0");
        get(&app, &uri).await.json()["result"]["places"][0].clone()
    };
    let close = |found: &serde_json::Value, wanted: f64| (found.as_f64().unwrap() - wanted).abs() < 1e-9;
    let (of, before) = (quantiles("US-WY").await, last("US-WY").await);
    let wanted = epimodels::arrival::ARRIVAL.probability(&of, before, 584_057.0).unwrap();
    let found = said("US-WY").await;
    assert!(close(&found["arrives"]["probability"], wanted), "{wanted}: {found}");
    let (of, before) = (quantiles("US-CA").await, last("US-CA").await);
    let wanted = epimodels::trend::trend(&of, before, 38_965_193.0, epimodels::trend::FLUSIGHT[0]);
    let found = said("US-CA").await;
    assert!(close(&found["trend"]["stable"], wanted.stable), "{wanted:?}: {found}");
    assert!((0.001..0.999).contains(&wanted.stable), "a forecast that is sure tests little: {wanted:?}");
}

pub(crate) async fn computed(app: &App) -> usize {
    work::once(app, &Options { data: data(), threads: 2 }, |line| println!("{line}")).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn admissions_and_visits_are_forecast_where_they_are_known_and_refused_with_a_reason_elsewhere(
    pool: PgPool,
) {
    seeded(&pool).await;
    let app = app(&pool);
    assert_eq!(
        computed(&app).await,
        2,
        "admissions and visits for COVID-19; of the others nothing is published here"
    );
    for (signal, place, unit, most) in [
        ("covid_hosp_admissions", "US", "persons", 1e6),
        ("covid_hosp_admissions", "US-CA", "persons", 1e5),
        ("covid_ed_visits_percent", "US", "percent", 100.0),
        ("covid_ed_visits_percent", "US-VT", "percent", 100.0),
    ] {
        let answer = get(&app, &format!("forecasts?signal={signal}&place={place}")).await.json();
        assert_eq!(answer["status"], "estimated", "{answer}");
        assert_eq!((&answer["unit"], &answer["run"]["model"]), (&unit.into(), &"vigie-pool-us-covid".into()));
        let horizons = answer["result"]["horizons"].as_array().unwrap();
        assert_eq!((horizons.len(), &horizons[0]["target_end_date"]), (4, &"2025-03-08".into()));
        for horizon in horizons {
            let quantiles: Vec<f64> = serde_json::from_value(horizon["quantiles"].clone()).unwrap();
            assert!(quantiles.windows(2).all(|w| w[0] <= w[1]), "{quantiles:?}");
            assert!(quantiles[0] >= 0.0 && quantiles[22] <= most, "{signal} {place}: {quantiles:?}");
            // Percent, not proportions: the last figures lie between 0.2 and 2.3 %.
            assert!(unit == "persons" || (0.1..5.0).contains(&quantiles[11]), "{quantiles:?}");
        }
    }
    for (path, reason) in [
        ("forecasts?signal=covid_hosp_admissions&place=US-VT", "too_few"),
        ("transmission?signal=covid_hosp_admissions&place=US-VT", "too_few"),
        ("spread?signal=covid_hosp_admissions&place=US-VT", "too_few"),
        ("transmission?signal=covid_hosp_admissions&place=US-WY", "too_few"),
        ("forecasts?signal=covid_ed_visits_percent&place=US:06037", "no_model"),
        ("spread?signal=covid_ed_visits_percent&place=US:06037", "no_model"),
        ("forecasts?signal=rsv_hosp_admissions", "no_data"),
        ("forecasts?signal=flu_ed_visits_percent&place=US-CA", "no_data"),
        ("forecasts?signal=mpox_cases", "ended"),
    ] {
        let answer = get(&app, path).await.json();
        assert_eq!(
            (&answer["status"], &answer["reason"]),
            (&"not_estimated".into(), &reason.into()),
            "{path}: {answer}"
        );
    }
    let spread = get(&app, "spread?signal=covid_hosp_admissions&level=state").await.json();
    let places = spread["result"]["places"].as_array().unwrap();
    let of = |id: &str| places.iter().find(|p| p["place"] == id).unwrap();
    assert_eq!(of("US-VT")["not_estimated"], "too_few", "{spread}");
    assert!(of("US-WY")["trend"]["stable"].as_f64() > Some(0.99), "fewer than ten are stable: {spread}");
    assert_eq!(spread["result"]["arrival"]["quiet_below_per_100k"], 0.5);
    for (id, status) in [("US-WY", "estimated"), ("US-CA", "already_there"), ("US-TX", "already_there")] {
        let arrives = &of(id)["arrives"];
        assert_eq!(arrives["status"], status, "{id}: {spread}");
        let p = arrives["probability"].as_f64();
        assert_eq!(p.is_some_and(|p| (0.0..=1.0).contains(&p)), status == "estimated", "{id}: {arrives}");
    }
    assert!(of("US-VT")["arrives"].is_null(), "{spread}");
    let visits = get(&app, "spread?signal=covid_ed_visits_percent&place=US-CA").await.json();
    assert_eq!(visits["result"]["places"][0]["arrives"]["status"], "not_defined", "{visits}");
    for horizon in 0..4 {
        let all =
            get(&app, &format!("spread?signal=covid_hosp_admissions&place=US-WY&horizon={horizon}")).await;
        let arrives = &all.json()["result"]["places"][0]["arrives"];
        assert_eq!(arrives["status"], "estimated", "horizon {horizon}: {arrives}");
    }
    map_of_places(&app).await;
    let mut conn = pool.acquire().await.unwrap();
    let (run, as_of) = ("covid_hosp_admissions", time(CLOCK));
    let run = store::forecasts::latest_run(&mut conn, run, as_of).await.unwrap().unwrap();
    let stored = store::forecasts::arrivals(&mut conn, &run.id).await.unwrap();
    let forecasts = store::forecasts::forecasts(&mut conn, &run.id, Some("US-WY")).await.unwrap();
    for arrival in stored.iter().filter(|a| a.place_id == "US-WY") {
        let of = forecasts.iter().find(|f| f.horizon == arrival.horizon).unwrap();
        // By hand: 1 per 100,000 of 580,000 are 5.8 persons; the levels of the quantiles around them hold it.
        let below = of.quantiles.iter().filter(|q| **q < 5.8).count();
        let level = |n: usize| 1.0 - domain::LEVELS[n];
        let (most, least) =
            (if below == 0 { 1.0 } else { level(below - 1) }, if below == 23 { 0.0 } else { level(below) });
        assert!((least..=most).contains(&arrival.probability.unwrap()), "{arrival:?} {of:?}");
    }
    let spread = get(&app, "spread?signal=covid_ed_visits_percent&level=county").await.json();
    assert_eq!(spread["result"]["places"][0]["not_estimated"], "no_model", "{spread}");
    let models = get(&app, "models").await.json();
    for (id, wanted) in [
        ("vigie-pool-us-covid", ["covid_hosp_admissions", "covid_ed_visits_percent"]),
        ("vigie-pool-us-rsv", ["rsv_hosp_admissions", "rsv_ed_visits_percent"]),
    ] {
        let model = models["models"].as_array().unwrap().iter().find(|m| m["id"] == id).unwrap();
        let signals: Vec<_> =
            model["signals"].as_array().unwrap().iter().map(|s| s["signal"].clone()).collect();
        assert_eq!(signals, wanted, "{id}");
    }
    assert_eq!(computed(&app).await, 0, "nothing new, nothing is computed again");
}

/// The same as a table and as features, to be joined with anybody's borders.
async fn map_of_places(app: &App) {
    let question = "spread?signal=covid_hosp_admissions&level=state&horizon=0";
    let json = get(app, question).await.json();
    let places = json["result"]["places"].as_array().unwrap();
    let table = get(app, &format!("{question}&format=csv")).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let mut reader = csv::Reader::from_reader(table.body.as_slice());
    let rows: Vec<std::collections::HashMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().unwrap();
    let features = get(app, &format!("{question}&format=geojson")).await;
    assert_eq!(features.header("content-type"), "application/geo+json");
    let features = features.json();
    assert_eq!(features["type"], "FeatureCollection");
    let features = features["features"].as_array().unwrap();
    assert_eq!((rows.len(), features.len()), (places.len(), places.len()));
    for ((place, row), feature) in places.iter().zip(&rows).zip(features) {
        let said = &feature["properties"];
        assert_eq!((&feature["type"], &feature["id"]), (&"Feature".into(), &place["place"]));
        assert!(feature.get("geometry").is_some_and(serde_json::Value::is_null), "{feature}");
        assert_eq!(said["target_end_date"], json["result"]["target_end_date"]);
        assert_eq!((&said["elapsed"], &said["recorded_situation"]), (&false.into(), &CLOCK.into()));
        for (column, at) in [
            ("place", "/place"),
            ("stable", "/trend/stable"),
            ("rises", "/trend/rises"),
            ("arrives", "/arrives/probability"),
            ("arrives_status", "/arrives/status"),
            ("not_estimated", "/not_estimated"),
        ] {
            let wanted = place.pointer(at).cloned().unwrap_or_default();
            assert_eq!(said[column], wanted, "{column}: {feature}");
            match wanted {
                serde_json::Value::Null => assert_eq!(row[column], "", "{column}: {row:?}"),
                serde_json::Value::String(text) => assert_eq!(row[column], text, "{column}: {row:?}"),
                // JSON is read back to the last digit but one.
                number => {
                    let (cell, number) = (row[column].parse::<f64>().unwrap(), number.as_f64().unwrap());
                    assert!((cell - number).abs() < 1e-12, "{column}: {row:?}");
                }
            }
        }
    }
    let silent = get(app, "spread?signal=mpox_cases&format=csv").await.text();
    let lines: Vec<&str> = silent.lines().collect();
    assert!(
        lines.len() == 2 && lines[1].starts_with("US,nation,mpox_cases,") && lines[1].contains(",ended,"),
        "{silent}"
    );
    let wrong = get(app, "spread?format=shapefile").await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["field"]), (400, &"format".into()));
}
