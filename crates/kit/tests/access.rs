//! Tokens and permissions: what is let through, and everything that is not.
#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use kit::access::{Allowed, Claims, Fetch, Gate, Jwk, Jwks, Policy, ReadAudit, TYPE, compact, keys_at};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

/// A fault put into good claims.
type Change = fn(&mut Claims);

const NOW: &str = "2026-01-01T00:00:00Z";

fn pair() -> Ed25519KeyPair {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap()
}

/// A service with one handler, the keys that `identity` serves, and a clock.
struct Bench {
    router: Router,
    keys: Arc<Mutex<Jwks>>,
    asked: Arc<AtomicUsize>,
    moved: Arc<AtomicI64>,
}

async fn read(allowed: Allowed<ReadAudit>) -> String {
    allowed.who.map_or_else(String::new, |w| w.subject.clone())
}

impl Bench {
    fn new(pair: &Ed25519KeyPair) -> Self {
        Self::of_kind(pair, |gate| gate)
    }

    fn of_kind(pair: &Ed25519KeyPair, kind: impl FnOnce(Gate) -> Gate) -> Self {
        let keys = Arc::new(Mutex::new(Jwks { keys: vec![Jwk::new("one", pair.public_key().as_ref())] }));
        let (asked, moved) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(0)));
        let (from, count, by) = (Arc::clone(&keys), Arc::clone(&asked), Arc::clone(&moved));
        let fetch: Fetch = Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            let keys = from.lock().unwrap().clone();
            Box::pin(async move { Ok(keys) })
        });
        let start: DateTime<Utc> = NOW.parse().unwrap();
        let now = Arc::new(move || start + TimeDelta::seconds(by.load(Ordering::Relaxed)));
        let policy = Policy::of_the_platform().unwrap();
        let gate = kind(Gate::new(policy, "https://vigie.test", "vigie:fr", fetch, now));
        let router = Router::new().route("/audit", get(read)).layer(Extension(Arc::new(gate)));
        Self { router, keys, asked, moved }
    }

    async fn ask(&self, authorization: Option<&str>) -> (StatusCode, String) {
        ask(&self.router, authorization).await
    }

    async fn with(&self, token: &str) -> StatusCode {
        self.ask(Some(&format!("Bearer {token}"))).await.0
    }
}

