//! What must not let anybody in.

use crate::browser::{Browser, Page};
use crate::common::Service;
use crate::false_provider::{False, Key, param};
use crate::fuzz::{nasty, some};
use chrono::TimeDelta;
use proptest::prelude::any;
use reqwest::StatusCode;
use ring::hmac;
use serde_json::{Value, json};
use sqlx::PgPool;

/// A fault put into good claims.
type Change = fn(&mut Value);
/// A token made from good claims.
type Make = Box<dyn FnOnce(&False, Value) -> String>;

/// A login whose ID token `make` writes, from the claims of a good one. Returns where it ends and whether anybody is in.
pub(crate) async fn try_with(
    service: &Service,
    provider: &False,
    make: impl FnOnce(&False, Value) -> String,
) -> (Page, bool) {
    let (page, browser) = browser_with(service, provider, make).await;
    (page, browser.session().is_some())
}

/// The same, with the browser.
pub(crate) async fn browser_with(
    service: &Service,
    provider: &False,
    make: impl FnOnce(&False, Value) -> String,
) -> (Page, Browser) {
    let mut browser = service.browser();
    let to = browser.get_once("/account/login/agov").await;
    assert_eq!(to.status, StatusCode::SEE_OTHER, "{}", to.body);
    let address = to.header("location").to_owned();
    let now = service.time.now().timestamp();
    let token = make(provider, provider.claims(&param(&address, "nonce"), now));
    provider.says.lock().unwrap().token = token;
    let page = browser.get(&format!("/oidc/callback/agov?code=c&state={}", param(&address, "state"))).await;
    (page, browser)
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_found_a_browser_open_is_no_fresh_login_though_the_provider_lets_them_in_unasked(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let at = |ago: i64| {
        move |p: &False, mut claims: Value| {
            claims["auth_time"] = json!(claims["iat"].as_i64().unwrap() - ago);
            p.sign(&p.header(), &claims)
        }
    };
    let (_, mut owner) = browser_with(&service, &provider, at(0)).await;
    // The provider's own session is an hour old: it asks nobody anything, and says so.
    let (_, mut finder) = browser_with(&service, &provider, at(3600)).await;
    let page = finder.send("/account/sessions/others/end", &[]).await;
    assert!(page.url.as_str().contains("?done=anew"), "{}", page.url);
    assert_eq!(service.living_sessions().await, 2, "the owner is not locked out");
    // The owner, who just logged in, ends the other one. A time to come is now.
    assert!(owner.send("/account/sessions/others/end", &[]).await.url.as_str().contains("?done=others"));
    assert_eq!(service.living_sessions().await, 1);
    let (_, mut owner) = browser_with(&service, &provider, at(-3600)).await;
    service.pass(TimeDelta::minutes(11));
    assert!(owner.send("/account/sessions/others/end", &[]).await.url.as_str().contains("?done=anew"));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_token_with_one_fault_lets_nobody_in(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let (page, inside) = try_with(&service, &provider, |p, claims| p.sign(&p.header(), &claims)).await;
    assert!(inside && page.status == StatusCode::OK, "without a fault it works: {}", page.body);

    let changes: [(&str, Change); 13] = [
        ("another nonce", |c| c["nonce"] = json!("another")),
        ("no nonce", |c| drop(c.as_object_mut().unwrap().remove("nonce"))),
        ("another issuer", |c| c["iss"] = json!("http://127.0.0.1:1")),
        ("the issuer with a slash", |c| c["iss"] = json!(format!("{}/", c["iss"].as_str().unwrap()))),
        ("another audience", |c| c["aud"] = json!("other")),
        ("one audience more", |c| c["aud"] = json!(["vigie", "other"])),
        ("expired", |c| c["exp"] = json!(c["iat"].as_i64().unwrap() - 1)),
        ("no subject", |c| drop(c.as_object_mut().unwrap().remove("sub"))),
        ("a class that is not accepted", |c| c["acr"] = json!("urn:example:weak")),
        ("no class", |c| drop(c.as_object_mut().unwrap().remove("acr"))),
        ("issued in the future", |c| c["iat"] = json!(c["iat"].as_i64().unwrap() + 3600)),
        ("issued long ago", |c| c["iat"] = json!(c["iat"].as_i64().unwrap() - 3600)),
        ("a logout token", |c| c["events"] = json!({})),
    ];
    let mut faults: Vec<(&str, Make)> = Vec::new();
    for (what, change) in changes {
        let make = move |p: &False, mut claims: Value| {
            change(&mut claims);
            p.sign(&p.header(), &claims)
        };
        faults.push((what, Box::new(make)));
    }
    faults.push((
        "a key that is not published",
        Box::new(|_, claims| {
            let other = Key::new("other");
            other.sign(&other.header(), &claims)
        }),
    ));
    faults.push((
        "another key of the same name",
        Box::new(|p, claims| Key::new("first").sign(&p.header(), &claims)),
    ));
    faults.push((
        "no algorithm",
        Box::new(|p, claims| {
            let token = p.sign(&json!({ "alg": "none" }), &claims);
            token.rsplit_once('.').unwrap().0.to_owned() + "."
        }),
    ));
    faults.push((
        "no algorithm, signed",
        Box::new(|p, claims| p.sign(&json!({ "alg": "none", "kid": "first" }), &claims)),
    ));
    faults.push((
        "signed with our own secret",
        Box::new(|p, claims| {
            let token = p.sign(&json!({ "alg": "HS256" }), &claims);
            let message = token.rsplit_once('.').unwrap().0;
            let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
            let tag = hmac::sign(&key, message.as_bytes());
            use base64::Engine as _;
            format!("{message}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag.as_ref()))
        }),
    ));
    faults.push((
        "changed after signing",
        Box::new(|p, mut claims| {
            let good = p.sign(&p.header(), &claims);
            claims["sub"] = json!("root");
            let other = p.sign(&p.header(), &claims);
            let (g, o): (Vec<&str>, Vec<&str>) = (good.split('.').collect(), other.split('.').collect());
            format!("{}.{}.{}", g[0], o[1], g[2])
        }),
    ));
    faults.push(("no token", Box::new(|_, _| String::new())));
    faults.push(("no JWT", Box::new(|_, _| "abc".into())));
    assert!(faults.len() >= 20);
    for (what, make) in faults {
        let (page, inside) = try_with(&service, &provider, make).await;
        assert!(!inside, "{what} let somebody in");
        assert!(
            page.status.is_client_error() || page.status == StatusCode::BAD_GATEWAY,
            "{what}: {}",
            page.status
        );
        assert!(
            page.body.contains("Die Anmeldung ist nicht gelungen") || page.body.contains("did not work"),
            "{what}: {}",
            page.body
        );
    }
    assert_eq!(service.living_sessions().await, 1);
}

/// A good ID token after one arbitrary change: of a character, of a piece, of a claim, of the algorithm.
fn spoilt(p: &False, mut claims: Value, (kind, at, text): &(u8, usize, String)) -> String {
    let good = p.sign(&p.header(), &claims);
    let at = at % good.len();
    match kind % 4 {
        0 => {
            let other = if &good[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &good[..at], &good[at + 1..])
        }
        1 if text.is_empty() => good[..at].to_owned(),
        1 => format!("{}{text}{}", &good[..at], &good[at..]),
        2 => {
            // A subject or a time may be any text or number; these are none of what they should be.
            let values = [json!(null), json!(true), json!({ "a": text }), json!([text, 1])];
            let (name, value) = match at % 7 {
                0 => ("iss", json!(text)),
                1 => ("nonce", json!(text)),
                2 => ("acr", json!(text)),
                3 => ("aud", json!(text)),
                n => (["sub", "exp", "iat"][n - 4], values[at / 7 % values.len()].clone()),
            };
            claims[name] = value;
            p.sign(&p.header(), &claims)
        }
        _ => {
            let mut header = p.header();
            header["alg"] = json!(text);
            p.sign(&header, &claims)
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_id_token_that_was_spoilt_anywhere_lets_nobody_in(pool: PgPool) {
    let changes = some((any::<u8>(), any::<usize>(), nasty()), 120);
    // A network may log in so often; another start has forgotten it.
    for changes in changes.chunks(24) {
        let (service, provider) = False::start(&pool).await;
        for change in changes {
            let (page, inside) = try_with(&service, &provider, |p, claims| spoilt(p, claims, change)).await;
            assert!(!inside, "{change:?} let somebody in");
            let refused = page.status.is_client_error() || page.status == StatusCode::BAD_GATEWAY;
            assert!(refused && page.status != StatusCode::TOO_MANY_REQUESTS, "{change:?}: {}", page.status);
        }
        assert_eq!(service.living_sessions().await, 0);
        assert!(
            try_with(&service, &provider, |p, claims| p.sign(&p.header(), &claims)).await.1,
            "a good one"
        );
        sqlx::query("truncate account cascade").execute(&pool).await.unwrap();
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_unknown_key_is_looked_for_once_and_not_again_and_again(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let good = |p: &False, claims: Value| p.sign(&p.header(), &claims);
    assert!(try_with(&service, &provider, good).await.1);
    let asked = |p: &False| p.says.lock().unwrap().keys_asked;
    assert_eq!(asked(&provider), 1);
    provider.rotate();
    assert!(!try_with(&service, &provider, good).await.1, "its keys were fetched a moment ago");
    assert_eq!(asked(&provider), 1);
    service.pass(TimeDelta::seconds(11));
    assert!(try_with(&service, &provider, good).await.1, "a new key of the provider is found");
    assert_eq!(asked(&provider), 2);
    for _ in 0..5 {
        let forged = |_: &False, claims: Value| {
            let other = Key::new("forged");
            other.sign(&other.header(), &claims)
        };
        assert!(!try_with(&service, &provider, forged).await.1);
    }
    assert_eq!(asked(&provider), 2, "forged tokens do not make us ask");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_way_to_the_provider_carries_what_it_must(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let mut browser = service.browser();
    let to = browser.get_once("/account/login/agov?lang=fr").await.header("location").to_owned();
    assert!(to.starts_with(&format!("{}/auth?", provider.issuer)), "{to}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "vigie"),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
        ("ui_locales", "fr"),
        ("redirect_uri", &format!("{}/oidc/callback/agov", service.origin)),
    ] {
        assert_eq!(param(&to, name), value, "{to}");
    }
    assert!(param(&to, "acr_values").starts_with(&provider.acr()));
    assert!(param(&to, "state").len() >= 43 && param(&to, "nonce").len() >= 43);
    let cookie = browser.set.iter().find(|c| c.starts_with("__Host-vigie-login=")).unwrap();
    assert!(cookie.contains("; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    // And the code is redeemed with the verifier of its challenge.
    assert!(try_with(&service, &provider, |p, claims| p.sign(&p.header(), &claims)).await.1);
    assert!(provider.says.lock().unwrap().request.contains("code_verifier="));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn two_logins_of_one_browser_do_not_spoil_one_another(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let mut browser = service.browser();
    let first = browser.get_once("/account/login/agov").await.header("location").to_owned();
    let second = browser.get_once("/account/login/agov").await.header("location").to_owned();
    let now = service.time.now().timestamp();
    for (to, left) in [(second, true), (first, false)] {
        let claims = provider.claims(&param(&to, "nonce"), now);
        provider.says.lock().unwrap().token = provider.sign(&provider.header(), &claims);
        let page = browser.get(&format!("/oidc/callback/agov?code=c&state={}", param(&to, "state"))).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/account"), "{}", page.body);
        assert_eq!(browser.cookies.contains_key("__Host-vigie-login"), left);
    }
    assert_eq!(service.living_sessions().await, 1, "of the one browser");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_answer_that_belongs_to_no_login_of_this_browser_is_refused(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let mut browser = service.browser();
    let to = browser.get_once("/account/login/agov").await.header("location").to_owned();
    let (state, now) = (param(&to, "state"), service.time.now().timestamp());
    let claims = provider.claims(&param(&to, "nonce"), now);
    provider.says.lock().unwrap().token = provider.sign(&provider.header(), &claims);
    let right = format!("/oidc/callback/agov?code=c&state={state}");
    for wrong in ["/oidc/callback/agov?code=c&state=x", "/oidc/callback/agov?code=c", "/oidc/callback/agov"] {
        assert_eq!(browser.get(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(
        service.browser().get(&right).await.status,
        StatusCode::BAD_REQUEST,
        "a browser without the cookie"
    );
    let mut other = service.browser();
    other.get_once("/account/login/agov").await;
    assert_eq!(other.get(&right).await.status, StatusCode::BAD_REQUEST, "a browser with its own cookie");
    let page = browser.get(&format!("{right}&iss=https://evil.test")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "the answer of another issuer");
    assert_eq!(browser.get(&right).await.status, StatusCode::BAD_REQUEST, "a login is tried once");
    let to = browser.get_once("/account/login/agov").await.header("location").to_owned();
    service.pass(TimeDelta::minutes(16));
    let late = format!("/oidc/callback/agov?code=c&state={}", param(&to, "state"));
    assert_eq!(
        browser.get(&late).await.status,
        StatusCode::BAD_REQUEST,
        "a login takes a quarter of an hour at most"
    );
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_login_leads_to_a_page_of_this_site_only(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    for (asked, reached) in [
        ("/account?lang=it", "/account?lang=it"),
        ("/explore", "/explore"),
        ("https://evil.test/", "/account?lang=de"),
        ("//evil.test/", "/account?lang=de"),
        ("/\\evil.test/", "/account?lang=de"),
        ("\\\\evil.test", "/account?lang=de"),
        ("/%09/evil.test", "/%09/evil.test"),
        ("javascript:alert(1)", "/account?lang=de"),
        ("", "/account?lang=de"),
    ] {
        let mut browser = service.browser();
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", asked).finish();
        let to =
            browser.get_once(&format!("/account/login/agov?{query}")).await.header("location").to_owned();
        let claims = provider.claims(&param(&to, "nonce"), service.time.now().timestamp());
        provider.says.lock().unwrap().token = provider.sign(&provider.header(), &claims);
        let answer =
            browser.get_once(&format!("/oidc/callback/agov?code=c&state={}", param(&to, "state"))).await;
        assert_eq!(answer.header("location"), reached, "{asked}: {}", answer.body);
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_description_that_leads_elsewhere_is_not_followed(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let issuer = provider.issuer.clone();
    let with = |change: &[(&str, &str)]| {
        let mut all = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
        });
        for (name, value) in change {
            all[*name] = json!(value);
        }
        all
    };
    for wrong in [
        ("issuer", "https://evil.test"),
        ("authorization_endpoint", "https://evil.test/auth"),
        ("token_endpoint", "http://127.0.0.1:1/token"),
        ("jwks_uri", "http://127.0.0.1:1/jwks"),
        ("end_session_endpoint", "https://evil.test/out"),
    ] {
        provider.says.lock().unwrap().description = Some(with(&[wrong]));
        let page = service.browser().get("/account/login/agov").await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{wrong:?}: {}", page.body);
    }
    provider.says.lock().unwrap().description = None;
    assert_eq!(service.browser().get_once("/account/login/agov").await.status, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_tries_too_often_waits_and_a_disabled_account_is_told_nothing(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let good = |p: &False, claims: Value| p.sign(&p.header(), &claims);
    assert!(try_with(&service, &provider, good).await.1);
    let id: String = sqlx::query_scalar("select id from account").fetch_one(&pool).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    identity::accounts::disable(&mut conn, &id, service.time.now()).await.unwrap();
    let (disabled, inside) = try_with(&service, &provider, good).await;
    let forge = |p: &False, claims: Value| Key::new("first").sign(&p.header(), &claims);
    let (forged, _) = try_with(&service, &provider, forge).await;
    assert!(!inside);
    let bare = |p: &Page| p.body.clone();
    assert_eq!(disabled.status, StatusCode::FORBIDDEN);
    assert!(bare(&disabled).contains("konnte nicht abgeschlossen werden"), "{}", disabled.body);
    assert!(bare(&forged).contains("konnte nicht abgeschlossen werden"), "{}", forged.body);
    let mut last = service.browser().get_once("/account/login/agov").await;
    // Sixty at once, and one more each second that this takes: the next one may be let in again.
    for _ in 0..1000 {
        if last.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        last = service.browser().get_once("/account/login/agov").await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!last.header("retry-after").is_empty());
    assert_eq!(
        service.browser().get("/account").await.status,
        StatusCode::OK,
        "the page itself is not counted"
    );
}
