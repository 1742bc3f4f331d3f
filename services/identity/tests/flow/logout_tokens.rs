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

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_session_ends_by_the_documented_limits_or_at_the_providers_word_and_then_the_provider_is_asked(
    pool: PgPool,
) {
    let words = std::fs::read_to_string(crate::common::root().join("docs/identity.md")).unwrap();
    for profile in crate::common::countries() {
        let limits = profile.identity.session;
        let said = format!("({} minutes, {} hours)", limits.idle_minutes, limits.absolute_hours);
        assert!(words.contains(&said), "{}: docs/identity.md does not say {said}", profile.country);
    }
    let (service, provider) = False::start(&pool).await;
    let limits = service.profile.identity.session;
    for ends in ["idle", "absolute", "provider"] {
        log_in(&service, &provider, "somebody", "session-1").await;
        let account: String = sqlx::query_scalar("select id from account").fetch_one(&pool).await.unwrap();
        let mut browser = service.logged_in(&account).await;
        assert!(!browser.get("/account").await.body.contains("/account/login/agov"), "{ends}");
        match ends {
            "idle" => service.pass(chrono::TimeDelta::minutes(limits.idle_minutes.into())),
            "absolute" => {
                // Used all the time, at the end within the idle limit.
                for _ in 0..limits.absolute_hours * 3 {
                    service.pass(chrono::TimeDelta::minutes(20));
                    browser.get("/account").await;
                }
            }
            _ => {
                let (header, mut claims) = good(&service, &provider);
                claims.as_object_mut().unwrap().remove("sid");
                assert_eq!(send(&service, &provider.sign(&header, &claims)).await, StatusCode::OK);
            }
        }
        // Nothing of the old session leads on: the way back is the provider's page.
        let page = browser.get("/account").await;
        assert!(page.body.contains("/account/login/agov"), "{ends}: {}", page.body);
        assert_eq!(browser.send("/account/token", &[]).await.status, StatusCode::UNAUTHORIZED, "{ends}");
        let to = browser.get_once("/account/login/agov").await.header("location").to_owned();
        assert!(to.starts_with(&format!("{}/auth?", provider.issuer)), "{ends}: {to}");
    }
}
