//! The surveillance database. Every function is one query on a connection that the caller owns;
//! "not there" is `Ok(None)` or an empty list.

pub mod access;
pub mod chain;
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

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use std::time::Duration;

/// The schema, embedded in the program.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// After this long without use a connection is tried before it is used.
const IDLE: Duration = Duration::from_secs(1);

/// Opens a pool of at most `size` connections.
///
/// # Errors
/// When the database does not answer within ten seconds, or refuses the credentials, with its own reason; when `url`
/// is no address ([`sqlx::Error::Configuration`]); when it wants the server's certificate checked (`sslmode=verify-full`) and
/// that cannot be done, or fails.
pub async fn connect(url: &str, size: u32) -> sqlx::Result<PgPool> {
    // A load is one long statement on purpose; a page's query that takes this long is not.
    let options =
        url.parse::<PgConnectOptions>()?.log_slow_statements(log::LevelFilter::Warn, Duration::from_secs(10));
    authority_is_there(&options)?;
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(10))
        // Every acquisition would ask the database whether it is there, which costs as much as a small query; one that
        // was in use a moment ago is.
        .test_before_acquire(false)
        .before_acquire(|conn, used| {
            Box::pin(async move {
                if used.idle_for > IDLE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options.clone())
        .await;
    match pool {
        // A pool that waited in vain does not say for what: a single connection does.
        Err(timeout @ sqlx::Error::PoolTimedOut) => Err(options.connect().await.err().unwrap_or(timeout)),
        other => other,
    }
}

/// Can the certificate of `sslrootcert` be read? The library would name no file.
fn authority_is_there(options: &PgConnectOptions) -> sqlx::Result<()> {
    let url = options.to_url_lossy();
    // So the library writes what is a file and not the certificate itself.
    let file = url.query_pairs().find_map(|(key, value)| {
        (key == "sslrootcert").then(|| value.strip_prefix("file: ").map(str::to_owned)).flatten()
    });
    match file.map(|file| (std::fs::File::open(&file), file)) {
        Some((Err(why), file)) => {
            Err(sqlx::Error::Tls(format!("the file of sslrootcert, {file}, cannot be read: {why}").into()))
        }
        _ => Ok(()),
    }
}

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
