//! A provider says that somebody logged out; others say so too.

use crate::common::Service;
use crate::false_provider::{False, Key, param};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

/// A fault put into a good header and good claims.
type Change = fn(&mut Value, &mut Value);

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn send(service: &Service, token: &str) -> StatusCode {
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    let answer = crate::browser::client()
        .post(format!("{}/oidc/backchannel/agov", service.origin))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    if answer.status() == StatusCode::OK {
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    answer.status()
}

async fn log_in(service: &Service, provider: &False, subject: &str, sid: &str) {
    let mut browser = service.browser();
    let to = browser.get_once("/account/login/agov").await.header("location").to_owned();
    let mut claims = provider.claims(&param(&to, "nonce"), service.time.now().timestamp());
    (claims["sub"], claims["sid"]) = (json!(subject), json!(sid));
    provider.says.lock().unwrap().token = provider.sign(&provider.header(), &claims);
    browser.get(&format!("/oidc/callback/agov?code=c&state={}", param(&to, "state"))).await;
    assert!(browser.session().is_some());
}

fn good(service: &Service, provider: &False) -> (Value, Value) {
    let now = service.time.now().timestamp();
    let mut header = provider.header();
    header["typ"] = json!("logout+jwt");
    let claims = json!({
        "iss": provider.issuer, "aud": "vigie", "iat": now, "exp": now + 60, "jti": "one", "sub": "somebody",
        "sid": "session-1", "events": { EVENT: {} },
    });
    (header, claims)
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_logout_token_with_one_fault_ends_nothing(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    log_in(&service, &provider, "somebody", "session-1").await;
    let changes: [(&str, Change); 10] = [
        ("another issuer", |_, c| c["iss"] = json!("https://evil.test")),
        ("another audience", |_, c| c["aud"] = json!("other")),
        ("a nonce", |_, c| c["nonce"] = json!("n")),
        ("no event", |_, c| drop(c.as_object_mut().unwrap().remove("events"))),
        ("another event", |_, c| c["events"] = json!({ "http://schemas.openid.net/event/other": {} })),
        ("an event that is no object", |_, c| c["events"] = json!({ EVENT: 1 })),
        ("no name", |_, c| drop(c.as_object_mut().unwrap().remove("jti"))),
        ("expired", |_, c| c["exp"] = json!(c["iat"].as_i64().unwrap() - 1)),
        ("issued long ago", |_, c| c["iat"] = json!(c["iat"].as_i64().unwrap() - 3600)),
        ("an ID token", |h, _| h["typ"] = json!("JWT+other")),
    ];
    for (what, change) in changes {
        let (mut header, mut claims) = good(&service, &provider);
        change(&mut header, &mut claims);
        assert_eq!(send(&service, &provider.sign(&header, &claims)).await, StatusCode::BAD_REQUEST, "{what}");
    }
    let (header, claims) = good(&service, &provider);
    assert_eq!(
        send(&service, &Key::new("first").sign(&header, &claims)).await,
        StatusCode::BAD_REQUEST,
        "forged"
    );
    assert_eq!(send(&service, "").await, StatusCode::BAD_REQUEST);
    assert_eq!(service.living_sessions().await, 1);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_logout_token_ends_the_sessions_that_it_names_and_no_others(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    for (subject, sid) in [
        ("somebody", "session-1"),
        ("somebody", "session-2"),
        ("other", "session-1"),
        ("somebody", "session-3"),
    ] {
        log_in(&service, &provider, subject, sid).await;
    }
    let (header, mut claims) = good(&service, &provider);
    assert_eq!(send(&service, &provider.sign(&header, &claims)).await, StatusCode::OK);
    assert_eq!(service.living_sessions().await, 3, "one session of one person");
    claims.as_object_mut().unwrap().remove("sid");
    assert_eq!(send(&service, &provider.sign(&header, &claims)).await, StatusCode::OK);
    assert_eq!(service.living_sessions().await, 1, "all of one person");
    assert_eq!(send(&service, &provider.sign(&header, &claims)).await, StatusCode::OK, "told twice");
    service.pass(chrono::TimeDelta::seconds(30));
    log_in(&service, &provider, "somebody", "session-4").await;
    assert_eq!(send(&service, &provider.sign(&header, &claims)).await, StatusCode::OK);
    assert_eq!(service.living_sessions().await, 2, "what began after the logout is another session");
}
