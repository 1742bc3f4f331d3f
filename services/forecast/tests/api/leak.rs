//! Figures from the future, planted: they change no byte of what a model says.

use crate::common::{CLOCK, SPRING_2021, computed, date, point, recorded, seeded};
use crate::further;
use chrono::Days;
use sqlx::{AssertSqlSafe, PgPool};
use store::chain::RUN_TABLES;

/// Everything that was computed, of every table that has rows of a run, but for the machine's clock, as text.
async fn everything(pool: &PgPool) -> Vec<String> {
    let mut all = Vec::new();
    for table in RUN_TABLES {
        let sql =
            format!("select '{table} ' || (to_jsonb(r) - 'created_at')::text from {table} r order by 1");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
        all.extend(rows);
    }
    all
}

/// Takes it all away again, which only somebody can who switches the triggers off.
async fn forget(pool: &PgPool) {
    let mut sql = "begin; set local session_replication_role = replica; delete from chain_link;".to_owned();
    RUN_TABLES.iter().for_each(|table| sql += &format!("delete from {table};"));
    sqlx::raw_sql(AssertSqlSafe(sql + "commit")).execute(pool).await.unwrap();
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

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn rows_that_were_issued_later_change_no_arrival(pool: PgPool) {
    further::seeded(&pool).await;
    let app = further::app(&pool);
    assert_eq!(further::computed(&app).await, 2);
    let honest = everything(&pool).await;
    let arrivals = honest.iter().filter(|row| row.starts_with("arrival ")).count();
    assert!(arrivals >= 4 * 4, "{arrivals} of the nation and three states, four weeks ahead");
    forget(&pool).await;
    let mut planted = Vec::new();
    for (place, signal) in [
        ("US", "covid_hosp_admissions"),
        ("US-WY", "covid_hosp_admissions"),
        ("US-CA", "covid_ed_visits_percent"),
    ] {
        // Corrections of weeks that are known, and weeks that are still to come.
        let days = (0..20).map(|n| date(further::LAST) + Days::new(28) - Days::new(7 * n));
        let late = "2025-03-06T00:00:00Z";
        planted.extend(days.map(|day| point(signal, "cdc-covid-hub", place, day, late, 91.0)));
    }
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(store::observations::append(&mut conn, &planted).await.unwrap(), 60);
    assert_eq!(further::computed(&app).await, 2);
    assert!(everything(&pool).await == honest, "rows of the day after changed something");
}
