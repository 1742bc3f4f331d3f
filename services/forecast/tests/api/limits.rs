//! One client may not take everything.

use crate::common::{CLOCK, recorded, tables};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use sqlx::PgPool;
use tower::ServiceExt as _;

async fn limited(pool: &PgPool, per_minute: u32) -> Router {
    tables(pool).await;
    let app = recorded(pool, CLOCK);
    kit::server::layers(forecast::router(app, kit::Build::default(), per_minute).unwrap())
}

async fn ask(router: &Router, client: &str, path: &str) -> Response {
    let request =
        Request::builder().uri(format!("/api/forecast/v1/{path}")).header("x-forwarded-for", client);
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |v| v.to_str().unwrap())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_asks_too_often_is_told_when_to_come_back(pool: PgPool) {
    let router = limited(&pool, 3).await;
    for (path, left, reset, status) in
        [("scores", 2, 20, 200), ("nothing", 1, 40, 404), ("spread?horizon=9", 0, 60, 400)]
    {
        let answer = ask(&router, "198.51.100.7", path).await;
        assert_eq!(answer.status(), status);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"client\";q=3;w=60");
        assert_eq!(header(&answer, "ratelimit"), format!("\"client\";r={left};t={reset}"), "{path}");
    }
    let refused = ask(&router, "198.51.100.7", "scores").await;
    assert_eq!(
        (refused.status().as_u16(), header(&refused, "content-type")),
        (429, "application/problem+json")
    );
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    assert_eq!(header(&refused, "ratelimit"), format!("\"client\";r=0;t={seconds}"));
    // A page of another origin may read both.
    assert_eq!(
        (header(&refused, "access-control-allow-origin"), header(&refused, "access-control-expose-headers")),
        ("*", "*")
    );
    assert_eq!(ask(&router, "198.51.100.8", "scores").await.status(), 200, "another client");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_limit_nothing_is_said_of_one(pool: PgPool) {
    let router = limited(&pool, 0).await;
    let answer = ask(&router, "198.51.100.7", "scores").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "ratelimit")), (200, ""));
}

#[test]
fn the_description_names_the_limit_in_every_operation() {
    let document = serde_json::to_value(forecast::document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let refused = &item["get"]["responses"]["429"];
        assert!(refused["description"].as_str().unwrap_or("").contains("Retry-After"), "{path}");
        let schema = &refused["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/ProblemBody", "{path}");
    }
}
