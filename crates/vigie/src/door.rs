//! The front door: one origin for a country's services, as a cluster's ingress is.

use crate::tree::Service;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{LengthLimitError, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kit::security::{self, Event, Outcome};
use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// No body is longer: every service takes less.
const BODY: usize = 1 << 20;
/// How long a silent connection to a service is kept: less than the service keeps it (`kit::listen::SERVICE`).
const IDLE: Duration = Duration::from_secs(30);
/// How many of them for each service.
const SILENT: usize = 64;

/// Who answers which paths: longest prefix first.
#[derive(Debug, Clone)]
pub(crate) struct Routes(Vec<(String, String)>);

impl Routes {
    /// `services` with the addresses that they listen on: `127.0.0.1:8081`, or a name that is looked up each time.
    pub(crate) fn new<'a>(services: impl IntoIterator<Item = (&'a Service, impl ToString)>) -> Self {
        let mut routes: Vec<_> = services
            .into_iter()
            .flat_map(|(service, addr)| service.prefixes.iter().map(move |p| (p.clone(), addr.to_string())))
            .collect();
        routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self(routes)
    }

    /// As `pathType: Prefix` of an Ingress: whole path elements.
    fn upstream(&self, path: &str) -> Option<&str> {
        self.0.iter().find_map(|(prefix, addr)| {
            let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then_some(addr.as_str())
        })
    }
}

type Way = Client<HttpConnector, Body>;

#[derive(Clone)]
struct Door {
    routes: Arc<Routes>,
    /// For requests without a body, on connections that are used again.
    asking: Way,
    /// For those with one, each on a connection of its own. A service may answer before it has read a body and close then, and
    /// no other reader's request may be waiting in that connection; nor may it find there what somebody smuggled into a body.
    sending: Way,
}

/// The front door over `routes`.
pub(crate) fn router(routes: Routes) -> Router {
    let way = |silent| {
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(silent);
        client.build(HttpConnector::new())
    };
    let door = Door { routes: Arc::new(routes), asking: way(SILENT), sending: way(0) };
    security::service("door");
    security::numbered(kit::server::safe(Router::new().fallback(pass).with_state(door)))
}

/// Headers that belong to one connection (RFC 9110 §7.6.1), not to the message; so do those that `Connection` names.
const HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

fn without_hops(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let named: Vec<HeaderName> =
        lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in named.iter().chain(&HOP) {
        headers.remove(name);
    }
}

/// RFC 9112 §3.2: one `Host`, which can be one; two are how a door and what is behind it are made to disagree.
fn has_one_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => {
            host.is_empty() || host.to_str().is_ok_and(|h| !h.contains('@') && h.parse::<Authority>().is_ok())
        }
        (None, None) => version < Version::HTTP_11,
        _ => false,
    }
}

/// What the sender of a body that cannot be read, ends too early or does not end is answered.
fn of_the_sender(error: &hyper_util::client::legacy::Error) -> Option<(StatusCode, &'static str)> {
    let (mut cause, mut unread) = (error.source(), false);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return Some(TOO_LARGE);
        }
        unread |= error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user);
        cause = error.source();
    }
    unread.then_some((StatusCode::BAD_REQUEST, "this request's body cannot be read\n"))
}

const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "this request's body is too large\n");

/// The body that is passed on: at most [`BODY`], and none with a method for which it means nothing (RFC 9110 §9.3.1).
fn passed_on(request: Request) -> Result<Request, (StatusCode, &'static str)> {
    let (mut parts, body) = request.into_parts();
    if matches!(parts.method, Method::GET | Method::HEAD) {
        parts.headers.remove(header::CONTENT_LENGTH);
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    // Nothing is sent for a body that nobody would take; without a size said, reading stops at the limit.
    if body.size_hint().lower() > BODY as u64 {
        return Err(TOO_LARGE);
    }
    let body = if body.is_end_stream() { body } else { Body::new(Limited::new(body, BODY)) };
    Ok(Request::from_parts(parts, body))
}

/// What is no request that may be passed on, answered and written down.
fn refused((status, why): (StatusCode, &'static str)) -> Response {
    security::event(Event::Request, Outcome::Refused, why.trim_end());
    (status, why).into_response()
}

async fn pass(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    if !has_one_host(request.version(), request.headers()) {
        return refused((StatusCode::BAD_REQUEST, "this request does not name one host\n"));
    }
    let Some(upstream) = door.routes.upstream(request.uri().path()).map(str::to_owned) else {
        return (StatusCode::NOT_FOUND, "no service of this country answers here\n").into_response();
    };
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(Scheme::HTTP).authority(upstream.as_str()).path_and_query(path).build();
    let Ok(uri) = uri else {
        return (StatusCode::BAD_REQUEST, "this address cannot be read\n").into_response();
    };
    *request.uri_mut() = uri;
    without_hops(request.headers_mut());
    // Set, never appended to: what a client says about itself is not believed.
    let forwarded = HeaderValue::from_str(&peer.ip().to_string()).ok();
    request.headers_mut().remove("forwarded");
    if let Some(value) = forwarded {
        request.headers_mut().insert("x-forwarded-for", value);
    }
    request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("http"));
    let request = match passed_on(request) {
        Ok(request) => request,
        Err(fault) => return refused(fault),
    };
    let way = if request.body().is_end_stream() { &door.asking } else { &door.sending };
    match way.request(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            without_hops(response.headers_mut());
            response
        }
        Err(error) => {
            if let Some(fault) = of_the_sender(&error) {
                return refused(fault);
            }
            tracing::warn!(%upstream, %error, "a service does not answer");
            (StatusCode::BAD_GATEWAY, "this service does not answer: try again in a moment\n").into_response()
        }
    }
}

#[cfg(test)]
mod tests;
