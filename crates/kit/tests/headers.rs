//! What every answer of every service carries, whatever became of the request.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what cannot be prepared has failed"
)]

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::{get, post};
use kit::Problem;
use tower::ServiceExt as _;

async fn panics() -> &'static str {
    panic!("a handler panicked: the password is hunter2")
}

async fn fails() -> Result<&'static str, Problem> {
    Err(Problem::Internal(anyhow::anyhow!("the password is hunter2")))
}

async fn ask(method: Method, path: &str) -> (Response<()>, String) {
    let routes = Router::new()
        .route("/page", get(|| async { "page" }))
        .route("/form", post(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/own",
            get(|| async { ([("content-security-policy", "default-src 'none'; frame-ancestors *")], "own") }),
        )
        .route("/fails", get(fails))
        .route("/panics", get(panics));
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let answer = kit::server::layers(kit::problem_fallbacks(routes)).oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 16).await.unwrap();
    (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn every_answer_carries_its_safety_headers_errors_too() {
    for (method, path, status) in [
        (Method::GET, "/page", 200),
        (Method::HEAD, "/page", 200),
        (Method::POST, "/form", 204),
        (Method::GET, "/nothing", 404),
        (Method::POST, "/page", 405),
        (Method::GET, "/fails", 500),
        (Method::GET, "/panics", 500),
    ] {
        let (answer, body) = ask(method.clone(), path).await;
        let header = |name: &str| {
            let mut all = answer.headers().get_all(name).iter();
            let value = all.next().unwrap_or_else(|| panic!("{method} {path}: no {name}"));
            assert!(all.next().is_none(), "{method} {path}: {name} twice");
            value.to_str().unwrap().to_owned()
        };
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(header("strict-transport-security"), "max-age=31536000; includeSubDomains");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(!body.contains("hunter2"), "{method} {path} tells what is inside: {body}");
        // What is refused to one may be answered to the next, or to the same after a login.
        let kept = answer.headers().get("cache-control").map(|value| value.to_str().unwrap());
        assert_eq!(kept, (status >= 400).then_some("no-store"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_route_may_set_its_own_policy_and_keeps_the_rest() {
    let (answer, _) = ask(Method::GET, "/own").await;
    assert_eq!(answer.headers()["content-security-policy"], "default-src 'none'; frame-ancestors *");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn nobody_is_sent_their_own_request_back() {
    for method in [Method::TRACE, Method::CONNECT, Method::from_bytes(b"DEBUG").unwrap()] {
        let (answer, _) = ask(method.clone(), "/page").await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}
