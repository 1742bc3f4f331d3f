//! Who may connect to the database of the accounts.

use sqlx::PgPool;

/// Whether a role that nobody gave anything may connect.
async fn anybody_may_connect(pool: &PgPool) -> bool {
    sqlx::query_scalar("select has_database_privilege('pg_monitor', current_database(), 'connect')")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn closed_to_every_role_but_its_own(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    assert!(anybody_may_connect(&pool).await);
    for _ in 0..2 {
        identity::close(&mut conn).await.unwrap();
        assert!(!anybody_may_connect(&pool).await);
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_does_not_own_it_is_told_that_it_stays_open(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::query("set role pg_monitor").execute(&mut *conn).await.unwrap();
    let error = identity::close(&mut conn).await.unwrap_err().to_string();
    assert!(error.contains("is open to every role, and pg_monitor may not change that"), "{error}");
}
