//! The carried extract into a database, for each country.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: what cannot be prepared has failed"
)]

mod common;

use common::{at, profile, root};
use sqlx::PgPool;

async fn twice(pool: &PgPool, country: &str, stands: &str) -> ingest::load::Loaded {
    let profile = profile(country);
    let mut conn = pool.acquire().await.unwrap();
    let start = std::time::Instant::now();
    let first =
        ingest::load::all(&mut conn, &root().join("data"), &profile, at("2026-01-01T00:00:00Z"), &|_| {})
            .await
            .unwrap();
    println!("{country}: first load {:?}, {} rows", start.elapsed(), first.rows);
    let start = std::time::Instant::now();
    let second =
        ingest::load::all(&mut conn, &root().join("data"), &profile, at("2026-01-01T00:00:00Z"), &|_| {})
            .await
            .unwrap();
    println!("{country}: second load {:?}", start.elapsed());
    assert_eq!(first.rows, first.new_rows);
    assert_eq!((second.rows, second.new_rows), (first.rows, 0), "loading again adds nothing");
    let signal = profile.signal(&profile.main_signal).unwrap();
    let source = signal.source_at("nation").unwrap();
    let clock = store::observations::last_new_issue(
        &mut conn,
        signal.id.as_str(),
        source.as_str(),
        profile.nation.as_str(),
    );
    let clock = clock.await.unwrap().unwrap();
    assert_eq!(clock, at(stands), "the clock");
    let check = store::sources::last_check(&mut conn, source.as_str(), clock).await.unwrap().unwrap();
    assert_eq!((check.0, check.1.as_str()), (clock, "new"), "what is published was seen");
    first
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_united_states_load_once_and_their_clock_is_the_last_new_week(pool: PgPool) {
    let loaded = twice(&pool, "us", "2025-07-29T20:03:37Z").await;
    assert!(loaded.rows > 50_000);
    let foreign: i64 = sqlx::query_scalar("select count(*) from place where left(id, 2) <> 'US'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(foreign, 0);
    let counties: i64 = sqlx::query_scalar("select count(*) from place where level = 'county'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(counties, 3142, "also those without a figure");
    let files: Vec<_> = loaded.by_signal.keys().filter(|(source, _)| source == "cdc-nhsn").collect();
    assert_eq!(files.len(), 2, "a further source, as far as it was recorded");
    assert!(loaded.by_signal.keys().all(|(source, _)| source != "cdc-nssp"), "fetched live, and not carried");
    let set_aside: i64 =
        sqlx::query_scalar("select count(*) from quarantine").fetch_one(&pool).await.unwrap();
    assert_eq!(set_aside, 2, "the two broken vintages of 2024-11");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn france_loads_with_what_its_model_learns_from(pool: PgPool) {
    twice(&pool, "fr", "2025-04-25T23:59:59Z").await;
    let learns: i64 = sqlx::query_scalar(
        "select count(distinct place_id) from observation where signal_id = 'ili_incidence'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(learns > 20, "{learns} countries");
    let foreign: i64 = sqlx::query_scalar(
        "select count(*) from observation where signal_id = 'mpox_cases' and place_id <> 'FR'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(foreign, 0, "only its own, where nothing is learnt");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn switzerland_loads_with_its_cantons(pool: PgPool) {
    twice(&pool, "ch", "2025-02-21T23:59:59Z").await;
    let cantons: i64 = sqlx::query_scalar(
        "select count(distinct place_id) from observation where signal_id = 'covid_cases'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(cantons, 27);
}
