//! The past record beside the chart, and a model that the rule has withdrawn.

#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

mod common;

use chrono::Days;
use common::{CLOCK, LAST, Site, country, day, fill, polyglot, site, time};
use domain::CountryProfile;
use kit::Clock;
use sqlx::PgPool;
use store::forecasts::{Forecast, Results, Run, Trend};
use store::scores::{Came, Due, DueSpread, Event, Found, New, NewSpread};

/// A past forecast of every week: how it ended, newest first.
struct Past {
    held: bool,
    replayed: bool,
    /// As a multiple of the baseline's score.
    relative_wis: f64,
}

async fn scored(pool: &PgPool, profile: CountryProfile, past: &[Past]) -> Site {
    fill(pool, &profile).await;
    let mut conn = pool.acquire().await.unwrap();
    let signal = profile.signal(&profile.main_signal).unwrap();
    for (n, past) in (0u64..).zip(past) {
        let target_end_date = day(LAST) - Days::new(7 * n);
        let origin = (target_end_date - Days::new(3)).and_hms_opt(18, 0, 0).unwrap().and_utc();
        let truth_issued_at = (target_end_date + Days::new(4)).and_hms_opt(12, 0, 0).unwrap().and_utc();
        let run = Run {
            id: format!("past-{n}"),
            model_id: "recipe".into(),
            model_version: "1.2.3".into(),
            signal_id: signal.id.to_string(),
            source_id: signal.source_at("nation").unwrap().to_string(),
            as_of: origin,
            reference_date: target_end_date - Days::new(7),
            data_vintage: origin,
            data_hash: String::new(),
            source_hash: String::new(),
            created_at: if past.replayed { time(CLOCK) } else { origin },
        };
        let quantiles = vec![100.0; 23];
        let forecast =
            Forecast { place_id: "US".into(), horizon: 0, target_end_date, quantiles: quantiles.clone() };
        let trend = Trend {
            place_id: "US".into(),
            horizon: 0,
            large_decrease: 0.0,
            decrease: 0.0,
            stable: 1.0,
            increase: 0.0,
            large_increase: 0.0,
            rises: 0.5,
        };
        let results = Results { forecasts: vec![forecast], trends: vec![trend], ..Results::default() };
        store::forecasts::put(&mut conn, &run, &results).await.unwrap();
        let of = Due {
            run_id: run.id,
            origin,
            created_at: run.created_at,
            place_id: "US".into(),
            horizon: 0,
            target_end_date,
            quantiles,
        };
        let found =
            Found { truth: 100.0, wis: past.relative_wis, baseline_wis: Some(1.0), covered: [past.held; 3] };
        let new = New { of: &of, truth_issued_at, found: Some(found), replayed: past.replayed };
        let spread_of = DueSpread {
            run_id: of.run_id.clone(),
            origin,
            created_at: of.created_at,
            place_id: "US".into(),
            horizon: 0,
            target_end_date,
            classes: vec![0.0, 0.0, 1.0, 0.0, 0.0],
            rises: 0.5,
            arrives: None,
        };
        let rises = Event { came: true, brier: 0.25, climatology: None };
        let came = Came { class: "increase", rps: 0.5, rps_climatology: Some(1.0), rises, arrives: None };
        let spread = NewSpread { of: &spread_of, truth_issued_at, came: Some(came), replayed: past.replayed };
        assert_eq!(
            store::scores::put(&mut conn, signal.id.as_str(), &[new], &[spread], time(CLOCK)).await.unwrap(),
            2
        );
    }
    site(pool, profile, Clock::Recorded(time(CLOCK)), "web,forecast")
}

