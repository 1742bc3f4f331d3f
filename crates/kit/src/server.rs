//! Listening, health, metrics and an orderly end.

use crate::{App, listen, security, tls};
use anyhow::Context as _;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// How long a service may finish what is under way after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);
/// No request may take longer.
const LIMIT: Duration = Duration::from_secs(30);

/// Sets up the logging of the service with this name: JSON lines on stderr, or plain text with `VIGIE_LOG_FORMAT=text`; level by
/// `RUST_LOG` (`info`).
pub fn telemetry(service: &'static str) {
    security::service(service);
    logging("info", std::env::var("VIGIE_LOG_FORMAT").is_ok_and(|f| f == "text"));
}

/// Sets up a command's logging: plain text on stderr, warnings and worse unless `RUST_LOG` says otherwise.
pub fn telemetry_of_a_command() {
    // A connection that is dropped by Ctrl-C is no news for the person who pressed it; an error of a query is said by
    // the command that made it.
    logging("warn,sqlx=error,store=off", true);
}

fn logging(default: &str, text: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    // A second call (tests) keeps the first subscriber.
    let set = if text { builder.try_init() } else { builder.json().try_init() };
    if let Err(error) = set {
        tracing::debug!(%error, "logging was set up already");
    }
}

/// Serves `router` on `addr` and health and metrics on `admin`, until SIGTERM or Ctrl-C; both by TLS and nothing else where
/// [`tls::shown`] says what to show.
///
/// # Errors
/// When an address is taken, or the accept loop fails.
pub async fn serve(router: Router, app: App, addr: SocketAddr, admin: SocketAddr) -> anyhow::Result<()> {
    serve_with(router, Router::new(), app, addr, admin).await
}

/// The same with further pages for operators, beside health and metrics.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    router: Router,
    operators: Router,
    app: App,
    addr: SocketAddr,
    admin: SocketAddr,
) -> anyhow::Result<()> {
    serve_over(router, operators, Schema { db: app.db, newest: &store::MIGRATOR }, addr, admin).await
}

/// The database that a service needs, and what it must hold.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The database.
    pub db: PgPool,
    /// The schema that the program knows.
    pub newest: &'static Migrator,
}

/// [`serve_with`] for a service with a database of its own.
///
/// # Errors
/// When an address is taken, or the accept loop fails.
pub async fn serve_over(
    router: Router,
    operators: Router,
    schema: Schema,
    addr: SocketAddr,
    admin: SocketAddr,
) -> anyhow::Result<()> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics")?;
    let shown = tls::shown()?;
    let operators = operated(admin, shown.clone(), admin_router(schema, handle).merge(operators)).await?;
    let listener =
        TcpListener::bind(addr).await.with_context(|| format!("VIGIE_ADDR {addr} cannot be bound"))?;
    tokio::spawn(operators);
    tracing::info!(%addr, %admin, tls = shown.is_some(), "listening");
    let (stop, mut stopped) = watch::channel(false);
    let told = async move {
        // An error is a sender that is gone: the end as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let mut server = tokio::spawn(listen::accept_by(listener, shown, layers(router), listen::SERVICE, told));
    tokio::select! {
        ended = &mut server => return ended.context("serving"),
        () = terminated() => stop.send_replace(true),
    };
    tracing::info!("stopping: no new connections");
    match tokio::time::timeout(GRACE, server).await {
        Ok(ended) => ended.context("serving"),
        Err(_) => {
            tracing::warn!(
                seconds = GRACE.as_secs(),
                "requests were still under way at the end of the grace time"
            );
            Ok(())
        }
    }
}

/// Serves health and metrics on `admin` alone, until SIGTERM or Ctrl-C: for a service that nobody calls.
///
/// # Errors
/// When the address is taken, or the accept loop fails.
pub async fn serve_admin(app: App, admin: SocketAddr) -> anyhow::Result<()> {
    let handle = PrometheusBuilder::new().install_recorder().context("metrics")?;
    let shown = tls::shown()?;
    let by_tls = shown.is_some();
    let schema = Schema { db: app.db, newest: &store::MIGRATOR };
    let operators = operated(admin, shown, admin_router(schema, handle)).await?;
    tracing::info!(%admin, tls = by_tls, "listening");
    tokio::select! {
        () = operators => {}
        () = terminated() => {}
    }
    Ok(())
}

/// What answers operators on `admin`, once the address is bound: until the process ends, so that a stop is seen too.
async fn operated(
    admin: SocketAddr,
    shown: Option<TlsAcceptor>,
    router: Router,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let listener = TcpListener::bind(admin)
        .await
        .with_context(|| format!("VIGIE_ADMIN_ADDR {admin} cannot be bound"))?;
    Ok(listen::accept_by(listener, shown, router, listen::SERVICE, std::future::pending()))
}

/// Resolves on SIGTERM or Ctrl-C.
pub async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// What every answer of every service has: compression, a time limit, safety headers, a count.
pub fn layers(router: Router) -> Router {
    let router = router
        .layer(middleware::from_fn(measure))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, LIMIT))
        // What is compressed already stays as it is, or its checksum would not be that of the bytes sent.
        .layer(
            CompressionLayer::new().compress_when(
                DefaultPredicate::new()
                    .and(NotForContentType::const_new("application/gzip"))
                    .and(NotForContentType::const_new("application/vnd.apache.parquet")),
            ),
        );
    security::numbered(safe(router))
}

/// No cache keeps what was refused or failed: the next who asks, or the same after a login, may be answered something else.
fn unkept(answer: &Response) -> Option<HeaderValue> {
    let failed = answer.status().is_client_error() || answer.status().is_server_error();
    failed.then_some(const { HeaderValue::from_static("no-store") })
}

/// The safety headers alone, where an answer does not have its own. The content policy allows nothing but our own files;
/// `/embed/*` sets its own.
pub fn safe(router: Router) -> Router {
    router
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, unkept))
        .layer(fixed(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
        ))
        // Browsers heed it over https only, so a start on one machine is not bound by it.
        .layer(fixed(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        // No other site may load an answer into its page unasked; what a site asks for by CORS, and a page in a frame, are
        // not held back by it.
        .layer(fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(fixed(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), interest-cohort=()",
        ))
}

async fn measure(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("other", |p| p.as_str()).to_owned();
    let method = label(request.method());
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!("http_requests_total", "path" => path.clone(), "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("http_request_seconds", "path" => path).record(start.elapsed().as_secs_f64());
    response
}

/// A method as a label. Anybody can send a word of their own, and each would be kept for as long as the process lives.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn admin_router(schema: Schema, handle: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(move || async move { handle.render() }))
        .with_state(schema)
}

/// Does the database answer, and is its schema new enough for this program?
async fn ready(State(schema): State<Schema>) -> Response {
    let current = store::is_current(&schema.db, schema.newest);
    match tokio::time::timeout(Duration::from_secs(2), current).await {
        Ok(Ok(true)) => "ready\n".into_response(),
        Ok(Ok(false)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the schema is older than this program\n").into_response()
        }
        Ok(Err(_)) | Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_client_becomes_the_name_of_a_metric() {
        assert_eq!(label(&Method::POST), "POST");
        for word in ["CANARY", "get", "TRACE", "X"] {
            assert_eq!(label(&word.parse().unwrap()), "other", "{word}");
        }
    }
}
