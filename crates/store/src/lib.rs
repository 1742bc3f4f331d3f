//! The surveillance database. Every function is one query on a connection that the caller owns;
//! "not there" is `Ok(None)` or an empty list.

pub mod access;
pub mod chain;
mod connecting;
pub mod export;
pub mod forecasts;
pub mod issued;
pub mod leases;
pub mod loaded;
pub mod observations;
pub mod places;
pub mod scan;
pub mod scores;
pub mod series;
pub mod sources;
pub mod training;

pub use connecting::connect;

use sqlx::PgPool;

/// The schema, embedded in the program.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Is every migration that this program knows applied?
///
/// # Errors
/// When the database does not answer.
pub async fn schema_is_current(pool: &PgPool) -> sqlx::Result<bool> {
    is_current(pool, &MIGRATOR).await
}

/// Is every migration of `migrator` applied to this database?
///
/// # Errors
/// When the database does not answer.
pub async fn is_current(pool: &PgPool, migrator: &sqlx::migrate::Migrator) -> sqlx::Result<bool> {
    let newest = migrator.iter().map(|m| m.version).max();
    let exists: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(pool).await?;
    if !exists {
        return Ok(false);
    }
    let applied: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success").fetch_one(pool).await?;
    Ok(applied >= newest)
}
