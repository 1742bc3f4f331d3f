//! The front door: one origin for a country's services, as a cluster's ingress is.

use crate::tree::Service;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::{PathAndQuery, Scheme, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;
use std::sync::Arc;

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

#[derive(Clone)]
struct Door {
    routes: Arc<Routes>,
    client: Client<HttpConnector, Body>,
}

/// The front door over `routes`.
pub(crate) fn router(routes: Routes) -> Router {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    Router::new().fallback(pass).with_state(Door { routes: Arc::new(routes), client })
}

/// Headers that belong to one connection (RFC 9110 §7.6.1), not to the message.
const HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

fn without_hops(headers: &mut HeaderMap) {
    for name in &HOP {
        headers.remove(name);
    }
}

async fn pass(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
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
    match door.client.request(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            without_hops(response.headers_mut());
            response
        }
        Err(error) => {
            tracing::warn!(%upstream, %error, "a service does not answer");
            (StatusCode::BAD_GATEWAY, "this service does not answer: try again in a moment\n").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, prefixes: &[&str]) -> Service {
        Service { name: name.into(), prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect() }
    }

    #[test]
    fn the_longest_prefix_of_whole_elements_answers() {
        let (web, api) = (service("web", &["/"]), service("data-api", &["/api/data/v1"]));
        let (a, b) = ("127.0.0.1:1", "data-api:8080");
        let routes = Routes::new([(&web, a), (&api, b)]);
        for (path, to) in [
            ("/", a),
            ("/flu/US", a),
            ("/api/data/v1", b),
            ("/api/data/v1/signals", b),
            ("/api/data/v10", a),
            ("/api/data", a),
        ] {
            assert_eq!(routes.upstream(path), Some(to), "{path}");
        }
    }
}
