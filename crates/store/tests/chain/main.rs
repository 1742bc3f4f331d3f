//! The chain over runs and scores: every one has its link, and there is one chain.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod before;
mod bytes;
mod common;
mod spread;

use common::{CLOCK, due, new, prepared, results, run, time, whole};
use sqlx::PgPool;
use store::chain::{self, Subject};
use store::{forecasts, scores};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_and_a_pass_of_scores_get_a_link_each_and_the_same_again_gets_none(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    assert_eq!(chain::head(&mut conn).await.unwrap(), None);
    assert!(forecasts::put(&mut conn, &run("it's"), &results()).await.unwrap());
    assert!(!forecasts::put(&mut conn, &run("it's"), &results()).await.unwrap());
    let links = whole(&mut conn).await;
    assert_eq!((links.len(), links[0].subject()), (1, Some(Subject::Run("it's"))));
    assert!(!links[0].existing);
    let counts: Vec<&str> = links[0].parts.lines().map(|l| l.rsplit_once(' ').unwrap().0).collect();
    let tables = [
        "forecast_run 1",
        "forecast 6",
        "rt_estimate 1",
        "trend 1",
        "not_estimated 1",
        "growth_estimate 1",
        "arrival 2",
        "deaths_relation 1",
    ];
    assert_eq!(counts, tables);
    assert_eq!(forecasts::rt(&mut conn, "it's", None).await.unwrap(), results().rt);
    assert_eq!(forecasts::rt(&mut conn, "it's", Some("FR")).await.unwrap(), []);
    let of = due("it's");
    let pass = [new(&of, "2025-02-07T00:00:00Z", Some(1.0)), new(&of, "2025-02-14T00:00:00Z", None)];
    assert_eq!(scores::put(&mut conn, "flu_cases", &pass, &[], time(CLOCK)).await.unwrap(), 2);
    assert_eq!(scores::put(&mut conn, "flu_cases", &pass, &[], time(CLOCK)).await.unwrap(), 0);
    assert_eq!(scores::put(&mut conn, "flu_cases", &[], &[], time(CLOCK)).await.unwrap(), 0);
    let links = whole(&mut conn).await;
    assert_eq!(links.len(), 2);
    assert!(links[1].parts.starts_with("forecast_score 2 "), "{}", links[1].parts);
    let head = chain::head(&mut conn).await.unwrap().unwrap();
    assert_eq!((head.seq, head.digest), (2, links[1].digest.clone()));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn writers_at_the_same_time_make_one_chain(pool: PgPool) {
    drop(prepared(&pool).await);
    let writers = (0..6).map(|writer| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for n in 0..20 {
                let mut conn = pool.acquire().await.unwrap();
                // Some runs are everybody's.
                let id = if n % 5 == 0 { format!("all {n}") } else { format!("{writer} {n}") };
                let new_run = forecasts::put(&mut conn, &run(&id), &results()).await.unwrap();
                let of = due(&id);
                let pass = [new(&of, "2025-02-07T00:00:00Z", Some(f64::from(n)))];
                let scored = scores::put(&mut conn, "flu_cases", &pass, &[], time(CLOCK)).await.unwrap();
                assert!(!new_run || scored <= 1);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut conn = pool.acquire().await.unwrap();
    let runs = 6 * 16 + 4;
    assert_eq!(whole(&mut conn).await.len(), 2 * runs);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_writer_waits_for_the_link_that_another_has_not_committed(pool: PgPool) {
    let mut one = prepared(&pool).await;
    let mut open = sqlx::Connection::begin(&mut *one).await.unwrap();
    assert!(forecasts::put(&mut open, &run("first"), &results()).await.unwrap());
    let other = pool.clone();
    let second = tokio::spawn(async move {
        let mut conn = other.acquire().await.unwrap();
        forecasts::put(&mut conn, &run("second"), &results()).await.unwrap()
    });
    let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                                     and database = (select oid from pg_database where datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&pool).await.unwrap() {
        assert!(!second.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    open.commit().await.unwrap();
    assert!(second.await.unwrap());
    let links = whole(&mut one).await;
    let order: Vec<_> = links.iter().map(|l| l.run_id.as_deref().unwrap()).collect();
    assert_eq!(order, ["first", "second"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nothing_is_changed_taken_away_or_added_later(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    forecasts::put(&mut conn, &run("r"), &results()).await.unwrap();
    let of = due("r");
    let pass = [new(&of, "2025-02-07T00:00:00Z", Some(1.0))];
    scores::put(&mut conn, "flu_cases", &pass, &[], time(CLOCK)).await.unwrap();
    let mut unlinked = run("unlinked");
    unlinked.as_of = time("2025-02-20T00:00:00Z");
    for (sql, why) in [
        ("update chain_link set existing = true", "append-only"),
        ("delete from chain_link", "append-only"),
        ("truncate chain_link cascade", "append-only"),
        (
            "insert into forecast select run_id, place_id, 9, target_end_date, quantiles from forecast limit 1",
            "run r is linked already",
        ),
        (
            "insert into rt_estimate select run_id, 'FR', window_start, window_end, mean, sd, q025, q25, q50, q75, q975
               from rt_estimate",
            "linked already",
        ),
        (
            "insert into growth_estimate select run_id, place_id, window_end + 7, dated, mean, sd, q025, q25, q50, q75, q975, rises,
                    passed, known, known_025, known_975 from growth_estimate",
            "linked already",
        ),
        ("delete from growth_estimate", "append-only"),
        ("truncate growth_estimate", "append-only"),
        (
            "insert into trend select run_id, 'a', horizon, 0, 0, 1, 0, 0, 0 from trend",
            "linked already",
        ),
        ("insert into not_estimated values ('r', 'FR', 'spread', 'no_data')", "linked already"),
        ("insert into arrival values ('r', 'FR', 2, 'present', null)", "linked already"),
        ("update arrival set probability = 0.9 where state = 'quiet'", "append-only"),
        ("insert into deaths_relation values ('r', 'a', 'flu_cases', 0, 0, 0, null, null, null, 0, 4)", "linked already"),
        ("update deaths_relation set ratio_975 = 0.9", "append-only"),
        (
            "insert into forecast_score select run_id, place_id, horizon, signal_id, origin, target_end_date,
                    truth_issued_at + interval '1 day', truth, wis, baseline_wis, covered_50, covered_80, covered_95, replayed,
                    scored_at, pass from forecast_score",
            "pass 1 is linked already",
        ),
        (
            "insert into forecast_score select run_id, place_id, horizon, signal_id, origin, target_end_date,
                    truth_issued_at + interval '1 day', truth, wis, baseline_wis, covered_50, covered_80, covered_95, replayed,
                    scored_at, 99 from forecast_score",
            "forecast_score_is_linked",
        ),
        (
            "insert into forecast_run select 'other', model_id, model_version, signal_id, source_id, as_of, reference_date,
                    data_vintage, data_hash, source_hash, created_at from forecast_run",
            "forecast_run_is_linked",
        ),
    ] {
        let said = sqlx::raw_sql(sql).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains(why), "{sql}: {said}");
    }
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    assert!(forecasts::insert(&mut tx, &unlinked, &results()).await.unwrap());
    let said = tx.commit().await.unwrap_err().to_string();
    assert!(said.contains("forecast_run_is_linked"), "{said}");
    assert_eq!(whole(&mut conn).await.len(), 2);
}
