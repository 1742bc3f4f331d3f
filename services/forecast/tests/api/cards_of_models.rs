//! `models`: the cards, signed or not, with the record that is stored.

use crate::common::{CLOCK, ask, computed, get, recorded, seeded, time};
use cards::{Asked, Signers};
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn models_show_their_cards_and_the_newest_run(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    computed(&app).await;
    let models = get(&app, "models").await.json();
    let all = models["models"].as_array().unwrap();
    let ids: Vec<_> = all.iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        ["vigie-deaths", "vigie-pool-europe", "vigie-rt"],
        "no card of a model of another country"
    );
    let europe = &all[1];
    assert_eq!(europe["signals"][0]["signal"], "ili_incidence");
    assert_eq!(europe["signals"][0]["run"]["model"], "vigie-pool-europe");
    assert_eq!(europe["signals"][0]["run"]["source_hash"], models["source_hash"]);
    assert_eq!(
        (&europe["signature"]["status"], &europe["signature"]["by"]),
        (&"unsigned".into(), &().into())
    );
    assert_eq!(europe["sources"][0]["licence"], "CC BY", "{}", europe["sources"]);
    assert!(europe["scores"][0]["places"][0]["tasks"].as_u64().unwrap() > 0);
    assert_eq!(all[2]["signals"][0]["serial_interval"]["mean_days"], 2.6);
    let delays = all[2]["signals"][0]["delays"].as_array().unwrap();
    let delays: Vec<_> =
        delays.iter().map(|d| (d["stage"].as_str().unwrap(), d["mean_days"].as_f64().unwrap())).collect();
    assert_eq!(delays, [("incubation", 1.5), ("report", 3.0)]);
    assert_eq!(models["operator"], serde_json::Value::Null, "nobody invents an operator");
    let lines: usize =
        models["requirements"].as_array().unwrap().iter().map(|g| g["lines"].as_array().unwrap().len()).sum();
    assert!(lines >= 38, "{lines}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_api_gives_what_the_registry_says_in_the_language_of_the_reader(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    for language in ["de", "fr", "it"] {
        let answer = ask(&app, "GET", "models", &[("accept-language", language)]).await.json();
        let signers = Signers::new();
        let asked =
            Asked { profile: &app.profile, language, as_of: time(CLOCK), signers: &signers, commit: None };
        let mut conn = pool.acquire().await.unwrap();
        let wanted = serde_json::to_value(cards::read(&mut conn, asked).await.unwrap()).unwrap();
        for (field, value) in wanted.as_object().unwrap() {
            assert_eq!(&answer[field], value, "{language} {field}");
        }
        assert_eq!(answer["language"], language);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_record_counts_the_scores_that_are_stored(pool: PgPool) {
    seeded(&pool).await;
    for clock in ["2025-01-24T23:59:59Z", "2025-01-31T23:59:59Z", CLOCK] {
        computed(&recorded(&pool, clock)).await;
    }
    let app = recorded(&pool, CLOCK);
    let scores = get(&app, "scores").await.json();
    let record = get(&app, "models").await.json()["models"][1]["signals"][0]["record"][0].clone();
    let summary = &scores["summary"];
    assert_eq!((&record["forecasts"], &record["replayed"]), (&summary["forecasts"], &summary["replayed"]));
    for field in ["relative_wis", "coverage_50", "coverage_80", "coverage_95"] {
        let (a, b) = (record[field].as_f64().unwrap(), summary[field].as_f64().unwrap());
        assert!((a - b).abs() < 1e-9, "{field}: the card says {a}, the scores {b}");
    }
    let earlier = get(&app, "models?as_of=2025-01-24").await.json();
    assert_eq!(
        earlier["models"][1]["signals"][0]["record"],
        serde_json::json!([]),
        "later truth is not seen"
    );
}
