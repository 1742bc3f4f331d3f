//! Leases on tasks, so that several workers share them and none is lost with its worker.

use sqlx::PgConnection;
use std::time::Duration;

/// Notified with a signal's id in the transaction that appends figures of it.
pub const FIGURES: &str = "vigie_figures";
/// Notified with a task's name when its lease is given back.
pub const FREED: &str = "vigie_leases";

/// Takes `task` for `holder` for `time` from now, or renews it. `false`: somebody else has it.
///
/// # Errors
/// When the database does not answer.
pub async fn take(conn: &mut PgConnection, task: &str, holder: &str, time: Duration) -> sqlx::Result<bool> {
    let taken = sqlx::query(
        "insert into lease (task, holder, until) values ($1, $2, clock_timestamp() + make_interval(secs => $3))
         on conflict (task) do update set holder = excluded.holder, until = excluded.until
          where lease.holder = excluded.holder or lease.until < clock_timestamp()",
    )
    .bind(task)
    .bind(holder)
    .bind(time.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives `task` back, if `holder` still has it, and tells who waits for it.
///
/// # Errors
/// When the database does not answer.
pub async fn give_back(conn: &mut PgConnection, task: &str, holder: &str) -> sqlx::Result<()> {
    sqlx::query(
        "with gone as (delete from lease where task = $1 and holder = $2 returning task)
         select pg_notify($3, task) from gone",
    )
    .bind(task)
    .bind(holder)
    .bind(FREED)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives back whatever anybody has whose name begins with `holders`, and tells who waits for it.
///
/// # Errors
/// When the database does not answer.
pub async fn leave(conn: &mut PgConnection, holders: &str) -> sqlx::Result<()> {
    sqlx::query(
        "with gone as (delete from lease where starts_with(holder, $1) returning task)
         select pg_notify($2, task) from gone",
    )
    .bind(holders)
    .bind(FREED)
    .execute(conn)
    .await?;
    Ok(())
}

/// How long until the first lease of others ends; `None`: nobody else has one.
///
/// # Errors
/// When the database does not answer.
pub async fn next_end(conn: &mut PgConnection, holder: &str) -> sqlx::Result<Option<Duration>> {
    let seconds: Option<f64> = sqlx::query_scalar(
        "select extract(epoch from min(until) - clock_timestamp())::double precision from lease where holder <> $1",
    )
    .bind(holder)
    .fetch_one(conn)
    .await?;
    Ok(seconds.map(|s| Duration::from_secs_f64(s.max(0.0))))
}

/// Tells whoever listens that figures of `signals` are new, once the transaction is committed.
pub(crate) async fn tell(conn: &mut PgConnection, signals: &[&str]) -> sqlx::Result<()> {
    sqlx::query("select pg_notify($1, signal) from unnest($2::text[]) signal")
        .bind(FIGURES)
        .bind(signals)
        .execute(conn)
        .await?;
    Ok(())
}
