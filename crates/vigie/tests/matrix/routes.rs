//! The routes of a router, from what axum prints of it: whatever was added is there, wherever it was added.

use axum::Router;
use std::collections::BTreeMap;

/// Method and path of every route, `HEAD` left out, which goes with `GET`.
pub(crate) fn of(router: &Router) -> Vec<(String, String)> {
    let text = format!("{router:?}");
    let own = text.split_once("fallback_router: ").unwrap().0;
    let (endpoints, paths) = own.split_once("paths: ").unwrap();
    let paths: BTreeMap<&str, &str> = after(paths, "RouteId(")
        .map(|entry| {
            let (id, path) = entry.split_once("): \"").unwrap();
            (id, path.split_once('"').unwrap().0)
        })
        .collect();
    let mut found = Vec::new();
    let mut known = 0;
    for entry in after(endpoints, "RouteId(") {
        let (id, endpoint) = entry.split_once("): ").unwrap();
        known += 1;
        let methods = endpoint.split_once("allow_header: Bytes(b\"").and_then(|(_, m)| m.split_once('"'));
        let (methods, _) = methods.unwrap_or_else(|| panic!("{}: no methods in {endpoint}", paths[id]));
        let methods = methods.split(',').filter(|m| *m != "HEAD");
        found.extend(methods.map(|m| (m.to_owned(), paths[id].to_owned())));
    }
    assert_eq!(known, paths.len(), "axum prints its routers in another way: {text}");
    found.sort();
    found
}

fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(mark).skip(1)
}

#[test]
fn what_is_nested_merged_and_layered_is_found() {
    use axum::routing::{any_service, get, post};
    let below = Router::new().route("/b/{id}", get(|| async {}).post(|| async {}));
    let router = Router::new()
        .nest("/a", below)
        .merge(Router::new().route("/c", post(|| async {})))
        .layer(axum::middleware::map_response(|r: axum::response::Response| async { r }))
        .fallback(|| async {});
    let found = of(&router);
    let found: Vec<(&str, &str)> = found.iter().map(|(m, p)| (m.as_str(), p.as_str())).collect();
    assert_eq!(found, [("GET", "/a/b/{id}"), ("POST", "/a/b/{id}"), ("POST", "/c")]);
    let every_method = Router::new().route("/d", any_service(get(|| async {})));
    let read = std::panic::AssertUnwindSafe(|| of(&every_method));
    assert!(std::panic::catch_unwind(read).is_err(), "a route without methods is refused");
}
