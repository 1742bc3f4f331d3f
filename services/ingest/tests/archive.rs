//! The archive of retrievals: the database made again from it, an operator's release, values from their bytes.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod common;

use chrono::{DateTime, Utc};
use common::{at, payload, profile, root, shared};
use domain::ObservationKey;
use ingest::apply::{self, Outcome};
use ingest::archive::Archive;
use ingest::event::{Event, What};
use ingest::load::Plan;
use ingest::reproduce::Reproducer;
use ingest::{release, replay};
use sqlx::{Connection as _, PgPool};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vigie-replay-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn plan(country: &str) -> Plan {
    Plan::of(&profile(country))
}

/// What a look that brought `bytes` leaves: payload and event in the archive, the event applied.
async fn brought(pool: &PgPool, archive: &Archive, country: &str, time: &str, bytes: &[u8]) -> Outcome {
    let sha256 = ingest::body::sha256(bytes);
    archive.put_payload(&sha256, bytes).await.unwrap();
    let event = Event {
        at: at(time),
        source: "owid-mpox".into(),
        feed: "owid-monkeypox-data.csv".into(),
        what: What::Retrieved {
            url: "https://example.org/mpox.csv".into(),
            status: 200,
            headers: BTreeMap::from([("etag".into(), format!("\"{}\"", &sha256[..8]))]),
            sha256,
            bytes: bytes.len() as u64,
        },
    };
    archive.put_event(&event).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let outcome = apply::apply(&mut tx, &plan(country), &event, Some(bytes)).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn exported(pool: &PgPool) -> BTreeMap<&'static str, Vec<u8>> {
    let mut conn = pool.acquire().await.unwrap();
    let mut all = BTreeMap::new();
    for (name, query) in store::export::TABLES {
        let mut bytes = Vec::new();
        store::export::csv(&mut conn, query, &mut bytes).await.unwrap();
        all.insert(name, bytes);
    }
    all
}

/// A second, empty database with the schema.
async fn another(pool: &PgPool, name: &str) -> PgPool {
    let mut conn = pool.acquire().await.unwrap();
    let name = format!("vigie_{name}_{}", std::process::id());
    for sql in [format!("drop database if exists \"{name}\""), format!("create database \"{name}\"")] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap();
    }
    let options = (*pool.connect_options()).clone().database(&name);
    let other = sqlx::postgres::PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    store::MIGRATOR.run(&other).await.unwrap();
    other
}

async fn drop_other(pool: &PgPool, other: PgPool) {
    let name = other.connect_options().get_database().unwrap().to_owned();
    other.close().await;
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("drop database \"{name}\"")))
        .execute(&mut *conn)
        .await
        .unwrap();
}

fn clock(time: &str) -> impl Fn() -> DateTime<Utc> + Sync + use<> {
    let time = at(time);
    move || time
}