fn past(held: bool, replayed: bool, relative_wis: f64) -> Past {
    Past { held, replayed, relative_wis }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn how_often_the_band_held_stands_beside_the_chart_in_every_language(pool: PgPool) {
    let all: Vec<Past> = (0..23).map(|n| past(n % 4 != 0, n >= 18, 0.7)).collect();
    let site = scored(&pool, polyglot(), &all).await;
    for (path, said) in [
        (
            "/en/flu/US",
            "In the last 20 weeks that have a figure, the 80% interval of the forecast for the week to come held it 15 times. 2 of these forecasts were computed afterwards",
        ),
        (
            "/fr/flu/US",
            "Sur les 20 dernières semaines qui ont un chiffre, celui-ci s’est trouvé 15 fois dans l’intervalle à 80\u{a0}%",
        ),
        ("/de/flu/US", "In den letzten 20 Wochen mit einer Zahl lag sie 15-mal im 80%-Intervall"),
        (
            "/it/flu/US",
            "Nelle ultime 20 settimane con una cifra, questa si è trovata 15 volte nell’intervallo all’80%",
        ),
    ] {
        let page = site.get(path).await.body;
        let found = page.split("<p class=\"record\">").nth(1).map(|rest| rest.split("</p>").next().unwrap());
        assert!(found.is_some_and(|f| f.contains(said)), "{path}: {found:?}");
        let (of_direction, n) = match &path[1..3] {
            "en" => {
                ("The direction, up, down or about the same, was foreseen 20 times", "is 0.50 times that")
            }
            "fr" => {
                ("L’évolution, hausse, baisse ou stabilité, a été prévue 20 fois", "vaut 0,50 fois celui")
            }
            "de" => ("Die Richtung, aufwärts, abwärts oder etwa gleich, wurde", "das 0.50-Fache"),
            _ => ("La direzione, in aumento, in calo o stabile, è stata prevista 20 volte", "volte quello"),
        };
        assert!(found.is_some_and(|f| f.contains(of_direction) && f.contains(n)), "{path}: {found:?}");
    }
    let elsewhere = site.get("/en/flu/US:09").await.body;
    assert!(!elsewhere.contains("class=\"record\""), "the record of the country is not that of a part of it");
    let then = site.get("/en/flu/US?as_of=2025-01-20").await.body;
    assert!(then.contains("held it 15 times. 5 of these forecasts"), "later weeks are not counted: {then}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn forecasts_that_were_all_replayed_are_said_to_be(pool: PgPool) {
    let all: Vec<Past> = (0..5).map(|_| past(true, true, 0.7)).collect();
    let page = scored(&pool, country("us"), &all).await.get("/flu/US").await.body;
    assert!(page.contains("held it 5 times. All of these forecasts were computed afterwards"), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn three_weeks_are_no_record(pool: PgPool) {
    let all: Vec<Past> = (0..3).map(|_| past(true, false, 0.7)).collect();
    let page = scored(&pool, country("us"), &all).await.get("/flu/US").await.body;
    assert!(!page.contains("class=\"record\"") && page.contains("c-band80"), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_withdrawn_model_is_said_on_the_page_and_shows_nothing(pool: PgPool) {
    let all: Vec<Past> = (0..8).map(|_| past(true, false, 1.2)).collect();
    // The rule is about one signal: the others of the disease, which stay, are left out here.
    let mut profile = polyglot();
    for signal in profile.signals.iter_mut().filter(|s| s.id != profile.main_signal) {
        signal.forecast = None;
    }
    let site = scored(&pool, profile, &all).await;
    for (code, word) in [("en", "withdrawn"), ("fr", "retiré"), ("de", "zurückgezogen"), ("it", "ritirato")]
    {
        for path in ["flu/US", "flu/US?signal=flu_hosp_admissions", ""] {
            let page = site.get(&format!("/{code}/{path}")).await.body;
            assert!(page.contains(word), "/{code}/{path}: {page}");
            assert!(!page.contains("c-band80"), "/{code}/{path}");
        }
    }
    let page = site.get("/en/flu/US").await.body;
    assert!(
        page.contains("over the last 8 weeks that have a figure") && page.contains("held it 8 times"),
        "{page}"
    );
    assert!(
        page.contains("Reproduction number (Rt)") && page.contains("95% interval 1.01 to 1.20"),
        "{page}"
    );
    let growth = "infections: +10% a week (95% interval \u{2212}1% to +20%); doubling in 51 days (95% interval 27 or more)";
    assert!(page.contains(growth), "{page}");
    assert!(!page.contains("Clear rise"), "{page}");
    let csv = site.get("/en/flu/US/data.csv").await.body;
    assert!(!csv.lines().any(|line| line.starts_with("forecast,")), "{csv}");
    let picture = site.get("/en/flu/US/flu_hosp_admissions.svg").await.body;
    assert!(!picture.contains("c-band80"), "{picture}");
}
