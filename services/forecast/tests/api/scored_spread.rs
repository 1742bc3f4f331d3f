//! What was said of classes, rises and arrivals is scored as truth comes, beside what was usual at that time of the year.

use crate::common::{CLOCK, computed, date, get, point, recorded, seeded, tables, time, winters};
use crate::further;
use chrono::{Datelike as _, Days, NaiveDate};
use kit::{App, Clock};
use serde_json::Value;
use sqlx::PgPool;

const CLASSES: [&str; 5] = ["large_decrease", "decrease", "stable", "increase", "large_increase"];

fn number(of: &Value, path: &str) -> f64 {
    of.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {of}"))
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Sum of squared differences of cumulative probabilities, written out once more.
fn ranked(p: &[f64], class: &str) -> f64 {
    let came = CLASSES.iter().position(|c| *c == class).unwrap();
    (0..4).map(|k| (p[..=k].iter().sum::<f64>() - f64::from(u8::from(came <= k))).powi(2)).sum()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn classes_and_rises_are_scored_against_the_seasons_before(pool: PgPool) {
    seeded(&pool).await;
    let origins = ["2025-01-10", "2025-01-17", "2025-01-24", "2025-01-31", "2025-02-07"];
    for origin in origins {
        computed(&recorded(&pool, &format!("{origin}T23:59:59Z"))).await;
    }
    let before = get(&recorded(&pool, "2025-01-11T00:00:00Z"), "spread").await.json();
    assert!(before["result"]["record"].is_null(), "no week is over: {before}");
    let app = recorded(&pool, CLOCK);
    computed(&app).await;
    let scored = get(&app, "scores?place=CH").await.json();
    let of_first: Vec<&Value> = scored["scores"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["forecast_as_of"] == "2025-01-10T23:59:59Z")
        .collect();
    assert_eq!(of_first.len(), 4);
    let then = recorded(&pool, "2025-01-10T23:59:59Z");
    for score in of_first {
        let said = get(&then, &format!("spread?place=CH&horizon={}", score["horizon"])).await.json();
        let said = &said["result"]["places"][0]["trend"];
        let came = &score["spread"];
        let class = came["class"].as_str().unwrap();
        let p = CLASSES.map(|class| said[class].as_f64().unwrap());
        assert!(close(number(came, "/rps"), ranked(&p, class)), "{score} {said}");
        let rose = came["rises"]["came"].as_bool().unwrap();
        assert!(close(number(came, "/rises/probability"), number(said, "/rises")));
        let happened = f64::from(u8::from(rose));
        assert!(close(number(came, "/rises/brier"), (number(said, "/rises") - happened).powi(2)), "{score}");
        assert!(came["arrives"].is_null(), "a rate of consultations counts no persons");
        assert!(close(number(came, "/first_issue/rps"), number(came, "/rps")));
        let usual = usual(score["horizon"].as_i64().unwrap());
        assert!(
            close(number(came, "/rises/brier_climatology"), (usual - happened).powi(2)),
            "{usual}: {score}"
        );
        assert!(number(came, "/rps_climatology") > 0.0);
    }
    let record = &scored["spread"];
    assert_eq!(
        (&record["rises"]["weeks"], &record["rises"]["forecasts"], &record["rises"]["replayed"]),
        (&6.into(), &(4 + 4 + 4 + 3 + 2).into(), &17.into()),
        "{record}"
    );
    assert_eq!(record["rises"]["compared"], record["rises"]["forecasts"]);
    assert!(record["arrives"].is_null());
    let sentence = record["rises"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("17") && sentence.contains("Brier"), "{sentence}");
    let spread = get(&app, "spread").await.json();
    assert_eq!(&spread["result"]["record"], record, "the same place, the same record");
    let stored: i64 = sqlx::query_scalar("select count(*) from spread_score").fetch_one(&pool).await.unwrap();
    computed(&app).await;
    let again: i64 = sqlx::query_scalar("select count(*) from spread_score").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, again, "a pass that is repeated adds nothing");
}

/// How often consultations rose within `ahead` weeks from this week of the seasons before, two weeks before and after counted less:
/// from the figures that the test made, for the origin of 2025-01-10.
fn usual(ahead: i64) -> f64 {
    let series: Vec<(NaiveDate, f64)> = winters(181, |_, _, value| value)
        .into_iter()
        .filter(|p| p.key.place.as_str() == "CH")
        .map(|p| (p.key.reference_date, p.value.unwrap()))
        .collect();
    let base = date("2025-01-05");
    // Seasons begin with the first Saturday of August.
    let season = |day: NaiveDate| {
        let year = if day.month() >= 8 { day.year() } else { day.year() - 1 };
        let mut first = NaiveDate::from_ymd_opt(year, 8, 1).unwrap();
        while first.weekday() != chrono::Weekday::Sat {
            first = first + Days::new(1);
        }
        (year, (day - first).num_days().div_euclid(7) + 1)
    };
    let (mut rose, mut all) = (0.5, 1.0);
    for (week, value) in &series {
        let ((year, number), (now, here)) = (season(*week), season(base));
        let apart = (number - here).abs();
        let apart = apart.min((52 - apart).max(0));
        let later = *week + chrono::Duration::weeks(ahead);
        let Some((_, then)) = series.iter().find(|(end, _)| *end == later) else { continue };
        if year < now && apart <= 2 {
            let weight = 1.0 - apart as f64 / 3.0;
            all += weight;
            rose += if then > value { weight } else { 0.0 };
        }
    }
    rose / all
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_arrival_is_scored_at_its_first_figure_and_at_the_one_that_corrects_it(pool: PgPool) {
    further::seeded(&pool).await;
    let early = further::app(&pool);
    assert_eq!(further::computed(&early).await, 2);
    let said = get(&early, "spread?signal=covid_hosp_admissions&place=US-WY&horizon=0").await.json();
    let p = number(&said, "/result/places/0/arrives/probability");
    // Of 580,000 people 5.8 are 1 per 100,000.
    let mut conn = pool.acquire().await.unwrap();
    let mut next = date(further::LAST);
    for (issued, value) in [("2025-03-12T20:00:00Z", 9.0), ("2025-03-19T20:00:00Z", 3.0)] {
        next = date(further::LAST) + Days::new(7);
        let row = point("covid_hosp_admissions", "cdc-covid-hub", "US-WY", next, issued, value);
        store::observations::append(&mut conn, &[row]).await.unwrap();
    }
    let at = |clock: &str| App { clock: Clock::Recorded(time(clock)), ..early.clone() };
    let last = at("2025-03-20T00:00:00Z");
    further::computed(&last).await;
    let of = async |app: &App| {
        let scored = get(app, "scores?signal=covid_hosp_admissions&place=US-WY").await.json();
        let all = scored["scores"].as_array().unwrap().clone();
        (all.into_iter().find(|s| s["target_end_date"] == next.to_string()).unwrap(), scored)
    };
    let (score, scored) = of(&last).await;
    let arrives = &score["spread"]["arrives"];
    assert_eq!(arrives["came"], false, "three persons are fewer than 1 per 100,000: {score}");
    assert!(close(number(arrives, "/brier"), p * p), "{p} {score}");
    assert!(arrives["brier_climatology"].is_null(), "of no earlier season a figure is known: {score}");
    assert!(close(number(&score, "/spread/first_issue/arrives_brier"), (1.0 - p) * (1.0 - p)), "{score}");
    assert_eq!(score["spread"]["class"], "stable", "fewer than ten persons");
    let record = &scored["spread"]["arrives"];
    assert_eq!((&record["forecasts"], &record["came"]), (&1.into(), &0.into()), "{record}");
    assert!(close(number(record, "/expected"), p) && close(number(record, "/mean_score"), p * p), "{record}");
    assert!(close(number(record, "/mean_score_at_first_issue"), (1.0 - p) * (1.0 - p)), "{record}");
    assert!(record["sentence"].is_null() && record["relative_to_climatology"].is_null(), "{record}");
    // Who asks as of the week before reads the first one.
    let (score, _) = of(&at("2025-03-13T00:00:00Z")).await;
    assert_eq!(score["spread"]["arrives"]["came"], true, "{score}");
    // The nation and the larger states were not quiet.
    let scored = get(&last, "scores?signal=covid_hosp_admissions").await.json();
    assert!(scored["scores"].as_array().unwrap().iter().all(|s| s["place"] == "US-WY"), "{scored}");
}

/// Everything that scores of spread were compared with.
async fn compared(pool: &PgPool) -> Vec<String> {
    let sql = "select concat_ws(' ', place_id, horizon, origin, truth_issued_at, class, rps_climatology, rises_climatology)
                 from spread_score order by 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_usual_is_read_as_it_was_known_at_the_origin(pool: PgPool) {
    tables(&pool).await;
    let mut conn = pool.acquire().await.unwrap();
    store::observations::append(&mut conn, &winters(181, |_, _, value| value)).await.unwrap();
    computed(&recorded(&pool, "2025-01-24T23:59:59Z")).await;
    let scores = async || {
        let sql = "begin; set local session_replication_role = replica; delete from chain_link where kind = 'scores';
                   delete from spread_score; delete from forecast_score; commit";
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        computed(&recorded(&pool, CLOCK)).await;
        compared(&pool).await
    };
    let honest = scores().await;
    assert_eq!(honest.len(), 4, "{honest:?}");
    // The seasons before are rewritten on the day after the origin, three weeks before the scores are made.
    let old = (0..150).map(|n| date("2024-07-28") - Days::new(7 * n));
    let planted: Vec<_> = old
        .map(|day| {
            point("ili_incidence", "who-fluid", "CH", day, "2025-01-25T00:00:00Z", 9e4 / f64::from(day.day()))
        })
        .collect();
    store::observations::append(&mut conn, &planted).await.unwrap();
    assert_eq!(scores().await, honest);
}
