//! Figures from the future, planted: they change no byte of what a model says.

use crate::common::{CLOCK, SPRING_2021, computed, date, point, recorded, seeded};
use chrono::Days;
use sqlx::PgPool;

/// Everything that was computed, but for the machine's clock, as text.
async fn everything(pool: &PgPool) -> Vec<String> {
    let sql = "select (to_jsonb(r) - 'created_at')::text from forecast_run r
               union all select f::text from forecast f union all select e::text from rt_estimate e
               union all select g::text from growth_estimate g
               union all select d::text from deaths_relation d
               union all select t::text from trend t union all select n::text from not_estimated n order by 1";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// Takes it all away again, which only somebody can who switches the triggers off.
async fn forget(pool: &PgPool) {
    let sql = "begin; set local session_replication_role = replica;
               delete from forecast; delete from deaths_relation; delete from growth_estimate; delete from rt_estimate; delete from trend; delete from not_estimated;
               delete from forecast_run; delete from chain_link; commit";
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn rows_that_were_issued_later_change_no_byte(pool: PgPool) {
    seeded(&pool).await;
    for (clock, signals, issued, last) in [
        (CLOCK, &["ili_incidence"][..], "2025-02-22T00:00:00Z", "2025-02-16"),
        (SPRING_2021, &["covid_deaths", "covid_hosp_admissions_daily"], "2021-05-21T00:00:00Z", "2021-05-19"),
    ] {
        let app = recorded(&pool, clock);
        assert_eq!(computed(&app).await, 1, "{clock}");
        let honest = everything(&pool).await;
        assert!(honest.len() > 4, "{honest:?}");
        forget(&pool).await;
        assert_eq!(computed(&app).await, 1);
        assert!(everything(&pool).await == honest, "the same again, with nothing planted");
        forget(&pool).await;
        let mut planted = Vec::new();
        for signal in signals {
            let weekly = *signal == "ili_incidence";
            let places = if weekly { &["CH", "FR", "AT", "BE"][..] } else { &["CH", "CH-ZH"] };
            for place in places {
                let source = match (weekly, *place) {
                    (true, "CH") => "who-fluid",
                    (true, _) => "ecdc-erviss",
                    (false, _) => "foph-covid19",
                };
                // Corrections of weeks that are known, and weeks that are still to come.
                let (newest, step) = (date(last) + Days::new(28), if weekly { 7 } else { 1 });
                let days = (0..60).map(|n| newest - Days::new(step * n));
                planted.extend(days.map(|day| point(signal, source, place, day, issued, 987_654.0)));
            }
        }
        let mut conn = pool.acquire().await.unwrap();
        assert!(store::observations::append(&mut conn, &planted).await.unwrap() > 100);
        assert_eq!(computed(&app).await, 1);
        assert!(everything(&pool).await == honest, "as of {clock}, rows of {issued} changed something");
        forget(&pool).await;
    }
}
