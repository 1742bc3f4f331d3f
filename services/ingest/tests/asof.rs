//! As-of reads of the database against a naive replay of what the publisher sent, version by version.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod common;

use common::{State, at, carried, profile, root, shared};
use ingest::frame::Frame;
use sqlx::PgPool;
use std::collections::BTreeMap;

async fn panel(pool: &PgPool, source: &str, signal: &str, time: &str) -> State {
    let mut conn = pool.acquire().await.unwrap();
    let points = store::observations::panel(&mut conn, signal, source, at(time)).await.unwrap();
    points.into_iter().map(|p| ((p.place_id, p.reference_date), p.value)).collect()
}

async fn load(pool: &PgPool, country: &str) {
    let mut conn = pool.acquire().await.unwrap();
    let now = at("2026-01-01T00:00:00Z");
    ingest::load::all(&mut conn, &root().join("data"), &profile(country), now, &|_| {}).await.unwrap();
}

/// The publisher's versions replayed one after the other, without any of our code between.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn swiss_reads_as_of_any_version_equal_a_replay_of_the_versions(pool: PgPool) {
    let Some(shared) = shared("swiss_reads_as_of_any_version_equal_a_replay_of_the_versions") else { return };
    load(&pool, "ch").await;
    let log =
        Frame::read(&std::fs::read(shared.join("data/ch/bag-covid/revisions_geoRegion.parquet")).unwrap())
            .unwrap();
    let (series, version) = (log.text(&["series"]).unwrap(), log.text(&["version"]).unwrap());
    let (region, day) = (log.text(&["geoRegion"]).unwrap(), log.date(&["datum"]).unwrap());
    let entries = log.number(&["entries"]).unwrap();
    // Version (Swiss local time), a moment one second before it, and the moment itself, in UTC.
    for (stated, time) in [
        ("2021-02-04_07-48-55", "2021-02-04T06:48:55Z"),
        ("2021-03-31_08-38-58", "2021-03-31T06:38:58Z"),
        ("2021-05-20_07-49-25", "2021-05-20T05:49:25Z"),
        ("2021-07-09_07-48-17", "2021-07-09T05:48:17Z"),
    ] {
        for (name, signal) in
            [("Cases", "covid_cases"), ("Death", "covid_deaths"), ("Hosp", "covid_hosp_admissions_daily")]
        {
            let mut replay: BTreeMap<_, (&str, Option<f64>)> = BTreeMap::new();
            for i in 0..log.len() {
                let (v, place) = (version[i].as_deref().unwrap(), region[i].as_deref().unwrap());
                if series[i].as_deref() != Some(name) || v > stated || place.contains("FL") {
                    continue;
                }
                let place = if place == "CH" { "CH".to_owned() } else { format!("CH-{place}") };
                let cell = replay.entry((place, day[i].unwrap())).or_insert((v, entries[i]));
                if v >= cell.0 {
                    *cell = (v, entries[i]);
                }
            }
            let replay: State = replay.into_iter().map(|(cell, (_, value))| (cell, value)).collect();
            assert_eq!(panel(&pool, "foph-covid19", signal, time).await, replay, "{signal} as of {stated}");
        }
    }
    let before = panel(&pool, "foph-covid19", "covid_cases", "2021-07-09T05:48:16Z").await;
    assert_ne!(
        before,
        panel(&pool, "foph-covid19", "covid_cases", "2021-07-09T05:48:17Z").await,
        "a second matters"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn french_and_european_reads_equal_a_replay_of_the_extract(pool: PgPool) {
    load(&pool, "fr").await;
    for time in [
        "2023-12-01T12:00:00Z",
        "2023-12-02T00:00:00Z",
        "2024-10-18T23:59:59Z",
        "2025-01-31T23:59:59Z",
        "2025-04-25T23:59:59Z",
    ] {
        for (source, signal) in [
            ("ecdc-erviss", "ili_incidence"),
            ("ecdc-erviss", "ari_incidence"),
            ("who-fluid", "ili_incidence"),
        ] {
            assert_eq!(
                panel(&pool, source, signal, time).await,
                carried(source, signal, at(time)),
                "{signal} {time}"
            );
        }
    }
    // Published on a Friday, known by its date only: invisible until the end of that day.
    assert!(panel(&pool, "ecdc-erviss", "ili_incidence", "2023-12-01T12:00:00Z").await.is_empty());
    let peak = |time: &'static str| async {
        panel(&pool, "ecdc-erviss", "ili_incidence", time).await
            [&("FR".to_owned(), "2025-01-26".parse().unwrap())]
    };
    assert_eq!(peak("2025-01-31T23:59:59Z").await, Some(567.1), "as first published");
    assert_eq!(peak("2025-02-07T23:59:59Z").await, Some(523.1), "as revised a week later");
}