/// The first half of the lines: what is left when a transfer breaks off after a whole line.
fn half(bytes: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let seldom = lines.iter().enumerate().filter(|(i, l)| *i == 0 || !l.starts_with(b"France") || i % 4 == 0);
    seldom.flat_map(|(_, l)| l.to_vec()).collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_replay_of_all_retrievals_exports_the_same_bytes(pool: PgPool) {
    let Some(shared) = shared("a_replay_of_all_retrievals_exports_the_same_bytes") else { return };
    let recorded =
        |day: &str| payload(&shared, &format!("data/global/owid-mpox/owid-monkeypox-data_{day}.csv.gz"));
    let archive = Archive::open(folder("all").to_str().unwrap()).unwrap();
    let now = at("2022-12-01T00:00:00Z");
    let load = async |pool: &PgPool| {
        let mut conn = pool.acquire().await.unwrap();
        ingest::load::all(&mut conn, &root().join("data"), &profile("fr"), now, &|_| {}).await.unwrap();
    };
    load(&pool).await;
    let first = recorded("2023-11-16");
    let short = half(&first);
    let outcome = brought(&pool, &archive, "fr", "2026-01-02T03:04:05.678901Z", &first).await;
    assert!(!matches!(outcome, Outcome::Quarantined(_)), "{outcome:?}");
    let outcome = brought(&pool, &archive, "fr", "2026-01-02T09:00:00Z", b"<html>moved</html>").await;
    assert!(matches!(outcome, Outcome::Quarantined(_)));
    let outcome = brought(&pool, &archive, "fr", "2026-01-02T15:00:00.5Z", &short).await;
    assert!(matches!(&outcome, Outcome::Quarantined(why) if why.contains("truncated")), "{outcome:?}");
    let id = apply::id(&ingest::body::sha256(&short), "owid-mpox");
    let released = release::release(
        &pool,
        &archive,
        &plan("fr"),
        &id,
        "the publisher confirms it",
        &clock("2026-01-02T16:00:00Z"),
    )
    .await
    .unwrap();
    assert!(released > 0);
    brought(&pool, &archive, "fr", "2026-01-03T15:00:00Z", &first).await;

    let other = another(&pool, "replay").await;
    load(&other).await;
    let done = replay::catch_up(&other, &archive, &plan("fr")).await.unwrap();
    assert_eq!((done.events, done.known), (5, 0));
    let (ours, theirs) = (exported(&pool).await, exported(&other).await);
    for (name, bytes) in &ours {
        assert!(theirs[name] == *bytes, "{name} differs");
    }
    assert!(ours["observation"].len() > 100_000 && ours["release"].len() > 50);
    let again = replay::catch_up(&other, &archive, &plan("fr")).await.unwrap();
    assert_eq!((again.events, again.known), (0, 5), "an event is applied once");
    drop_other(&pool, other).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_event_that_a_crash_left_unapplied_is_applied_at_the_next_start(pool: PgPool) {
    let archive = Archive::open(folder("crash").to_str().unwrap()).unwrap();
    let event = Event {
        at: at("2026-01-02T03:04:05Z"),
        source: "owid-mpox".into(),
        feed: "owid-monkeypox-data.csv".into(),
        what: What::Failed { url: "https://example.org/".into(), reason: "no answer".into() },
    };
    archive.put_event(&event).await.unwrap();
    let done = replay::catch_up(&pool, &archive, &plan("fr")).await.unwrap();
    assert_eq!(done.events, 1);
    let mut conn = pool.acquire().await.unwrap();
    let check = store::sources::last_check(&mut conn, "owid-mpox", at("2026-01-03T00:00:00Z")).await.unwrap();
    assert_eq!(check.unwrap().1, "failed");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_operator_releases_what_was_refused_once_and_for_a_reason(pool: PgPool) {
    let Some(shared) = shared("an_operator_releases_what_was_refused_once_and_for_a_reason") else { return };
    let recorded =
        |day: &str| payload(&shared, &format!("data/global/owid-mpox/owid-monkeypox-data_{day}.csv.gz"));
    let archive = Archive::open(folder("release").to_str().unwrap()).unwrap();
    let first = recorded("2022-12-29");
    let short = half(&first);
    let page = b"<!DOCTYPE html><html></html>";
    brought(&pool, &archive, "fr", "2022-12-29T17:00:00Z", &first).await;
    brought(&pool, &archive, "fr", "2022-12-30T17:00:00Z", &short).await;
    brought(&pool, &archive, "fr", "2022-12-30T18:00:00Z", page).await;
    let id = |bytes: &[u8]| apply::id(&ingest::body::sha256(bytes), "owid-mpox");
    let try_release = async |bytes: &[u8], why: &str, time: &str| {
        release::release(&pool, &archive, &plan("fr"), &id(bytes), why, &clock(time)).await
    };
    let refused = {
        let mut conn = pool.acquire().await.unwrap();
        store::sources::refused(&mut conn).await.unwrap()
    };
    assert_eq!(refused.iter().map(|q| q.retrieval_id.clone()).collect::<Vec<_>>(), [id(page), id(&short)]);
    let says = |result: anyhow::Result<u64>| format!("{:#}", result.unwrap_err());
    let before = exported(&pool).await;
    assert!(says(try_release(&short, " ", "2022-12-31T08:00:00Z").await).contains("say why"));
    assert!(says(try_release(&first, "why not", "2022-12-31T08:00:00Z").await).contains("was not refused"));
    assert!(
        says(try_release(b"?", "why not", "2022-12-31T08:00:00Z").await).contains("there is no retrieval")
    );
    assert!(says(try_release(page, "why not", "2022-12-31T08:00:00Z").await).contains("a web page"));
    assert_eq!(exported(&pool).await, before, "a refused release changes nothing");
    assert_eq!(archive.events().await.unwrap().len(), 3, "and leaves no event");

    // A complete history that lacks cells takes them back: that is what the operator accepts.
    let values = try_release(&short, "confirmed by telephone", "2022-12-31T09:00:00Z").await.unwrap();
    assert!(values > 100, "{values}");
    assert!(
        says(try_release(&short, "again", "2022-12-31T10:00:00Z").await)
            .contains("was released on 2022-12-31")
    );
    let (issued, seen): (DateTime<Utc>, DateTime<Utc>) =
        sqlx::query_as("select max(issued_at), max(seen_at) from observation where retrieval_id = $1")
            .bind(id(&short))
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((issued, seen), (at("2022-12-30T17:00:00Z"), at("2022-12-31T09:00:00Z")));
    for table in ["release", "source_check"] {
        for verb in [format!("delete from {table}"), format!("truncate {table}")] {
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(verb)).execute(&pool).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
    }
    // The same bytes once more are known now; and a later payload that is accepted makes an older one moot.
    let again = brought(&pool, &archive, "fr", "2023-01-01T17:00:00Z", &short).await;
    assert_eq!(again, Outcome::Unchanged);
    let other = half(&recorded("2023-05-31"));
    brought(&pool, &archive, "fr", "2023-05-31T17:00:00Z", &other).await;
    brought(&pool, &archive, "fr", "2023-06-01T17:00:00Z", &recorded("2023-05-31")).await;
    let moot = try_release(&other, "too late", "2023-06-02T17:00:00Z").await;
    if let Err(error) = moot {
        let error = format!("{error:#}");
        assert!(error.contains("a later payload") || error.contains("was not refused"), "{error}");
    } else {
        panic!("an older payload was released over a later one");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn live_values_are_computed_again_from_the_archive(pool: PgPool) {
    let Some(shared) = shared("live_values_are_computed_again_from_the_archive") else { return };
    let recorded =
        |day: &str| payload(&shared, &format!("data/global/owid-mpox/owid-monkeypox-data_{day}.csv.gz"));
    let archive = Archive::open(folder("live").to_str().unwrap()).unwrap();
    brought(&pool, &archive, "fr", "2022-12-29T17:00:00.25Z", &recorded("2022-12-29")).await;
    brought(&pool, &archive, "fr", "2023-05-31T17:00:00.75Z", &recorded("2023-05-31")).await;
    let keys = ids(&pool, i64::MAX, 0.0).await;
    assert!(keys.len() > 500);
    let mut reproducer = Reproducer::new(Some(archive.clone()), None);
    let mut conn = pool.acquire().await.unwrap();
    for key in keys {
        let found = reproducer.value(&mut conn, &key).await.unwrap();
        assert!(found.same(), "{}: {found:?}", key.id());
    }
    // A value that is not what its bytes say is seen.
    sqlx::raw_sql(
        "alter table observation_row disable trigger all;
         update observation_row set value = value + 1 where reference_date = '2022-07-01' and value is not null;
         alter table observation_row enable trigger all",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let keys = ids(&pool, i64::MAX, 0.0).await;
    let mut wrong = 0;
    for key in keys.iter().filter(|k| k.reference_date.to_string() == "2022-07-01") {
        wrong += usize::from(!reproducer.value(&mut conn, key).await.unwrap().same());
    }
    assert!(wrong > 0);
}

/// The ids of values in the order of their payloads, so that each is read once.
async fn ids(pool: &PgPool, most: i64, seed: f64) -> Vec<ObservationKey> {
    let mut conn = pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("select setseed($1)").bind(seed).execute(&mut *tx).await.unwrap();
    let rows: Vec<(String, String, String, chrono::NaiveDate, DateTime<Utc>)> = sqlx::query_as(
        "select signal_id, source_id, place_id, reference_date, issued_at from
           (select o.*, r.recorded_as from observation o join retrieval r on r.id = o.retrieval_id
             order by random() limit $1) chosen
          order by split_part(recorded_as, '#', 1), retrieval_id, issued_at",
    )
    .bind(most)
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let key =
        |(signal, source, place, reference_date, issued_at): (String, String, String, _, _)| ObservationKey {
            signal: signal.parse().unwrap(),
            source: domain::SourceId::new(source).unwrap(),
            place: place.parse().unwrap(),
            reference_date,
            issued_at,
        };
    rows.into_iter().map(key).collect()
}

/// A thousand random values in all: what the three countries show, from the publishers' own bytes.
async fn carried_values_come_from_their_bytes(pool: &PgPool, country: &str, values: i64) {
    let Some(shared) = shared("carried_values_come_from_their_bytes") else { return };
    let mut conn = pool.acquire().await.unwrap();
    let now = at("2026-01-01T00:00:00Z");
    ingest::load::all(&mut conn, &root().join("data"), &profile(country), now, &|_| {}).await.unwrap();
    let mut reproducer = Reproducer::new(None, Some(shared));
    for key in ids(pool, values, 0.7).await {
        let found = reproducer.value(&mut conn, &key).await.unwrap();
        assert!(found.same(), "{}: {found:?}", key.id());
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn american_values_come_from_their_bytes(pool: PgPool) {
    carried_values_come_from_their_bytes(&pool, "us", 400).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn french_values_come_from_their_bytes(pool: PgPool) {
    carried_values_come_from_their_bytes(&pool, "fr", 300).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn swiss_values_come_from_their_bytes(pool: PgPool) {
    carried_values_come_from_their_bytes(&pool, "ch", 300).await;
}
