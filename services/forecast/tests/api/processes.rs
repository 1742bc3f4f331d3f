//! Two processes of the built program on one database: each figure is computed once, and when one of them is killed in the
//! middle of a task the other does it.

use crate::common::{date, point, seeded};
use crate::process::{Forecast, free, until};
use chrono::{DateTime, Days, Utc};
use sqlx::PgPool;

/// A month after the last figure that [`seeded`] gives.
const LATER: &str = "2025-03-14T23:59:59Z";
const POOL: &str = "pool ili_incidence";

async fn runs(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from forecast_run").fetch_one(pool).await.unwrap()
}

/// The publisher issues one more week.
async fn week(pool: &PgPool, number: u64) {
    let end = date("2025-02-16") + Days::new(7 * number);
    let issued = format!("{}T12:00:00Z", end + Days::new(5));
    let figure = point("ili_incidence", "who-fluid", "CH", end, &issued, 150.0);
    store::observations::append(&mut pool.acquire().await.unwrap(), &[figure]).await.unwrap();
}

/// Both have nothing left to do, since later than `before`.
async fn idle(both: &[Forecast; 2], before: [f64; 2]) -> [f64; 2] {
    let mut at = before;
    for (number, one) in both.iter().enumerate() {
        let passed = async || one.passed().await.filter(|at| *at > before[number]);
        at[number] = until("a pass of each process", passed).await;
    }
    at
}

/// How often the model was fitted, by both.
fn fits(both: &[Forecast; 2]) -> usize {
    both.iter().map(|one| one.lines_with("ili_incidence: fitting").len()).sum()
}

async fn lease(pool: &PgPool) -> Option<(String, DateTime<Utc>)> {
    let held = "select holder, until from lease where task = $1";
    sqlx::query_as(held).bind(POOL).fetch_optional(pool).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_processes_compute_each_week_once_and_one_goes_on_where_the_other_was_killed(pool: PgPool) {
    seeded(&pool).await;
    let mut both = [free(), free()].map(|admin| Forecast::start(&pool, LATER, admin));
    let mut passed = idle(&both, [0.0; 2]).await;
    assert_eq!((runs(&pool).await, fits(&both)), (1, 1), "two started at once");
    for number in 1..=2 {
        week(&pool, number).await;
        passed = idle(&both, passed).await;
        let done = 1 + number as usize;
        assert_eq!((runs(&pool).await, fits(&both)), (done as i64, done), "week {number}");
    }
    assert_eq!(lease(&pool).await, None);

    // Whoever takes the task stands in its middle: it has to look at the runs, and cannot.
    let mut held = pool.begin().await.unwrap();
    sqlx::query("lock table forecast_run in access exclusive mode").execute(&mut *held).await.unwrap();
    week(&pool, 3).await;
    let (holder, _) = until("a lease", async || lease(&pool).await).await;
    let pid: u32 = holder.split(' ').nth(1).unwrap().parse().unwrap();
    let dead = both.iter().position(|one| one.pid == pid).unwrap();
    both[dead].kill().await;
    let (of, end) = lease(&pool).await.unwrap();
    assert_eq!(of, holder, "the dead process still has it");
    held.rollback().await.unwrap();

    until("a run by the other", async || (runs(&pool).await == 4).then_some(())).await;
    assert_eq!(fits(&both), 4);
    assert!(!both[1 - dead].lines_with("another worker has it, or was killed with it").is_empty());
    let newest = "select max(created_at) from forecast_run";
    let computed: DateTime<Utc> = sqlx::query_scalar(newest).fetch_one(&pool).await.unwrap();
    assert!(computed > end, "not before the lease of the dead process had ended: {computed}, {end}");
    until("the lease given back", async || lease(&pool).await.is_none().then_some(())).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_process_that_is_stopped_while_it_fits_gives_the_task_back(pool: PgPool) {
    seeded(&pool).await;
    let mut one = Forecast::start(&pool, LATER, free());
    let fits = async || (!one.lines_with("ili_incidence: fitting").is_empty()).then_some(());
    until("a fit", fits).await;
    one.stop().await;
    assert_eq!(lease(&pool).await, None);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_process_that_is_stopped_in_the_middle_of_a_task_gives_it_back(pool: PgPool) {
    seeded(&pool).await;
    let mut one = Forecast::start(&pool, LATER, free());
    until("a pass", async || one.passed().await).await;
    let mut held = pool.begin().await.unwrap();
    sqlx::query("lock table forecast_run in access exclusive mode").execute(&mut *held).await.unwrap();
    week(&pool, 1).await;
    until("a lease", async || lease(&pool).await).await;
    one.stop().await;
    assert_eq!(lease(&pool).await, None);
    held.rollback().await.unwrap();
    assert_eq!(runs(&pool).await, 1, "what was under way is not done by halves");
}
