//! What persons asked for, and the law's clock over it. One query a function.

use crate::random;
use chrono::{DateTime, TimeDelta, Utc};
use domain::profile::law::Law;
use sqlx::PgConnection;

/// A request as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Request {
    /// Its number.
    pub id: String,
    /// What was asked for.
    pub kind: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Until when the law wants an answer.
    pub due_at: DateTime<Utc>,
    /// When it was answered.
    pub done_at: Option<DateTime<Utc>>,
    /// The signed receipt.
    pub receipt: Option<String>,
}

/// Writes a request down before anything is done for it: one that fails on the way stays open and is seen.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn open(
    conn: &mut PgConnection,
    who: Option<&str>,
    kind: &str,
    law: Law,
    now: DateTime<Utc>,
) -> anyhow::Result<Request> {
    let opened = sqlx::query_as(
        "insert into request (id, who, kind, made_at, due_at) values ($1, $2, $3, $4, $5)
         returning id, kind, made_at, due_at, done_at, receipt",
    )
    .bind(random::word::<16>()?)
    .bind(who)
    .bind(kind)
    .bind(now)
    .bind(now + TimeDelta::days(law.answer_days.into()))
    .fetch_one(conn)
    .await?;
    Ok(opened)
}

/// Closes a request. `false`: there is no such open one.
///
/// # Errors
/// When the database does not answer.
pub async fn close(
    conn: &mut PgConnection,
    id: &str,
    outcome: &str,
    receipt: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "update request set done_at = $2, outcome = $3, receipt = $4 where id = $1 and done_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(outcome)
    .bind(receipt)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The open request named `id`.
///
/// # Errors
/// When the database does not answer.
pub async fn opened(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Request>> {
    sqlx::query_as(
        "select id, kind, made_at, due_at, done_at, receipt from request where id = $1 and done_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Whose a request is; `None`: nobody's, or of somebody who was erased.
///
/// # Errors
/// When the database does not answer.
pub async fn who(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<String>> {
    let who = sqlx::query_scalar("select who from request where id = $1").bind(id).fetch_optional(conn);
    Ok(who.await?.flatten())
}

/// The requests of somebody, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of(conn: &mut PgConnection, who: &[String]) -> sqlx::Result<Vec<Request>> {
    sqlx::query_as(
        "select id, kind, made_at, due_at, done_at, receipt from request where who = any($1) order by made_at desc, id",
    )
    .bind(who)
    .fetch_all(conn)
    .await
}

/// The open requests of everybody, the oldest first, for those who answer them.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(conn: &mut PgConnection) -> sqlx::Result<Vec<Request>> {
    sqlx::query_as(
        "select id, kind, made_at, due_at, done_at, receipt from request where done_at is null order by due_at, id",
    )
    .fetch_all(conn)
    .await
}

/// How many are open, how many of them for longer than `warn_days`, how many past the law's day.
///
/// # Errors
/// When the database does not answer.
pub async fn clock(conn: &mut PgConnection, law: Law, now: DateTime<Utc>) -> sqlx::Result<(i64, i64, i64)> {
    sqlx::query_as(
        "select count(*), count(*) filter (where made_at <= $1), count(*) filter (where due_at <= $2)
           from request where done_at is null",
    )
    .bind(now - TimeDelta::days(law.warn_days.into()))
    .bind(now)
    .fetch_one(conn)
    .await
}
