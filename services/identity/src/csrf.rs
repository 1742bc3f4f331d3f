//! Requests that change something come from our own pages: the browser says where they come from, and is asked.

use crate::here::Site;
use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kit::Problem;
use std::sync::Arc;

/// Refuses what another site's page sends. A client that says nothing of where it comes from is no browser of ours.
pub(crate) async fn own_pages_only(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if safe || is_own(request.headers(), &site.origin.origin().ascii_serialization()) {
        return next.run(request).await;
    }
    Problem::Elsewhere.into_response()
}

fn is_own(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        // `none`: the person's own doing, such as sending the form once more.
        (Some("same-origin" | "none"), from) => from.is_none_or(|o| o == origin || o == "null"),
        (Some(_), _) => false,
        (None, from) => from == Some(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_origin_may_change_something() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()));
            is_own(&headers.collect::<HeaderMap>(), "https://vigie.test")
        };
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "https://vigie.test")]));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("origin", "https://vigie.test")]));
        for bad in [
            &[][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://vigie.test")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://other.test")],
            &[("origin", "null")],
            &[("origin", "https://vigie.test.evil.test")],
            &[("origin", "http://vigie.test")],
        ] {
            assert!(!own(bad), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_without_our_origin_changes_nothing(site in "[ -~]{0,24}", from in "[ -~]{0,40}") {
            let own = "https://vigie.test";
            let headers = |pairs: &[(&'static str, &str)]| {
                pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect::<HeaderMap>()
            };
            if from != own {
                assert!(!is_own(&headers(&[("origin", from.as_str())]), own));
                assert!(from == "null" || !is_own(&headers(&[("sec-fetch-site", "same-origin"), ("origin", from.as_str())]), own));
            }
            if !matches!(site.as_str(), "same-origin" | "none") {
                assert!(!is_own(&headers(&[("sec-fetch-site", site.as_str()), ("origin", own)]), own));
            }
        }
    }
}
