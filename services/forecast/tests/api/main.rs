//! The batch and the API over a real database.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test may end loudly")]

mod alerted;
mod any_query;
mod cards_of_models;
mod common;
mod few;
mod further;
mod leak;
mod limits;
mod measured;
mod openapi;
mod process;
mod processes;
mod scored;
mod scored_spread;
mod watched;
mod withdrawn;
mod working;

use common::{CLOCK, SPRING_2021, ask, computed, get, recorded, seeded};
use kit::Clock;
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_computed_is_answered_with_what_it_was_made_from(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    assert_eq!(computed(&app).await, 1);
    let answer = get(&app, "forecasts").await.json();
    assert_eq!((&answer["status"], &answer["place"]), (&"estimated".into(), &"CH".into()), "{answer}");
    assert_eq!(
        (&answer["reference_date"], &answer["reference_week"]),
        (&"2025-02-16".into(), &"2025-W07".into())
    );
    assert_eq!((&answer["unit"], &answer["run"]["model"]), (&"per100k".into(), &"vigie-pool-europe".into()));
    for field in ["id", "data_hash", "source_hash"] {
        assert_eq!(answer["run"][field].as_str().unwrap().len(), 64, "{field}");
    }
    assert_eq!(answer["run"]["data_vintage"], "2025-02-21T23:59:59Z");
    let horizons = answer["result"]["horizons"].as_array().unwrap();
    let ends: Vec<_> = horizons.iter().map(|h| h["target_end_date"].as_str().unwrap()).collect();
    assert_eq!(ends, ["2025-02-23", "2025-03-02", "2025-03-09", "2025-03-16"]);
    for h in horizons {
        let q: Vec<f64> = h["quantiles"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert!(q.len() == 23 && q.windows(2).all(|w| w[0] <= w[1]) && q[0] >= 0.0);
        assert_eq!((h["median"].as_f64(), h["band_95"][0].as_f64()), (Some(q[11]), Some(q[1])));
    }
    let rt = get(&app, "transmission?place=CH").await.json();
    let windows = rt["result"]["windows"].as_array().unwrap();
    // Of the infections of the last week too few have led to a consultation yet.
    assert_eq!((windows.len(), &windows[50]["week"]), (51, &"2025-W06".into()));
    assert_eq!(
        (&rt["result"]["dated"], &rt["result"]["delay"]["incubation_days"][0]),
        (&"infection".into(), &1.5.into())
    );
    for w in windows {
        let below = |band: &serde_json::Value| band[0].as_f64().unwrap() < band[1].as_f64().unwrap();
        let growth = &w["growth"];
        assert!(below(&w["band_95"]) && below(&growth["band_95"]) && below(&growth["band_50"]), "{w}");
        let chance = growth["probability"].as_f64().unwrap();
        assert_eq!(growth["median"].as_f64().unwrap() > 0.0, chance > 0.5, "{w}");
        let zero_inside =
            growth["band_50"][0].as_f64() <= Some(0.0) && growth["band_50"][1].as_f64() >= Some(0.0);
        assert!(!zero_inside || w["time"].is_null(), "{w}");
        assert!(w["time"].is_null() || w["time"]["median_days"].as_f64().unwrap() > 0.0, "{w}");
        let due = w["known"]["due"].as_f64().unwrap();
        assert!((0.5..=1.0 + 1e-9).contains(&due) && w["known"]["corrected"].is_boolean(), "{w}");
    }
    let spread = get(&app, "spread").await.json();
    let trend = &spread["result"]["places"][0]["trend"];
    let classes = ["large_decrease", "decrease", "stable", "increase", "large_increase"];
    let sum: f64 = classes.iter().map(|c| trend[c].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{spread}");
    assert_eq!(spread["result"]["places"][0]["arrives"]["status"], "not_defined", "a rate of consultations");
    // Without a horizon: the week that is under way or to come, not one that is over.
    for (clock, path, horizon, end, elapsed) in [
        (CLOCK, "spread", 1, "2025-02-23", false),
        ("2025-02-23T12:00:00Z", "spread", 1, "2025-02-23", false),
        ("2025-02-24T00:00:00Z", "spread", 2, "2025-03-02", false),
        ("2025-02-24T00:00:00Z", "spread?as_of=2025-02-23", 1, "2025-02-23", false),
        ("2025-02-24T00:00:00Z", "spread?horizon=1", 1, "2025-02-23", true),
    ] {
        let spread = get(&recorded(&pool, clock), path).await.json();
        let result = &spread["result"];
        assert_eq!(
            (&result["horizon"], &result["target_end_date"], &result["elapsed"]),
            (&horizon.into(), &end.into(), &elapsed.into()),
            "{clock} {path}: {spread}"
        );
    }
    let late = get(&recorded(&pool, "2025-03-03T12:00:00Z"), "forecasts").await.json();
    let elapsed: Vec<_> =
        late["result"]["horizons"].as_array().unwrap().iter().map(|h| &h["elapsed"]).collect();
    assert_eq!(
        elapsed,
        [true, true, false, false],
        "weeks that are over while the publisher is late: {late}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_same_rows_are_not_computed_twice(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    assert_eq!(computed(&app).await, 1);
    assert_eq!(computed(&app).await, 0);
    let runs = "select count(*) from forecast_run";
    assert_eq!(sqlx::query_scalar::<_, i64>(runs).fetch_one(&pool).await.unwrap(), 1);
    // The clock moves, nothing new was published, the series is as fresh as it was: still the same run.
    let later = recorded(&pool, "2025-02-24T12:00:00Z");
    assert_eq!(computed(&later).await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn recorded_figures_under_the_real_clock_are_stale(pool: PgPool) {
    seeded(&pool).await;
    computed(&recorded(&pool, CLOCK)).await;
    let app = common::at(&pool, Clock::Real);
    for question in ["forecasts", "transmission", "spread"] {
        let answer = get(&app, question).await;
        let body = answer.json();
        assert_eq!((answer.status.as_u16(), &body["reason"]), (200, &"stale".into()), "{body}");
        assert_eq!((&body["last_figure"], &body["recorded_situation"]), (&"2025-02-16".into(), &().into()));
    }
    // The batch says so too, for those who read the database.
    assert_eq!(computed(&app).await, 1);
    let stale = "select count(*) from not_estimated where reason = 'stale'";
    assert_eq!(sqlx::query_scalar::<_, i64>(stale).fetch_one(&pool).await.unwrap(), 3);
    assert_eq!(computed(&app).await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn deaths_ahead_while_they_are_published_and_ended_after(pool: PgPool) {
    seeded(&pool).await;
    let ended = get(&recorded(&pool, CLOCK), "mortality").await.json();
    assert_eq!((&ended["status"], &ended["reason"]), (&"not_estimated".into(), &"ended".into()));
    assert!(ended["explanation"].as_str().unwrap().contains("10. Juli 2021"), "{ended}");
    let app = recorded(&pool, SPRING_2021);
    assert_eq!(computed(&app).await, 1);
    let answer = get(&app, "mortality?disease=covid").await.json();
    assert_eq!(answer["status"], "estimated", "{answer}");
    assert_eq!(answer["result"]["follows"], "covid_hosp_admissions_daily");
    let ratio = &answer["result"]["fatality_ratio"];
    let [low, best, high] =
        ["/band_95/0", "/estimate", "/band_95/1"].map(|at| ratio.pointer(at).unwrap().as_f64().unwrap());
    assert!((best - 0.15).abs() < 0.03 && low < 0.15 && 0.15 < high && high < 1.0, "{ratio}");
    // Some ninety deaths a week do not tell a delay of ten days from one of one or three weeks.
    let delay = &answer["result"]["delay_weeks"];
    assert_eq!((&delay["status"], &delay["reason"]), (&"not_estimated".into(), &"not_identified".into()));
    assert!(delay["estimate"].is_null() && delay["band_95"].is_null(), "{delay}");
    assert!(delay["explanation"].as_str().unwrap().contains("Verzögerung"), "{delay}");
    assert!(answer["result"]["dispersion"].is_null(), "no point without its band: {answer}");
    let horizons = answer["result"]["horizons"].as_array().unwrap();
    assert_eq!((horizons.len(), &horizons[0]["target_end_date"]), (4, &"2021-05-23".into()));
    let truth: f64 = 7.0 * 0.15 * (90.0 + 60.0 * (((231 - 10) as f64) / 25.0).sin());
    let (low, high) =
        (horizons[0]["band_95"][0].as_f64().unwrap(), horizons[0]["band_95"][1].as_f64().unwrap());
    assert!(low < truth && truth < high, "{truth} outside {low}..{high}");
    // Cantons have figures, and were not measured to do better than the last figure with bands that hold.
    let canton = get(&app, "mortality?place=CH-UR").await.json();
    assert_eq!(canton["reason"], "no_model", "{canton}");
    // What was stored is answered, not what would be computed now: here what two hospitals would have counted.
    let stored = "alter table deaths_relation disable trigger all;
        update deaths_relation set ratio_975 = 1.4, delay = 1.5, delay_low = 1.0, delay_high = 2.25;
        alter table deaths_relation enable trigger all";
    sqlx::raw_sql(stored).execute(&pool).await.unwrap();
    let result = get(&app, "mortality?disease=covid").await.json()["result"].clone();
    assert_eq!(result["fatality_ratio"]["reason"], "not_a_share", "{result}");
    assert!(result["fatality_ratio"]["estimate"].is_null(), "{result}");
    assert_eq!(result["delay_weeks"]["band_95"], serde_json::json!([1.0, 2.25]), "{result}");
    assert_eq!(result["delay_weeks"]["status"], "estimated", "{result}");
    let gone = "alter table deaths_relation disable trigger all; delete from deaths_relation";
    sqlx::raw_sql(gone).execute(&pool).await.unwrap();
    assert_eq!(get(&app, "mortality?disease=covid").await.json()["reason"], "not_computed");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_reason_is_an_answer_in_the_language_of_the_reader(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    for (path, reason) in [
        ("forecasts", "not_computed"),
        ("forecasts?place=CH-ZH", "no_data"),
        ("forecasts?signal=covid_cases", "ended"),
        ("transmission?signal=covid_cases&as_of=2021-05-20", "no_model"),
        ("forecasts?as_of=2010-01-01", "no_data"),
        ("mortality?disease=mpox", "ended"),
        ("spread?place=CH-UR", "no_data"),
    ] {
        let answer = get(&app, path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["reason"]), (200, &reason.into()), "{path}");
    }
    for (accept, word) in [
        ("fr-CH,fr;q=0.9", "enregistrée"),
        ("it", "registrata"),
        ("en, de;q=0.5", "aufgezeichnete"),
        ("", "Lage"),
    ] {
        let answer = ask(&app, "GET", "forecasts", &[("accept-language", accept)]).await.json();
        let notice = answer["recorded_situation"]["notice"].as_str().unwrap();
        assert!(notice.contains(word), "{accept}: {notice}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_wrong_question_is_refused_and_named(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    for (path, status, field) in [
        ("forecasts?signal=nothing", 404, ""),
        ("forecasts?signal=NO%20SUCH", 404, ""),
        ("forecasts?place=CH-XX", 404, ""),
        ("forecasts?place=FR", 404, ""),
        ("forecasts?as_of=2099-01-01", 400, "as_of"),
        ("forecasts?plaec=CH", 400, "query"),
        ("forecasts?place=CH&place=CH-ZH", 400, "place"),
        ("spread?horizon=9", 400, "horizon"),
        ("spread?level=county", 400, "level"),
        ("mortality?disease=plague", 404, ""),
        ("mortality?disease=flu", 404, ""),
        ("mortality?signal=covid_cases", 400, "signal"),
        ("scores?place=FR", 404, ""),
        ("models?x=1", 400, "query"),
        ("nothing", 404, ""),
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(answer.json()["field"].as_str().unwrap_or(""), field, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = ask(&app, method, "forecasts", &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].clone()),
            (405, "method_not_allowed".into())
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_head_of_the_chain_stands_where_a_reader_may_note_it(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    assert!(get(&app, "models").await.json()["chain"].is_null());
    computed(&app).await;
    let chain = get(&app, "models").await.json()["chain"].clone();
    let stored: String = sqlx::query_scalar("select encode(digest, 'hex') from chain_link where seq = 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((&chain["links"], &chain["head"]), (&1.into(), &stored.into()));
    assert!(chain["linked_at"].as_str().unwrap() > "2025-03-01", "by the machine's clock: {chain}");
}