async fn ask(router: &Router, authorization: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::get("/audit");
    if let Some(text) = authorization {
        request = request.header("authorization", text);
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn claims() -> Claims {
    let now = NOW.parse::<DateTime<Utc>>().unwrap().timestamp();
    Claims {
        iss: "https://vigie.test".into(),
        aud: "vigie:fr".into(),
        sub: "pseudonym".into(),
        roles: vec!["auditor".into()],
        iat: now,
        exp: now + 60,
        passkey: true,
        jti: None,
    }
}

fn signed(pair: &Ed25519KeyPair, kid: &str, claims: &Claims) -> String {
    compact(kid, claims, |m| pair.sign(m).as_ref().to_vec()).unwrap()
}

#[tokio::test]
async fn who_has_the_role_may_and_nobody_else() {
    let pair = pair();
    let bench = Bench::new(&pair);
    let token = signed(&pair, "one", &claims());
    assert_eq!(bench.ask(Some(&format!("Bearer {token}"))).await, (StatusCode::OK, "pseudonym".into()));
    let (status, body) = bench.ask(None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("no token was sent"), "{body}");
    for roles in [vec![], vec!["specialist"], vec!["operator"], vec!["public"], vec!["root"], vec!["Auditor"]]
    {
        let claims = Claims { roles: roles.iter().map(|r| (*r).to_owned()).collect(), ..claims() };
        assert_eq!(bench.with(&signed(&pair, "one", &claims)).await, StatusCode::FORBIDDEN, "{roles:?}");
    }
    for wrong in ["", "Basic YTpi", "bearer x", "Bearer", "Bearer "] {
        assert_eq!(bench.ask(Some(wrong)).await.0, StatusCode::UNAUTHORIZED, "{wrong}");
    }
}

#[tokio::test]
async fn the_role_alone_is_not_enough_where_a_passkey_is_wanted() {
    let pair = pair();
    let bench = Bench::new(&pair);
    let without = Claims { passkey: false, ..claims() };
    let token = signed(&pair, "one", &without);
    // A token that was made before the field was there says the same as one without.
    let payload = token.split('.').nth(1).unwrap();
    let read: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(read.get("passkey"), None);
    let (status, body) = bench.ask(Some(&format!("Bearer {token}"))).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["code"]), (StatusCode::UNAUTHORIZED, &json!("step_up")));
    assert!(body["detail"].as_str().unwrap().contains("/account/passkeys"), "{body}");
    // Who may not anyway is not led to register anything.
    let claims = Claims { roles: vec!["specialist".into()], ..without };
    assert_eq!(bench.with(&signed(&pair, "one", &claims)).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_a_gate_everything_is_denied() {
    let router = Router::new().route("/audit", get(read));
    let token = signed(&pair(), "one", &claims());
    for authorization in [None, Some(format!("Bearer {token}"))] {
        assert_eq!(ask(&router, authorization.as_deref()).await.0, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_token_with_one_fault_is_not_accepted() {
    let pair = pair();
    let bench = Bench::new(&pair);
    assert_eq!(bench.with(&signed(&pair, "one", &claims())).await, StatusCode::OK);
    let changes: [(&str, Change); 8] = [
        ("another installation", |c| c.iss = "https://evil.test".into()),
        ("another country", |c| c.aud = "vigie:ch".into()),
        ("expired", |c| c.exp = c.iat - 1),
        ("just expired", |c| (c.iat, c.exp) = (c.iat - 60, c.iat)),
        ("of the future", |c| (c.iat, c.exp) = (c.iat + 60, c.exp + 60)),
        ("good for a day", |c| c.exp += 86_400),
        ("good for ever", |c| (c.iat, c.exp) = (i64::MIN, i64::MAX)),
        ("no time", |c| c.exp = c.iat),
    ];
    for (what, change) in changes {
        let mut claims = claims();
        change(&mut claims);
        assert_eq!(bench.with(&signed(&pair, "one", &claims)).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    let good = signed(&pair, "one", &claims());
    let by_hand = |header: Value, payload: Value| {
        let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let message = format!("{}.{}", part(&header), part(&payload));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes())))
    };
    let said = serde_json::to_value(claims()).unwrap();
    let header = json!({ "alg": "EdDSA", "typ": TYPE, "kid": "one" });
    assert_eq!(bench.with(&by_hand(header.clone(), said.clone())).await, StatusCode::OK);
    let mut more = said.clone();
    more["admin"] = json!(true);
    let other = self::pair();
    for (what, token) in [
        ("signed by another key", signed(&other, "one", &claims())),
        ("a key that is not there", signed(&other, "two", &claims())),
        ("no algorithm", by_hand(json!({ "alg": "none", "typ": TYPE, "kid": "one" }), said.clone())),
        ("another algorithm", by_hand(json!({ "alg": "HS256", "typ": TYPE, "kid": "one" }), said.clone())),
        ("another kind", by_hand(json!({ "alg": "EdDSA", "typ": "JWT", "kid": "one" }), said.clone())),
        (
            "a key of its own",
            by_hand(json!({ "alg": "EdDSA", "typ": TYPE, "kid": "one", "jwk": {} }), said.clone()),
        ),
        ("a claim more", by_hand(header.clone(), more)),
        ("no claims", by_hand(header, json!({}))),
        ("without its signature", good.rsplit_once('.').unwrap().0.to_owned() + "."),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", format!("{good}.a")),
        ("as long as one likes", format!("{good}{}", "a".repeat(5000))),
        ("nothing", String::new()),
    ] {
        assert_eq!(bench.with(&token).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    for place in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        // Of the last character of a base64url part only some bits count: it is left alone.
        if bytes[place] == b'.' || place + 1 == good.len() {
            continue;
        }
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_ne!(bench.with(&changed).await, StatusCode::OK, "changed at {place}");
    }
}

#[tokio::test]
async fn a_remembered_token_ends_when_it_ends_and_with_its_key() {
    let (pair, next) = (pair(), pair());
    let bench = Bench::new(&pair);
    let token = signed(&pair, "one", &claims());
    assert_eq!(bench.with(&token).await, StatusCode::OK);
    assert_eq!(bench.with(&token).await, StatusCode::OK);
    assert_eq!(bench.asked.load(Ordering::Relaxed), 1);
    bench.moved.store(6, Ordering::Relaxed);
    // identity signs with another key and withdrew the first one.
    bench.keys.lock().unwrap().keys = vec![Jwk::new("two", next.public_key().as_ref())];
    assert_eq!(bench.with(&signed(&next, "two", &claims())).await, StatusCode::OK);
    assert_eq!(bench.asked.load(Ordering::Relaxed), 2);
    assert_eq!(bench.with(&token).await, StatusCode::UNAUTHORIZED, "its key is gone");
    let second = signed(&next, "two", &claims());
    bench.moved.store(60, Ordering::Relaxed);
    assert_eq!(bench.with(&second).await, StatusCode::UNAUTHORIZED, "a minute later");
}

/// What the service answers to tokens that arrive at the same time.
async fn at_once(bench: &Bench, tokens: Vec<String>) -> Vec<StatusCode> {
    let mut asked = tokio::task::JoinSet::new();
    for (n, token) in tokens.into_iter().enumerate() {
        let router = bench.router.clone();
        asked.spawn(async move { (n, ask(&router, Some(&format!("Bearer {token}"))).await.0) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(n, _)| *n);
    answers.into_iter().map(|(_, status)| status).collect()
}

#[tokio::test]
async fn who_invents_keys_neither_keeps_a_new_one_out_nor_makes_the_gate_ask_for_each() {
    let (pair, next) = (pair(), pair());
    let bench = Bench::new(&pair);
    assert_eq!(bench.with(&signed(&pair, "one", &claims())).await, StatusCode::OK);
    let forged = |n: usize| signed(&next, &format!("forged-{n}"), &claims());
    assert_eq!(bench.with(&forged(0)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.asked.load(Ordering::Relaxed), 2);
    // A moment later, on a clock that stands still, identity signs with a new key; its token comes among invented ones.
    bench.keys.lock().unwrap().keys.push(Jwk::new("two", next.public_key().as_ref()));
    let mut tokens: Vec<String> = (1..200).map(forged).collect();
    tokens.insert(100, signed(&next, "two", &claims()));
    let answers = at_once(&bench, tokens).await;
    let let_in: Vec<usize> = (0..answers.len()).filter(|n| answers[*n] == StatusCode::OK).collect();
    assert_eq!((answers.len(), let_in), (200, vec![100]));
    let asked = bench.asked.load(Ordering::Relaxed);
    assert!((3..10).contains(&asked), "200 tokens made it ask {asked} times");
    // What is known waits for nobody.
    assert_eq!(
        bench.with(&signed(&pair, "one", &Claims { sub: "b".into(), ..claims() })).await,
        StatusCode::OK
    );
    assert_eq!(bench.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test]
async fn a_token_that_is_good_once_is_refused_the_second_time() {
    let pair = pair();
    let bench = Bench::of_kind(&pair, Gate::once);
    let named = |name: &str| Claims { jti: Some(name.to_owned()), ..claims() };
    let name = "a-name-of-22-characters";
    let token = signed(&pair, "one", &named(name));
    assert_eq!(bench.with(&token).await, StatusCode::OK);
    assert_eq!(bench.with(&token).await, StatusCode::UNAUTHORIZED, "the same");
    let other = Claims { sub: "another".into(), ..named(name) };
    assert_eq!(bench.with(&signed(&pair, "one", &other)).await, StatusCode::UNAUTHORIZED, "of the same name");
    for (what, claims) in [
        ("without a name", claims()),
        ("with a short one", named("1")),
        ("with a long one", named(&"x".repeat(65))),
        (
            "good for more than a minute",
            Claims { exp: claims().iat + 61, ..named("another-of-22-characters") },
        ),
    ] {
        assert_eq!(bench.with(&signed(&pair, "one", &claims)).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    // Of fifty copies that arrive at once, one.
    let token = signed(&pair, "one", &named("a-third-of-22-characters"));
    let answers = at_once(&bench, vec![token; 50]).await;
    assert_eq!(answers.iter().filter(|s| **s == StatusCode::OK).count(), 1);
    // One that was refused for another fault does not use the name up.
    let name = "a-fourth-of-22-characters";
    let forged = signed(&self::pair(), "one", &named(name));
    assert_eq!(bench.with(&forged).await, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.with(&signed(&pair, "one", &named(name))).await, StatusCode::OK);
    bench.moved.store(59, Ordering::Relaxed);
    assert_eq!(bench.with(&signed(&pair, "one", &named(name))).await, StatusCode::UNAUTHORIZED, "to its end");
}

#[tokio::test]
async fn keys_come_over_http_and_their_absence_lets_nobody_in() {
    let pair = pair();
    let jwks = Jwks { keys: vec![Jwk::new("one", pair.public_key().as_ref())] };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr: SocketAddr = listener.local_addr().unwrap();
    let router = Router::new().route("/oidc/jwks.json", get(move || async move { axum::Json(jwks) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let gate = |path: &str| {
        let fetch = keys_at(format!("http://{addr}{path}").parse().unwrap());
        let now = Arc::new(|| NOW.parse().unwrap());
        let gate =
            Gate::new(Policy::of_the_platform().unwrap(), "https://vigie.test", "vigie:fr", fetch, now);
        Router::new().route("/audit", get(read)).layer(Extension(Arc::new(gate)))
    };
    let bearer = format!("Bearer {}", signed(&pair, "one", &claims()));
    assert_eq!(ask(&gate("/oidc/jwks.json"), Some(&bearer)).await.0, StatusCode::OK);
    assert_eq!(ask(&gate("/elsewhere"), Some(&bearer)).await.0, StatusCode::UNAUTHORIZED);
}
