//! What a provider says of a person beside the ID token: of the same person, and signed where the profile says so, or nobody is let in.

use crate::browser::Page;
use crate::common::Service;
use crate::false_provider::{False, Key};
use crate::faults::try_with;
use domain::profile::identity::Userinfo;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

const JSON: &str = "application/json";
const JWT: &str = "application/jwt";
/// What the ID token calls another person than the description does.
const OTHER: &str = "other-subject-canary";

async fn login(service: &Service, provider: &False, kind: &'static str, text: String) -> (Page, bool) {
    provider.says.lock().unwrap().person = (kind, text);
    try_with(service, provider, |p, claims| p.sign(&p.header(), &claims)).await
}

/// Each of the descriptions lets nobody in, makes no account and says no name.
async fn refuses(
    pool: &PgPool,
    (service, provider): &(Service, False),
    all: Vec<(&str, &'static str, String)>,
) {
    for (what, kind, text) in all {
        let (page, inside) = login(service, provider, kind, text).await;
        assert!(!inside, "{what} let somebody in");
        assert!(
            matches!(page.status, StatusCode::FORBIDDEN | StatusCode::BAD_GATEWAY),
            "{what}: {}",
            page.status
        );
        assert!(!page.body.contains("canary"), "{what}: {}", page.body);
    }
    let accounts = "select count(*) from account";
    assert_eq!(sqlx::query_scalar::<_, i64>(accounts).fetch_one(pool).await.unwrap(), 0);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_description_of_somebody_else_lets_nobody_in(pool: PgPool) {
    let both = False::asked(&pool, Userinfo::Json).await;
    let bad = vec![
        ("another person", JSON, json!({ "sub": OTHER }).to_string()),
        ("the same name in other letters", JSON, json!({ "sub": "Somebody" }).to_string()),
        ("nobody", JSON, json!({}).to_string()),
        ("a number", JSON, json!({ "sub": 1 }).to_string()),
        ("no JSON", JSON, "somebody".to_owned()),
        ("nothing", JSON, String::new()),
        ("too much", JSON, json!({ "sub": "somebody", "name": "a".repeat(2 << 20) }).to_string()),
    ];
    refuses(&pool, &both, bad).await;
    let (page, inside) = login(&both.0, &both.1, JSON, json!({ "sub": "somebody" }).to_string()).await;
    assert!(inside && page.status == StatusCode::OK, "without a fault it works: {}", page.body);
}

/// That a signed one lets somebody in is shown by the real provider (`real.rs`): the library takes RS256 here and nothing else.
#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn where_it_has_to_be_signed_one_that_is_not_lets_nobody_in(pool: PgPool) {
    let both = False::asked(&pool, Userinfo::SignedJwt).await;
    let claims = json!({ "iss": both.1.issuer, "aud": "vigie", "sub": "somebody" });
    let none = both.1.sign(&json!({ "alg": "none" }), &claims);
    let other = Key::new("other");
    let bad = vec![
        ("no signature", JSON, json!({ "sub": "somebody" }).to_string()),
        ("no signature, said to be one", JWT, json!({ "sub": "somebody" }).to_string()),
        ("no algorithm", JWT, none.rsplit_once('.').unwrap().0.to_owned() + "."),
        ("no algorithm, signed", JWT, none),
        ("a key that is not published", JWT, other.sign(&other.header(), &claims)),
        (
            "the algorithm of another key",
            JWT,
            both.1.sign(&json!({ "alg": "RS256", "kid": "first" }), &claims),
        ),
        ("a signed one, said to be plain", JSON, both.1.sign(&both.1.header(), &claims)),
    ];
    refuses(&pool, &both, bad).await;
}
