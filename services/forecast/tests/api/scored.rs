//! Scores come with the truth, are stored once, and say which forecasts were computed afterwards.

use crate::common::{CLOCK, SPRING_2021, computed, date, get, point, recorded, seeded, time};
use chrono::Days;
use sqlx::PgPool;
use store::forecasts::{Forecast, Results, Run};

async fn stored(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from forecast_score").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn past_forecasts_are_scored_when_the_truth_is_known(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    assert_eq!(get(&app, "scores").await.json()["reason"], "no_runs");
    computed(&recorded(&pool, "2025-01-24T23:59:59Z")).await;
    let early = recorded(&pool, "2025-01-25T00:00:00Z");
    assert_eq!(get(&early, "scores").await.json()["reason"], "no_truth_yet");
    computed(&recorded(&pool, "2025-02-07T23:59:59Z")).await;
    assert_eq!(stored(&pool).await, 2, "of four weeks two have a figure");
    computed(&app).await;
    let after = stored(&pool).await;
    assert_eq!(after, 4 + 2, "the first run whole, two weeks of the second");
    computed(&app).await;
    assert_eq!(stored(&pool).await, after, "a pass that is repeated adds nothing");
    let scored = get(&app, "scores?place=CH").await.json();
    let scores = scored["scores"].as_array().unwrap();
    assert_eq!(
        (scores.len(), &scored["summary"]["forecasts"], &scored["reason"]),
        (6, &6.into(), &().into())
    );
    assert!(scored["summary"]["coverage_95"].as_f64().unwrap() > 0.0, "{scored}");
    // All of these were computed by a machine whose clock is far beyond 2025.
    assert_eq!(scored["summary"]["replayed"], 6);
    let answer = get(&recorded(&pool, "2025-01-24T23:59:59Z"), "forecasts").await.json();
    for s in scores.iter().filter(|s| s["forecast_as_of"] == "2025-01-24T23:59:59Z") {
        let horizon =
            answer["result"]["horizons"].as_array().unwrap().iter().find(|h| h["horizon"] == s["horizon"]);
        let horizon = horizon.unwrap();
        let quantiles = horizon["quantiles"].as_array().unwrap();
        let truth = s["truth"].as_f64().unwrap();
        // Never a point without its band: both are those of the forecast, and the band is the one that was scored.
        assert_eq!((&s["median"], &s["band_80"]), (&horizon["median"], &horizon["band_80"]), "{s}");
        let (low, high) = (s["band_80"][0].as_f64().unwrap(), s["band_80"][1].as_f64().unwrap());
        assert_eq!(s["covered_80"], (low..=high).contains(&truth), "{s}");
        // Twice the mean pinball loss, written out once more.
        let loss = |(level, q): (f64, f64)| {
            if truth > q { level * (truth - q) } else { (1.0 - level) * (q - truth) }
        };
        let levels = answer["result"]["levels"].as_array().unwrap();
        let pairs = levels.iter().zip(quantiles).map(|(l, q)| (l.as_f64().unwrap(), q.as_f64().unwrap()));
        let wis = 2.0 * pairs.map(loss).sum::<f64>() / 23.0;
        assert!((wis - s["wis"].as_f64().unwrap()).abs() < 1e-9, "{s}");
        assert!(s["baseline_wis"].as_f64().unwrap() > 0.0, "{s}");
        assert_eq!(s["first_issue"]["wis"], s["wis"]);
    }
    // An earlier reader does not see scores of later figures.
    let then = get(&app, "scores?as_of=2025-02-07").await.json();
    assert_eq!(then["scores"].as_array().unwrap().len(), 2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_correction_is_one_more_score_and_the_first_one_stays(pool: PgPool) {
    seeded(&pool).await;
    computed(&recorded(&pool, "2025-01-31T23:59:59Z")).await;
    computed(&recorded(&pool, "2025-02-07T23:59:59Z")).await;
    let week = date("2025-02-02");
    let mut conn = pool.acquire().await.unwrap();
    let late = "2025-02-14T12:00:00Z";
    let corrected = [point("ili_incidence", "who-fluid", "CH", week, late, 1.0)];
    store::observations::append(&mut conn, &corrected).await.unwrap();
    let app = recorded(&pool, "2025-02-14T23:59:59Z");
    computed(&app).await;
    let scored = get(&app, "scores").await.json();
    let of_week =
        scored["scores"].as_array().unwrap().iter().find(|s| s["target_end_date"] == "2025-02-02").unwrap();
    assert_eq!((&of_week["truth"], &of_week["truth_issued_at"]), (&1.0.into(), &late.into()));
    assert!(of_week["first_issue"]["truth"].as_f64().unwrap() > 50.0, "{of_week}");
    assert!(of_week["wis"].as_f64().unwrap() > of_week["first_issue"]["wis"].as_f64().unwrap());
    let before = get(&app, "scores?as_of=2025-02-13").await.json();
    assert_eq!(before["scores"][0]["truth"], of_week["first_issue"]["truth"], "{before}");
    for change in
        ["update forecast_score set wis = 0", "delete from forecast_score", "truncate forecast_score"]
    {
        let refused = sqlx::query(change).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{change}: {refused}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn deaths_by_day_are_scored_by_the_week(pool: PgPool) {
    seeded(&pool).await;
    computed(&recorded(&pool, SPRING_2021)).await;
    let app = recorded(&pool, "2021-06-01T23:59:59Z");
    computed(&app).await;
    let scored = get(&app, "scores?signal=covid_deaths&place=CH").await.json();
    let nearest =
        scored["scores"].as_array().unwrap().iter().find(|s| s["target_end_date"] == "2021-05-23").unwrap();
    let days = (228..235).map(|day| (0.15 * (90.0 + 60.0 * (f64::from(day - 10) / 25.0).sin())).round());
    assert_eq!(nearest["truth"].as_f64(), Some(days.sum()), "seven days, not one: {nearest}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_forecast_that_was_stored_before_its_truth_is_not_called_replayed(pool: PgPool) {
    seeded(&pool).await;
    let mut conn = pool.acquire().await.unwrap();
    let week = date("2025-02-02");
    let run = |id: &str, created: &str| Run {
        id: id.into(),
        model_id: "m".into(),
        model_version: "1".into(),
        signal_id: "ili_incidence".into(),
        source_id: "who-fluid".into(),
        as_of: time("2025-01-31T23:59:59Z"),
        reference_date: week - Days::new(7),
        data_vintage: time("2025-01-31T23:59:59Z"),
        data_hash: String::new(),
        source_hash: String::new(),
        created_at: time(created),
    };
    let results = |value: f64| Results {
        forecasts: vec![Forecast {
            place_id: "CH".into(),
            horizon: 1,
            target_end_date: week,
            quantiles: vec![value; 23],
        }],
        ..Results::default()
    };
    store::forecasts::put(&mut conn, &run("before", "2025-02-01T00:05:00Z"), &results(5.0)).await.unwrap();
    // Whoever computes the same moment again once the truth is out does not replace it.
    store::forecasts::put(&mut conn, &run("after", "2025-03-01T00:00:00Z"), &results(99.0)).await.unwrap();
    let app = recorded(&pool, "2025-02-07T23:59:59Z");
    computed(&app).await;
    let scored = get(&app, "scores").await.json();
    let ours: Vec<_> =
        scored["scores"].as_array().unwrap().iter().map(|s| (&s["run"], &s["replayed"])).collect();
    assert_eq!(ours, [(&"before".into(), &false.into())], "{scored}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_whose_weeks_all_have_figures_is_not_given_out_as_a_forecast(pool: PgPool) {
    seeded(&pool).await;
    // Forecasts the weeks that end on 2025-01-12 to 2025-02-02; nobody computes anything after it.
    computed(&recorded(&pool, "2025-01-10T23:59:59Z")).await;
    for (clock, status) in [("2025-01-31T23:59:59Z", "estimated"), ("2025-02-07T23:59:59Z", "not_estimated")]
    {
        let app = recorded(&pool, clock);
        for question in ["forecasts", "spread", "transmission"] {
            let answer = get(&app, &format!("{question}?place=CH")).await.json();
            assert_eq!(answer["status"], status, "{clock} {question}: {answer}");
            assert!(status == "estimated" || answer["reason"] == "not_computed", "{answer}");
        }
    }
}
