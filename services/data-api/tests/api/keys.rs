//! API keys at the door: which are let in, what they are let do, how often, and what is said of it. Here `identity` is a stand-in
//! that knows some keys; the two services together are tried in `crates/vigie/tests/keys.rs`.

use crate::common::{Answer, ask_router, seeded};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use kit::keys::{Asker, Introspection, ServiceKey, format, hash};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What the stand-in knows: SHA-256 in hexadecimal digits; owner and scopes. How often it was asked.
#[derive(Clone, Default)]
struct Known {
    keys: Arc<Mutex<HashMap<String, (String, &'static str)>>>,
    asked: Arc<AtomicUsize>,
}

async fn introspect(
    State(known): State<Known>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Introspection>, StatusCode> {
    known.asked.fetch_add(1, Ordering::Relaxed);
    let bearer = headers["authorization"].to_str().unwrap();
    if bearer.strip_prefix("Bearer ").is_none_or(|token| token.split('.').count() != 3) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let found = known.keys.lock().unwrap().get(body.strip_prefix("token_sha256=").unwrap()).cloned();
    Ok(Json(match found {
        None => Introspection::default(),
        Some((owner, scope)) => Introspection {
            active: true,
            scope: Some(scope.into()),
            client_id: Some("one".into()),
            sub: Some(owner),
            exp: None,
        },
    }))
}

fn key(seed: u8) -> String {
    let mut next = seed;
    let byte = || {
        next = next.wrapping_mul(13).wrapping_add(7);
        Ok::<u8, ()>(next)
    };
    format::compose("us", byte).unwrap()
}

struct Bench {
    router: Router,
    known: Known,
}

impl Bench {
    /// A service that lets a network ask `per_network` times, a key five times and an owner eight times a minute.
    async fn new(pool: PgPool, per_network: u32) -> Self {
        let known = Known::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let stand_in = Router::new().route(kit::keys::PATH, post(introspect)).with_state(known.clone());
        tokio::spawn(async move { axum::serve(listener, stand_in).await });
        Self { router: router(pool, per_network, &origin).await, known }
    }

    /// A key of somebody who has no other one.
    fn knows(&self, key: &str, scope: &'static str) {
        self.owns(&format!("owner of {key}"), key, scope);
    }

    fn owns(&self, owner: &str, key: &str, scope: &'static str) {
        self.known.keys.lock().unwrap().insert(hex::encode(hash(key)), (owner.to_owned(), scope));
    }

    async fn with(&self, key: &str, path: &str) -> Answer {
        self.say(&format!("Bearer {key}"), path).await
    }

    async fn say(&self, authorization: &str, path: &str) -> Answer {
        ask_router(&self.router, "GET", &format!("/api/data/v1/{path}"), &[("authorization", authorization)])
            .await
    }

    async fn without(&self, path: &str) -> Answer {
        ask_router(&self.router, "GET", &format!("/api/data/v1/{path}"), &[]).await
    }

    fn asked(&self) -> usize {
        self.known.asked.load(Ordering::Relaxed)
    }
}

async fn router(pool: PgPool, per_network: u32, identity: &str) -> Router {
    let mut app = seeded(pool).await;
    let mut profile = (*app.profile).clone();
    let keys = profile.identity.keys.as_mut().unwrap();
    (keys.per_minute, keys.owner_per_minute) = (5, 8);
    app.profile = Arc::new(profile);
    let service = ServiceKey::read(&ServiceKey::make().unwrap()).unwrap();
    let asker = Asker::new(identity, service, "data-api", &app.public_url, "us").unwrap();
    kit::server::layers(data_api::router_with_keys(
        app,
        per_network,
        data_api::PATIENCE,
        Some(Arc::new(asker)),
    ))
}

const ALL: &str = "figures:read bulk:read";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_has_a_limit_of_its_own_and_takes_nothing_from_its_network(pool: PgPool) {
    let bench = Bench::new(pool, 3).await;
    let (one, two) = (key(1), key(2));
    bench.knows(&one, ALL);
    bench.knows(&two, ALL);
    for left in (0..5).rev() {
        let answer = bench.with(&one, "places").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=5;w=60, \"owner\";q=8;w=60");
        let said = answer.header("ratelimit");
        assert!(said.starts_with(&format!("\"key\";r={left};t=")), "{said}");
        assert!(said.contains(&format!(", \"owner\";r={};t=", left + 3)), "{said}");
    }
    let refused = bench.with(&one, "places").await;
    assert_eq!((refused.status.as_u16(), refused.json()["code"].as_str()), (429, Some("too_many_requests")));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(refused.header("ratelimit"), format!("\"key\";r=0;t={seconds}"));
    assert_eq!(bench.asked(), 5, "one who is over the limit is no work for identity");
    assert_eq!(bench.with(&two, "places").await.status, 200, "another key");
    for left in (0..3).rev() {
        let without = bench.without("places").await;
        assert_eq!(
            (without.status.as_u16(), without.header("ratelimit-policy")),
            (200, "\"client\";q=3;w=60")
        );
        assert!(without.header("ratelimit").starts_with(&format!("\"client\";r={left};")), "{left}");
    }
    assert_eq!(bench.without("places").await.status, 429);
    assert_eq!(bench.with(&two, "places").await.status, 200, "a key goes on where its network may not");
    let three = key(3);
    bench.knows(&three, ALL);
    assert_eq!(bench.with(&three, "places").await.status, 200, "nor does it have to be known from before");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn all_keys_of_an_owner_share_one_limit_also_those_that_replace_one(pool: PgPool) {
    let bench = Bench::new(pool, 600).await;
    let (old, next, third, other) = (key(1), key(2), key(3), key(4));
    bench.owns("ada", &old, ALL);
    for left in (3..8).rev() {
        let answer = bench.with(&old, "places").await;
        assert!(answer.header("ratelimit").contains(&format!("\"owner\";r={left};t=")), "{left}");
    }
    // Over its own limit a key takes nothing from the owner's others.
    let refused = bench.with(&old, "places").await;
    assert_eq!((refused.status.as_u16(), refused.header("ratelimit-policy")), (429, "\"key\";q=5;w=60"));
    // The key that takes its place has a fresh limit of its own, and its owner has what is left.
    bench.owns("ada", &next, ALL);
    for left in (0..3).rev() {
        let answer = bench.with(&next, "places").await;
        assert_eq!(answer.status, 200, "{left}");
        assert!(answer.header("ratelimit").contains(&format!("\"owner\";r={left};t=")), "{left}");
    }
    bench.owns("ada", &third, ALL);
    let asked = bench.asked();
    for (key, seen) in [(&next, true), (&third, false), (&third, true)] {
        let refused = bench.with(key, "places").await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["code"].as_str()),
            (429, Some("too_many_requests"))
        );
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!(seconds > 0);
        assert_eq!(refused.header("ratelimit-policy"), "\"owner\";q=8;w=60", "{seen}");
        assert_eq!(refused.header("ratelimit"), format!("\"owner\";r=0;t={seconds}"));
    }
    assert_eq!(bench.asked(), asked + 1, "of the third key it had to be asked whose it is, once");
    bench.owns("bob", &other, ALL);
    assert_eq!(bench.with(&other, "places").await.status, 200, "another owner");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_no_key_is_refused_and_whoever_guesses_pays_for_it(pool: PgPool) {
    let bench = Bench::new(pool, 8).await;
    let good = key(1);
    bench.knows(&good, ALL);
    let mut mistyped = good.clone();
    mistyped.replace_range(20..21, if &good[20..21] == "a" { "b" } else { "a" });
    let foreign = good.replace("vigie_us_", "vigie_fr_");
    let hex = hex::encode(hash(&good));
    let wrong = [
        &format!("Bearer {mistyped}"),
        &format!("Bearer {foreign}"),
        &format!("Bearer {hex}"),
        "Basic YTpi",
        "Bearer",
    ];
    for authorization in wrong {
        let answer = bench.say(authorization, "places").await;
        assert_eq!(answer.status, 401, "{authorization}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"vigie\", error=\"invalid_token\"");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("ratelimit-policy"), "\"client\";q=8;w=60");
        assert!(!answer.text().contains(&good[9..20]), "{}", answer.text());
    }
    assert_eq!(bench.asked(), 0, "identity is not asked for what cannot be a key");
    // With a checksum that fits, three are answered; then the network has nothing left, and after eight questions it may ask none.
    let statuses: Vec<u16> = {
        let mut all = Vec::new();
        for seed in 10..22 {
            all.push(bench.with(&key(seed), "places").await.status.as_u16());
        }
        all
    };
    assert_eq!((&statuses[..3], bench.asked()), ([401, 401, 401].as_slice(), 8));
    assert!(statuses[3..].iter().all(|status| *status == 429), "{statuses:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_that_is_revoked_is_refused_at_the_next_request(pool: PgPool) {
    let bench = Bench::new(pool, 600).await;
    let one = key(1);
    bench.knows(&one, ALL);
    assert_eq!(bench.with(&one, "places").await.status, 200);
    bench.known.keys.lock().unwrap().clear();
    let answer = bench.with(&one, "places").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (401, Some("unauthorized")));
    assert_eq!(bench.asked(), 2, "each request is asked about");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_does_what_it_was_made_for_and_nothing_is_taken_from_who_has_none(pool: PgPool) {
    let bench = Bench::new(pool, 0).await;
    let (figures, bulk) = (key(1), key(2));
    bench.knows(&figures, "figures:read");
    bench.knows(&bulk, "bulk:read");
    let document = serde_json::to_value(data_api::document()).unwrap();
    let mut tried = 0;
    for path in document["paths"].as_object().unwrap().keys() {
        let path = path.trim_start_matches("/api/data/v1/");
        let path = path
            .replace("{signal}", "flu_hosp_admissions")
            .replace("{id}", "x")
            .replace("{file}", "x.csv.gz");
        let without = bench.without(&path).await.status;
        assert!(!matches!(without.as_u16(), 401 | 403), "{path}");
        for (key, mine) in [(&figures, "figures:read"), (&bulk, "bulk:read")] {
            let wanted = match path.split('/').next().unwrap() {
                "openapi.json" => continue,
                "bulk" => "bulk:read",
                _ => "figures:read",
            };
            let answer = bench.with(key, &path).await;
            if wanted == mine {
                assert_eq!(answer.status, without, "{path} as {mine}");
            } else {
                assert_eq!(
                    (answer.status.as_u16(), answer.json()["code"].as_str()),
                    (403, Some("forbidden")),
                    "{path}"
                );
                let challenge =
                    format!("Bearer realm=\"vigie\", error=\"insufficient_scope\", scope=\"{wanted}\"");
                assert_eq!(answer.header("www-authenticate"), challenge);
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 16);
    assert_eq!(bench.with(&figures, "docs").await.status, 200);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_in_an_address_is_refused_with_what_to_do(pool: PgPool) {
    let bench = Bench::new(pool, 600).await;
    let one = key(1);
    bench.knows(&one, ALL);
    let hidden = one.replace('_', "%5f");
    for path in [
        format!("places?api_key={one}"),
        format!("places?{one}"),
        format!("places?x={hidden}"),
        format!("why/{one}"),
    ] {
        let answer = bench.without(&path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str()),
            (400, Some("key_in_address")),
            "{path}"
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("revoke it at http://127.0.0.1:8080/account/keys"), "{detail}");
        assert!(!answer.text().contains(&one[9..]), "it is not said once more");
        assert!(answer.header("ratelimit").starts_with("\"client\""));
    }
    assert_eq!(bench.with(&one, &format!("places?key={one}")).await.status, 400, "in the header too");
    assert_eq!(bench.asked(), 0);
    // A parameter that is none of ours is refused as ever, whatever it holds.
    assert_eq!(bench.without("places?api_key=x").await.json()["code"], "invalid");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn while_identity_is_away_a_key_is_refused_and_everybody_else_goes_on(pool: PgPool) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bench = Bench { router: router(pool.clone(), 600, &away).await, known: Known::default() };
    let answer = bench.with(&key(1), "places").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (503, Some("keys_unchecked")));
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(bench.without("places").await.status, 200);
    // Nor where nobody said whom to ask.
    let app = crate::common::app(pool, kit::Clock::Recorded(crate::common::time(crate::common::CLOCK)));
    let router = data_api::router(app, 600, data_api::PATIENCE);
    let header = [("authorization", &*format!("Bearer {}", key(1)))];
    assert_eq!(ask_router(&router, "GET", "/api/data/v1/places", &header).await.status, 503);
}
