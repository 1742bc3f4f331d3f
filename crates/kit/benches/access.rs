//! Nanoseconds of the check of a permission: of a token that the service has seen, as in all but one request of its minute of
//! life; of one that it has not, with its signature; of a request without a token.
//!
//! `cargo bench -p kit --bench access`: one JSON line, p50 and p99 of 20,000 checks each.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says its numbers and fails by panicking"
)]

use axum::extract::FromRequestParts as _;
use axum::http::{Request, request::Parts};
use kit::access::{Allowed, Claims, Gate, Jwk, Jwks, Policy, ReadAudit, compact};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::sync::Arc;
use std::time::Instant;

const CHECKS: usize = 20_000;

fn request(gate: &Arc<Gate>, token: Option<&str>) -> Parts {
    let mut builder = Request::get("/account/audit");
    if let Some(token) = token {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    let mut parts = builder.body(()).unwrap().into_parts().0;
    parts.extensions.insert(Arc::clone(gate));
    parts
}

fn quantiles(
    runtime: &tokio::runtime::Runtime,
    mut requests: Vec<Parts>,
    allowed: bool,
) -> serde_json::Value {
    let mut times: Vec<u128> = requests
        .iter_mut()
        .map(|parts| {
            let start = Instant::now();
            let answer = runtime.block_on(Allowed::<ReadAudit>::from_request_parts(parts, &()));
            let took = start.elapsed().as_nanos();
            assert_eq!(answer.is_ok(), allowed);
            took
        })
        .collect();
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100];
    serde_json::json!({ "p50_ns": at(50), "p99_ns": at(99) })
}

fn main() {
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap();
    let jwks = Jwks { keys: vec![Jwk::new("k", pair.public_key().as_ref())] };
    let fetch = Arc::new(move || {
        let jwks = jwks.clone();
        Box::pin(async move { Ok(jwks) })
            as std::pin::Pin<Box<dyn Future<Output = anyhow::Result<Jwks>> + Send>>
    });
    let policy = Policy::of_the_platform().unwrap();
    let gate = Arc::new(Gate::new(policy, "https://vigie.test", "vigie:fr", fetch, Arc::new(kit::wall)));
    let now = kit::wall().timestamp();
    let token = |n: usize| {
        let claims = Claims {
            iss: "https://vigie.test".into(),
            aud: "vigie:fr".into(),
            sub: format!("pseudonym-{n}"),
            roles: vec!["auditor".into()],
            iat: now,
            exp: now + 120,
            passkey: true,
            jti: None,
        };
        compact("k", &claims, |message| pair.sign(message).as_ref().to_vec()).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (seen, first) = (token(0), token(1));
    runtime.block_on(gate.who(&seen)).unwrap();
    runtime.block_on(gate.who(&first)).unwrap();
    let known = (0..CHECKS).map(|_| request(&gate, Some(&seen))).collect();
    // As many as are remembered at once; each has its own signature.
    let new = (2..8_000).map(|n| request(&gate, Some(&token(n)))).collect();
    let none = (0..CHECKS).map(|_| request(&gate, None)).collect();
    let result = serde_json::json!({
        "known_token": quantiles(&runtime, known, true),
        "new_token": quantiles(&runtime, new, true),
        "no_token": quantiles(&runtime, none, false),
    });
    println!("{result}");
}
