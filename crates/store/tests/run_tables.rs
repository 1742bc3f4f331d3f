//! The list of the tables of a run, against the database.

use sqlx::PgPool;
use store::chain;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_table_of_a_run_is_among_those_that_a_link_is_of(pool: PgPool) {
    let sql = "select distinct conrelid::regclass::text from pg_constraint
                where contype = 'f' and confrelid = 'forecast_run'::regclass and conparentid = 0";
    let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    // What came of a run: its scores are linked by their pass.
    found.retain(|table| !["forecast_score", "chain_link"].contains(table));
    found.push("forecast_run");
    found.sort_unstable();
    let mut known = chain::RUN_TABLES;
    known.sort_unstable();
    assert_eq!(found, known, "a table that has rows of a run stands in `RUN_TABLES`");
}
