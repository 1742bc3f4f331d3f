//! The way to the database: its server's certificate is checked as the address says, and whoever waits in vain is told for what.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use std::time::Duration;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// After this long without use a connection is tried before it is used.
const IDLE: Duration = Duration::from_secs(1);

/// Opens a pool of at most `size` connections.
///
/// # Errors
/// When the database does not answer within ten seconds, and not when it is asked once more for the reason; when it refuses
/// the credentials; when `url` is no address ([`sqlx::Error::Configuration`]); when it wants the server's certificate checked (`sslmode=verify-full`) and
/// that cannot be done, or fails.
pub async fn connect(url: &str, size: u32) -> sqlx::Result<PgPool> {
    within(PATIENCE, url, size).await
}

async fn within(patience: Duration, url: &str, size: u32) -> sqlx::Result<PgPool> {
    // A load is one long statement on purpose; a page's query that takes this long is not.
    let options =
        url.parse::<PgConnectOptions>()?.log_slow_statements(log::LevelFilter::Warn, Duration::from_secs(10));
    authority_is_there(&options)?;
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(patience)
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
        });
    match pool.clone().connect_with(options.clone()).await {
        // A pool that waited in vain does not say for what: a single connection does. A server that answers it was only
        // slow: under load, or as it started.
        Err(timeout @ sqlx::Error::PoolTimedOut) => {
            match tokio::time::timeout(patience, options.connect()).await {
                Ok(Ok(_)) => pool.connect_with(options).await,
                Ok(Err(why)) => Err(why),
                Err(_) => Err(timeout),
            }
        }
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

#[cfg(test)]
mod tests {
    use super::within;
    use sqlx::postgres::PgConnectOptions;
    use std::time::Duration;
    use tokio::net::{TcpListener, TcpStream};

    /// An address at which the first `silent` who come hear nothing, and all others are let through to the server of the
    /// tests; with `refused`, those are sent away.
    async fn door(silent: usize, refused: bool) -> String {
        let real: PgConnectOptions = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
        let there = (real.get_host().to_owned(), real.get_port());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut one, _) = listener.accept().await.unwrap();
                if kept.len() < silent {
                    kept.push(one);
                } else if !refused {
                    let mut other = TcpStream::connect(&there).await.unwrap();
                    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut one, &mut other).await });
                }
            }
        });
        sqlx::ConnectOptions::to_url_lossy(&real.host("127.0.0.1").port(port)).to_string()
    }

    #[tokio::test]
    async fn a_server_that_was_only_slow_is_used() {
        let url = door(1, false).await;
        let pool = within(Duration::from_secs(3), &url, 1).await.unwrap();
        assert_eq!(sqlx::query_scalar::<_, i32>("select 1").fetch_one(&pool).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_without_end() {
        let url = door(usize::MAX, false).await;
        let error = within(Duration::from_millis(200), &url, 1).await.unwrap_err();
        assert!(matches!(error, sqlx::Error::PoolTimedOut), "{error}");
    }

    #[tokio::test]
    async fn the_reason_is_that_of_a_single_connection() {
        let url = door(1, true).await;
        let error = within(Duration::from_millis(200), &url, 1).await.unwrap_err();
        assert!(matches!(error, sqlx::Error::Io(_)), "{error}");
    }
}
