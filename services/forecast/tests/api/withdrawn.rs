//! An onset unlike any before takes the model off the pages, by the rule that was fixed before; and it comes back.

use crate::common::{ask, at, computed, date, get, recorded, tables, time, winters};
use chrono::Days;
use forecast::watch::{self, Alarm};
use kit::record::Recent;
use kit::{App, Clock};
use sqlx::PgPool;
use std::sync::Arc;

/// The weeks that no winter before prepared for, and what the consultations are multiplied by.
const ONSET: [(&str, f64); 6] = [
    ("2024-10-13", 3.0),
    ("2024-10-20", 9.0),
    ("2024-10-27", 27.0),
    ("2024-11-03", 60.0),
    ("2024-11-10", 20.0),
    ("2024-11-17", 4.0),
];

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_onset_that_breaks_the_model_withdraws_it_and_it_returns(pool: PgPool) {
    tables(&pool).await;
    let times = |end| ONSET.iter().find(|(week, _)| date(week) == end).map_or(1.0, |(_, times)| *times);
    let points = winters(190, |place, end, value| if place == "CH" { value * times(end) } else { value });
    store::observations::append(&mut pool.acquire().await.unwrap(), &points).await.unwrap();
    let (mut told, mut watched) = (Vec::new(), Vec::new());
    for week in 0..20 {
        let friday = date("2024-09-27") + Days::new(7 * week);
        let clock = format!("{friday}T23:59:59Z");
        let app = recorded(&pool, &clock);
        assert_eq!(computed(&app).await, 1, "it goes on being computed while it is withdrawn");
        let rule = get(&app, "scores").await.json()["rule"].clone();
        let answer = get(&app, "forecasts").await.json();
        println!("{friday} {} {rule}", answer["reason"]);
        let alarms = watch::read(&app).await.unwrap().remove(0).alarms;
        println!("{alarms:?}");
        told.push((clock, rule["withdrawn"] == true, answer));
        watched.push(alarms);
    }
    for ((clock, withdrawn, _), alarms) in told.iter().zip(&watched) {
        assert_eq!(alarms.contains(&Alarm::Withdrawn), *withdrawn, "{clock}: {alarms:?}");
    }
    let warned = watched.iter().position(|a| a.contains(&Alarm::CoverageLow) || a.contains(&Alarm::WisHigh));
    assert!(
        warned < told.iter().position(|(_, withdrawn, _)| *withdrawn),
        "operators hear of it before readers do"
    );
    for (clock, withdrawn, answer) in &told {
        let reason = if *withdrawn { "withdrawn".into() } else { serde_json::Value::Null };
        assert_eq!(answer["reason"], reason, "{clock}: {answer}");
        assert_eq!(answer["result"].is_null(), *withdrawn, "{clock}: no number goes with it");
    }
    let first = told.iter().position(|(_, withdrawn, _)| *withdrawn).unwrap();
    assert!(first > 4, "eight weeks with figures come first");
    let back = told[first..].iter().position(|(_, withdrawn, _)| !withdrawn).unwrap();
    assert!(back > 1, "it is not back at once");
    let during = recorded(&pool, &told[first].0);
    for question in ["forecasts", "spread", "spread?place=CH"] {
        assert_eq!(get(&during, question).await.json()["reason"], "withdrawn", "{question}");
    }
    assert_eq!(
        get(&during, "transmission").await.json()["status"],
        "estimated",
        "what was is not a forecast"
    );
    for (accept, word) in [("de", "zurückgezogen"), ("fr", "retiré"), ("it", "ritirato")] {
        let said = ask(&during, "GET", "forecasts", &[("accept-language", accept)]).await.json();
        let said = said["explanation"].as_str().unwrap();
        assert!(said.contains(word) && said.contains('8'), "{said}");
    }
}

/// Consultations that are published of a canton alone.
fn without_nation(pool: &PgPool, clock: Clock) -> App {
    let mut app = at(pool, clock);
    let profile = Arc::make_mut(&mut app.profile);
    for signal in profile.signals.iter_mut().filter(|s| s.id.as_str() == "ili_incidence") {
        signal.sources = [("canton".to_owned(), "who-fluid".parse().unwrap())].into();
    }
    app
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_country_without_national_figures_is_told_of_its_places_until_they_are_withdrawn_or_stale(
    pool: PgPool,
) {
    tables(&pool).await;
    let times = |end| ONSET.iter().find(|(week, _)| date(week) == end).map_or(1.0, |(_, times)| *times);
    let bent = |place: &str, end, value| if place == "CH" { value * times(end) } else { value };
    let mut points = winters(190, bent);
    for point in points.iter_mut().filter(|p| p.key.place.to_string() == "CH") {
        point.key.place = "CH-ZH".parse().unwrap();
    }
    store::observations::append(&mut pool.acquire().await.unwrap(), &points).await.unwrap();
    let (mut weeks, mut withdrawn) = (0, false);
    while !withdrawn {
        let friday = date("2024-09-27") + Days::new(7 * weeks);
        let app = without_nation(&pool, Clock::Recorded(time(&format!("{friday}T23:59:59Z"))));
        assert_eq!(computed(&app).await, 1);
        let conn = &mut pool.acquire().await.unwrap();
        let recent = Recent::read(conn, "ili_incidence", app.clock.now()).await.unwrap();
        withdrawn = recent.is_some_and(|recent| recent.withdraws());
        for question in ["spread", "spread?level=canton"] {
            let answer = get(&app, question).await.json();
            if withdrawn {
                assert_eq!(answer["reason"], "withdrawn", "{answer}");
                assert!(answer["result"].is_null(), "{answer}");
            } else {
                let places = answer["result"]["places"].as_array().unwrap();
                let zurich = places.iter().find(|p| p["place"] == "CH-ZH").unwrap();
                assert!(zurich["trend"]["rises"].is_number(), "{answer}");
            }
        }
        weeks += 1;
        assert!(weeks < 20, "the onset withdraws it");
    }
    assert!(weeks > 4, "it was told of before");
    // Years later nothing was computed since, and what there is says nothing of now.
    let stale = get(&without_nation(&pool, Clock::Real), "spread").await.json();
    assert_eq!((&stale["status"], &stale["reason"]), (&"not_estimated".into(), &"stale".into()), "{stale}");
}
