//! Workers share the tasks of a country, hear of new figures, and lose nothing when one of them dies.

use crate::common::{CLOCK, at, date, point, recorded, seeded, time};
use chrono::{Days, TimeDelta};
use forecast::batch::{self, Kind, Options, Task};
use forecast::replay::{self, Span};
use forecast::work;
use kit::Clock;
use sqlx::PgPool;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::forecasts::{Results, Run};
use store::leases;

fn options() -> Options {
    Options { data: "data".into(), threads: 1 }
}

async fn runs(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from forecast_run").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_that_somebody_has_is_waited_for_and_taken_when_its_lease_ends(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    let mut conn = pool.acquire().await.unwrap();
    // A worker that died with its task: nobody gives it back.
    let lease = Duration::from_millis(700);
    assert!(leases::take(&mut conn, "pool ili_incidence", "dead", lease).await.unwrap());
    assert!(!leases::take(&mut conn, "pool ili_incidence", "other", lease).await.unwrap());
    assert_eq!(work::once(&app, &options(), |_| {}).await.unwrap(), 1);
    let left: i64 = sqlx::query_scalar("select count(*) from lease").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0, "whoever took it gave it back");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_worker_that_is_ended_while_it_asks_for_a_lease_leaves_none(pool: PgPool) {
    let app = recorded(&pool, CLOCK);
    let first = batch::tasks(&app.profile).first().unwrap().name();
    // The answer takes a while: somebody is about to give the first task back.
    let mut other = pool.begin().await.unwrap();
    assert!(leases::take(&mut other, &first, "other", Duration::from_secs(60)).await.unwrap());
    let worker = tokio::spawn({
        let app = app.clone();
        async move { work::listen(&app, &options(), Duration::MAX, |_| {}).await }
    });
    let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&pool).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.abort();
    let _ended = worker.await;
    let leave = tokio::spawn({
        let app = app.clone();
        async move { work::leave(&app).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.rollback().await.unwrap();
    leave.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let left: i64 = sqlx::query_scalar("select count(*) from lease").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_workers_do_each_task_once(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    let options = options();
    let (a, b) = tokio::join!(work::once(&app, &options, |_| {}), work::once(&app, &options, |_| {}));
    assert_eq!((a.unwrap() + b.unwrap(), runs(&pool).await), (1, 1));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_versions_of_the_code_at_one_clock_do_not_fit_for_each_other(pool: PgPool) {
    static FITS: AtomicUsize = AtomicUsize::new(0);
    fn count(line: &str) {
        FITS.fetch_add(usize::from(line.contains(": fitting ")), Ordering::Relaxed);
    }
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    assert_eq!(work::once(&app, &options(), count).await.unwrap(), 1);
    let mut conn = pool.acquire().await.unwrap();
    let ours = store::forecasts::latest_run(&mut conn, "ili_incidence", time(CLOCK)).await.unwrap().unwrap();
    let theirs = Run {
        id: "other".into(),
        source_hash: "other".into(),
        created_at: ours.created_at + TimeDelta::seconds(1),
        ..ours
    };
    assert!(store::forecasts::put(&mut conn, &theirs, &Results::default()).await.unwrap());
    assert_eq!(work::once(&app, &options(), count).await.unwrap(), 0);
    assert_eq!(FITS.load(Ordering::Relaxed), 1, "what is stored already is not computed again");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn new_figures_are_heard_of_and_computed(pool: PgPool) {
    seeded(&pool).await;
    let app = at(&pool, Clock::Recorded(time("2025-02-28T23:59:59Z")));
    let listening = tokio::spawn({
        let app = app.clone();
        // No tick: what is computed is what was heard of.
        async move { work::listen(&app, &options(), Duration::MAX, |_| {}).await }
    });
    let reached = async |wanted: i64| {
        let many = Duration::from_secs(120);
        let there = async {
            while runs(&pool).await < wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(many, there).await.unwrap();
    };
    reached(1).await;
    let week = date("2025-02-16") + Days::new(7);
    let new = point("ili_incidence", "who-fluid", "CH", week, "2025-02-28T12:00:00Z", 150.0);
    store::observations::append(&mut pool.acquire().await.unwrap(), &[new]).await.unwrap();
    reached(2).await;
    listening.abort();
}

#[test]
fn figures_of_what_a_model_reads_concern_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/ch/profile/profile.toml");
    let profile = kit::config::profile(path.into()).unwrap();
    let of = |signal: &str| -> Vec<(Kind, String)> {
        let concerned = batch::tasks(&profile).into_iter().filter(|task: &Task| task.reads(&profile, signal));
        concerned.map(|task| (task.kind, task.signal.to_string())).collect()
    };
    let has = |signal: &str, kind, of_signal: &str| of(signal).contains(&(kind, of_signal.to_owned()));
    // Both series of consultations are learnt from together.
    assert!(has("ari_incidence", Kind::Pool, "ili_incidence"));
    assert!(has("covid_hosp_admissions_daily", Kind::Deaths, "covid_deaths"));
    assert!(has("covid_deaths", Kind::Scores, "covid_deaths"));
    assert!(!has("covid_deaths", Kind::Pool, "ili_incidence"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn past_weeks_are_replayed_once_and_make_the_record(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    let again = async |span| replay::run(&app, &options(), span, None, |_| {}).await.unwrap();
    assert_eq!(again(Span::Weeks(5)).await, 5);
    assert_eq!(again(Span::Weeks(5)).await, 0, "what is stored is not computed again");
    let origins: Vec<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select as_of from forecast_run order by as_of").fetch_all(&pool).await.unwrap();
    assert_eq!(origins.first().unwrap(), &time("2025-01-17T23:59:59Z"));
    assert!(*origins.last().unwrap() < time(CLOCK));
    let mut conn = pool.acquire().await.unwrap();
    let record = kit::record::Record::read(&mut conn, "ili_incidence", "CH", time(CLOCK)).await;
    let record = record.unwrap().unwrap();
    assert_eq!((record.weeks, record.replayed), (5, 5));
}
