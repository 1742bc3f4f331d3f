//! The front door before real servers of this process.

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

#[test]
fn a_request_names_one_host() {
    let of = |version, hosts: &[&'static str]| {
        let lines = hosts.iter().map(|h| (header::HOST, HeaderValue::from_static(h)));
        has_one_host(version, &lines.collect())
    };
    for good in ["vigie.test", "127.0.0.1:8080", "[::1]:8080", "localhost", ""] {
        assert!(of(Version::HTTP_11, &[good]), "{good}");
    }
    for bad in ["a b", "a/b", "user@vigie.test"] {
        assert!(!of(Version::HTTP_11, &[bad]), "{bad}");
    }
    assert!(!of(Version::HTTP_11, &["vigie.test", "other.test"]));
    assert!(!of(Version::HTTP_11, &[]));
    assert!(of(Version::HTTP_10, &[]));
}

#[test]
fn what_belongs_to_a_connection_is_not_passed_on() {
    let mut headers: HeaderMap = [
        ("connection", "close, X-Forwarded-For"),
        ("x-forwarded-for", "192.0.2.1"),
        ("te", "trailers"),
        ("proxy-connection", "keep-alive"),
        ("accept", "*/*"),
    ]
    .iter()
    .map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()))
    .collect();
    without_hops(&mut headers);
    assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
}

/// A front door before a server that takes no body, and does not wait for one.
async fn before_a_server_that_reads_no_body() -> SocketAddr {
    let listen = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (behind, front) = (listen().await, listen().await);
    let (upstream, addr) = (behind.local_addr().unwrap(), front.local_addr().unwrap());
    let routes = Routes::new([(&service("web", &["/"]), upstream)]);
    let page = Router::new().route("/", axum::routing::get(|| async { "page" }));
    for (listener, router) in [(behind, page), (front, router(routes))] {
        tokio::spawn(kit::listen::accept(listener, router, kit::listen::SERVICE, std::future::pending()));
    }
    addr
}

async fn statuses(addr: SocketAddr, sent: &str) -> Vec<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut line = tokio::net::TcpStream::connect(addr).await.unwrap();
    line.write_all(sent.as_bytes()).await.unwrap();
    let mut said = String::new();
    line.read_to_string(&mut said).await.unwrap();
    said.lines()
        .filter_map(|l| l.strip_prefix("HTTP/1.1 ").or(l.strip_prefix("HTTP/1.0 ")))
        .map(|l| l[..3].to_owned())
        .collect()
}

#[tokio::test]
async fn a_body_that_nobody_reads_costs_no_other_request_its_answer() {
    let addr = before_a_server_that_reads_no_body().await;
    let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na=b&c\r\n0\r\n\r\n";
    let get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for _ in 0..20 {
        assert_eq!(statuses(addr, &format!("{post}{get}")).await, ["405", "200"]);
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_its_senders_fault() {
    let addr = before_a_server_that_reads_no_body().await;
    let bad = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n";
    assert_eq!(statuses(addr, bad).await, ["400"]);
    let large = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(addr, large).await, ["413"]);
    let read = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\na=b&c";
    assert_eq!(statuses(addr, read).await, ["200"]);
    let two = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(addr, two).await, ["400"]);
}
