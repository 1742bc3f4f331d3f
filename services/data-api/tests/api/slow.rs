//! A file that takes long to build.

use crate::common::{self, Answer, ask_router, seeded};
use axum::Router;
use sqlx::PgPool;
use std::time::Duration;

const FILE: &str = "/api/data/v1/bulk/flu_hosp_admissions.parquet";
const WAITS: &str =
    "select exists (select from pg_locks where not granted and relation = 'observation_row'::regclass)";
const NOBODY: &str = "select not exists (select from pg_stat_activity where datname = current_database()
    and state <> 'idle' and pid <> pg_backend_pid())";

/// Comes back, as one who is told to does, for as long as the answer is "not ready": a busy machine takes its time.
async fn ready(router: &Router, path: &str) -> Answer {
    for _ in 0..600 {
        let answer = ask_router(router, "GET", path, &[]).await;
        if answer.status != 503 {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} is never ready")
}

/// Waits until the database says so.
async fn until(pool: &PgPool, question: &'static str) {
    for _ in 0..600 {
        if sqlx::query_scalar(question).fetch_one(pool).await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never so: {question}")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_waits_too_long_is_told_to_come_back_and_finds_it_finished(pool: PgPool) {
    let app = seeded(pool.clone()).await;
    let patience = Duration::from_millis(300);
    let router = kit::server::layers(data_api::router(app, 0, patience));
    let asked = "/api/data/v1/observations?signal=flu_hosp_admissions&format=parquet";
    // Nobody can read the rows for as long as this is open: as if there were very many of them.
    let mut long = pool.begin().await.unwrap();
    sqlx::query("lock table observation_row in access exclusive mode").execute(&mut *long).await.unwrap();
    for path in [FILE, FILE, asked, "/api/data/v1/bulk/flu_hosp_admissions.parquet.sha256"] {
        let early = ask_router(&router, "GET", path, &[]).await;
        assert_eq!(early.status.as_u16(), 503, "{path}: {}", early.text());
        assert_eq!(early.header("content-type"), "application/problem+json");
        assert_eq!((early.json()["code"].as_str(), early.header("retry-after")), (Some("not_ready"), "10"));
    }
    long.rollback().await.unwrap();
    let found = ready(&router, FILE).await;
    assert_eq!(found.status.as_u16(), 200, "{}", found.text());
    let table = ready(&router, asked).await;
    assert_eq!((table.status.as_u16(), table.body == found.body), (200, true), "{}", table.text());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn figures_that_come_meanwhile_do_not_begin_it_anew(pool: PgPool) {
    let app = seeded(pool.clone()).await;
    let router = kit::server::layers(data_api::router(app.clone(), 0, Duration::from_millis(200)));
    let mut long = pool.begin().await.unwrap();
    sqlx::query("lock table observation_row in access exclusive mode").execute(&mut *long).await.unwrap();
    assert_eq!(ask_router(&router, "GET", FILE, &[]).await.status, 503);
    until(&pool, WAITS).await;
    long.rollback().await.unwrap();
    until(&pool, NOBODY).await;
    let point = common::point("US", "2025-01-18", "2025-01-22T00:00:00Z", Ok(5.0), "r2");
    store::observations::append(&mut pool.acquire().await.unwrap(), &[point]).await.unwrap();
    let rows = async || ready(&router, FILE).await.header("vigie-rows").to_owned();
    assert_eq!(rows().await, "154", "what was finished while nobody waited is handed out once");
    assert_eq!(rows().await, "155", "then the newer figures");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_failed_is_tried_again(pool: PgPool) {
    let app = seeded(pool.clone()).await;
    let router = kit::server::layers(data_api::router(app, 0, Duration::from_secs(60)));
    sqlx::query("alter table observation_row rename to gone").execute(&pool).await.unwrap();
    assert_eq!(ask_router(&router, "GET", FILE, &[]).await.status, 500);
    sqlx::query("alter table gone rename to observation_row").execute(&pool).await.unwrap();
    assert_eq!(ask_router(&router, "GET", FILE, &[]).await.status, 200);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn while_every_file_is_being_built_everything_else_is_answered(pool: PgPool) {
    let app = seeded(pool.clone()).await;
    let signals: Vec<String> = app.profile.signals.iter().map(|s| s.id.to_string()).collect();
    let router = kit::server::layers(data_api::router(app, 0, Duration::from_secs(120)));
    let mut long = pool.begin().await.unwrap();
    sqlx::query("lock table observation_row in access exclusive mode").execute(&mut *long).await.unwrap();
    // Each file of each signal at once, several times: nobody can read the rows, so none comes to its end.
    let mut heavy = tokio::task::JoinSet::new();
    for signal in &signals {
        for ending in ["parquet", "csv.gz", "parquet", "csv.gz"] {
            let (router, path) = (router.clone(), format!("/api/data/v1/bulk/{signal}.{ending}"));
            heavy.spawn(async move { ask_router(&router, "GET", &path, &[]).await.status });
        }
    }
    for _ in 0..3 {
        for path in ["places", "sources", "openapi.json", "docs.css"] {
            let other = ask_router(&router, "GET", &format!("/api/data/v1/{path}"), &[]).await;
            assert_eq!(other.status, 200, "{path}: {}", other.text());
        }
    }
    while heavy.try_join_next().is_some() {}
    assert!(heavy.len() >= 2, "they are still waited for: {}", heavy.len());
    long.rollback().await.unwrap();
    let answers = heavy.join_all().await;
    assert!(answers.iter().any(|status| *status == 200), "{answers:?}");
}
