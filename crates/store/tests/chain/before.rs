//! Links from before a table was there: they hold as they are.

use crate::common::{PARENTS, prepared, results, run, whole};
use sqlx::PgPool;
use store::chain::Subject;
use store::forecasts::{self, Results};

/// What a run from before growth was estimated found.
fn without_growth() -> Results {
    let mut all = results();
    all.rt.iter_mut().for_each(|r| r.growth = None);
    all
}

#[sqlx::test(migrations = false)]
async fn a_run_that_was_linked_before_growth_was_estimated_keeps_its_link_and_is_read(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let (before, after): (Vec<_>, Vec<_>) = store::MIGRATOR.iter().partition(|m| m.version < 12);
    for m in before {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    // As the program of that time linked it: five tables.
    let five = "select string_agg(format('%s %s %s', name, n, encode(sha256(coalesce(bytes, '')), 'hex')), E'\\n' order by part)
        from (select 0 as part, 'forecast_run' as name, count(*) as n, string_agg(record_send(p), '') as bytes
                from (select * from forecast_run where id = 'old') p
              union all select 1, 'forecast', 0, null
              union all select 2, 'rt_estimate', count(*), string_agg(record_send(p), '')
                from (select * from rt_estimate where run_id = 'old') p
              union all select 3, 'trend', 0, null
              union all select 4, 'not_estimated', 0, null) every";
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    let old = Results { rt: without_growth().rt, ..Results::default() };
    assert!(forecasts::insert(&mut tx, &run("old"), &old).await.unwrap());
    let parts: String = sqlx::query_scalar(five).fetch_one(&mut *tx).await.unwrap();
    sqlx::query(
        "insert into chain_link select l.*, sha256(record_send(l))
           from (select 1::bigint as seq, 'run'::text as kind, 'old'::text as run_id, null::bigint as pass, false as existing,
                        $1::text as parts, sha256(convert_to($1, 'UTF8')) as content, decode(repeat('00', 32), 'hex') as previous,
                        clock_timestamp() as linked_at) l",
    )
    .bind(&parts)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    for m in after {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    forecasts::put(&mut conn, &run("new"), &results()).await.unwrap();
    let links = whole(&mut conn).await;
    assert_eq!(links.iter().map(|l| l.parts.lines().count()).collect::<Vec<_>>(), [5, 8]);
    assert_eq!(forecasts::rt(&mut conn, "old", None).await.unwrap(), without_growth().rt);
    assert_eq!(forecasts::rt(&mut conn, "new", Some("a")).await.unwrap(), results().rt);
}

#[sqlx::test(migrations = false)]
async fn what_was_there_before_the_chain_is_linked_and_marked(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let (before, after): (Vec<_>, Vec<_>) = store::MIGRATOR.iter().partition(|m| m.version < 10);
    for m in before {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    for id in ["old", "older's"] {
        let then = Results { arrivals: Vec::new(), relations: Vec::new(), ..without_growth() };
        assert!(forecasts::insert(&mut conn, &run(id), &then).await.unwrap());
    }
    sqlx::raw_sql("insert into forecast_run select 'empty', 'm', '1', 'flu_cases', 'src', now(), '2025-01-01', now(), '', '', '1999-01-01'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let score = "insert into forecast_score
        select 'old', place_id, horizon, 'flu_cases', '2025-01-31', target_end_date, '2025-02-07', null, null, null, null, null,
               null, true, '2025-03-01' from forecast where run_id = 'old'";
    sqlx::raw_sql(score).execute(&mut *conn).await.unwrap();
    for m in after {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    forecasts::put(&mut conn, &run("new"), &results()).await.unwrap();
    let links = whole(&mut conn).await;
    let found: Vec<_> = links.iter().map(|l| (l.subject().unwrap(), l.existing)).collect();
    let (run, pass) = (Subject::Run, Subject::Scores(0));
    assert_eq!(
        found,
        [(run("empty"), true), (run("old"), true), (run("older's"), true), (pass, true), (run("new"), false)]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_without_arrivals_has_the_link_that_it_had_before_they_were_stored(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    let without = Results { arrivals: Vec::new(), relations: Vec::new(), ..results() };
    forecasts::put(&mut conn, &run("r"), &without).await.unwrap();
    forecasts::put(&mut conn, &run("s"), &results()).await.unwrap();
    let links = whole(&mut conn).await;
    let lines = |n: usize| links[n].parts.lines().count();
    assert_eq!((lines(0), lines(1)), (6, 8));
    assert_eq!(forecasts::arrivals(&mut conn, "r").await.unwrap(), []);
    let mut stored = forecasts::arrivals(&mut conn, "s").await.unwrap();
    stored.sort_by(|a, b| b.place_id.cmp(&a.place_id));
    assert_eq!(stored, results().arrivals);
    assert_eq!(forecasts::relation(&mut conn, "r", "FR").await.unwrap(), None);
    assert_eq!(forecasts::relation(&mut conn, "s", "FR").await.unwrap().as_slice(), results().relations);
    for (ratio, delay, wanted) in [
        ("0.2, 0.1, 0.3", "null, null, null", "has_its_ratio"),
        ("0.1, 0.2, 'NaN'", "null, null, null", "has_its_ratio"),
        ("0.1, 0.2, 0.3", "1, null, null", "has_a_delay_with_its_band"),
        ("0.1, 0.2, 0.3", "1, 0, 2", "has_a_delay_with_its_band"),
    ] {
        let sql =
            format!("insert into deaths_relation values ('none', 'FR', 'x', {ratio}, {delay}, 0.25, 4)");
        let said = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains(&format!("deaths_relation_{wanted}")), "{ratio} {delay}: {said}");
    }
    for (state, probability) in
        [("quiet", "null"), ("quiet", "'NaN'"), ("quiet", "1.5"), ("present", "0.5"), ("gone", "null")]
    {
        let sql = format!("insert into arrival values ('none', 'FR', 0, '{state}', {probability})");
        let said = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains("arrival_has_its_probability"), "{state} {probability}: {said}");
    }
}
