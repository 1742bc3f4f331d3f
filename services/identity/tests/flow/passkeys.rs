//! Passkeys with an authenticator in software, and everything that is refused.

use crate::browser::{Browser, Page};
use crate::common::{Place, Service, country};
use crate::post::Post;
use chrono::TimeDelta;
use identity::{Options, accounts};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use url::Url;
use webauthn_authenticator_rs::WebauthnAuthenticator as _;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

/// Somebody who runs the installation.
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) browser: Browser,
    pub(crate) key: SoftPasskey,
}

pub(crate) async fn service(pool: &PgPool, options: Options) -> Service {
    Service::with(Place::named().await, pool, country("us"), options).await
}

/// Somebody with a role, just logged in, without a passkey.
pub(crate) async fn person(service: &Service, subject: &str, role: &str) -> Person {
    let (account, browser) = service.somebody(subject).await;
    let mut conn = service.pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &account, role, "command", service.time.now(), None).await.unwrap();
    Person { account, browser, key: SoftPasskey::new(true) }
}

/// The same with one.
pub(crate) async fn registered(service: &Service, subject: &str, role: &str) -> Person {
    let mut one = person(service, subject, role).await;
    let page = one.register(&service.origin).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    one
}

pub(crate) fn read(page: &Page) -> Value {
    serde_json::from_str(&page.body).unwrap_or_else(|e| panic!("{e}: {}", page.body))
}

/// What an authenticator answers on a page of `origin` that was given `options`.
fn made(key: &mut SoftPasskey, origin: &str, options: &Page) -> Value {
    let options = serde_json::from_value(read(options)).unwrap();
    json!(key.do_registration(origin.parse::<Url>().unwrap(), options).unwrap())
}

pub(crate) fn signed(key: &mut SoftPasskey, origin: &str, options: &Page) -> Value {
    let options = serde_json::from_value(read(options)).unwrap();
    json!(key.do_authentication(origin.parse::<Url>().unwrap(), options).unwrap())
}

impl Person {
    pub(crate) async fn ask(&mut self, step: &str) -> Page {
        self.browser.json(&format!("/account/passkeys{step}"), &json!({})).await
    }

    pub(crate) async fn register(&mut self, origin: &str) -> Page {
        let options = self.ask("/options").await;
        assert_eq!(options.status, StatusCode::OK, "{}", options.body);
        let credential = made(&mut self.key, origin, &options);
        self.browser.json("/account/passkeys", &json!({ "name": "Desk", "credential": credential })).await
    }

    pub(crate) async fn confirm(&mut self, origin: &str) -> Page {
        let options = self.ask("/confirm/options").await;
        assert_eq!(options.status, StatusCode::OK, "{}", options.body);
        let answer = signed(&mut self.key, origin, &options);
        self.answer(&answer).await
    }

    pub(crate) async fn answer(&mut self, credential: &Value) -> Page {
        let body = json!({ "credential": credential, "return_to": "/account" });
        self.browser.json("/account/passkeys/confirm", &body).await
    }

    /// What the audit answers to a token of now.
    pub(crate) async fn reads_audit(&mut self, service: &Service) -> (StatusCode, Value) {
        let token = read(&self.browser.send("/account/token", &[]).await);
        let asked = crate::browser::client()
            .request(Method::GET, format!("{}/account/audit", service.origin))
            .bearer_auth(token["access_token"].as_str().unwrap());
        let answer = asked.send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

pub(crate) async fn actions(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select action from audit order by seq").fetch_all(pool).await.unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_an_operator_does_wants_a_passkey_used_a_short_while_ago(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = person(&service, "ada", "auditor").await;
    let (status, body) = ada.reads_audit(&service).await;
    assert_eq!((status, &body["code"]), (StatusCode::UNAUTHORIZED, &json!("step_up")));
    assert!(body["detail"].as_str().unwrap().contains("/account/passkeys"));
    let page = ada.browser.get("/account").await;
    assert!(page.body.contains("Your role wants a passkey, and you have none yet"), "{}", page.body);
    let none = ada.ask("/confirm/options").await;
    assert_eq!(none.status, StatusCode::CONFLICT, "{}", none.body);

    let page = ada.register(&service.origin).await;
    assert_eq!(read(&page)["to"], "/account/passkeys?done=added");
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::OK, "registering it was using it");
    let page = ada.browser.get("/account/passkeys").await;
    assert!(page.body.contains("<h3>Desk</h3>") && page.body.contains("Last used: never"), "{}", page.body);

    service.pass(TimeDelta::minutes(5) + TimeDelta::seconds(1));
    assert_eq!(ada.reads_audit(&service).await.1["code"], "step_up");
    let page = ada.confirm(&service.origin).await;
    assert_eq!((page.status, read(&page)["to"].as_str()), (StatusCode::OK, Some("/account")));
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::OK);
    // Another session of the same person has used none.
    let mut other = service.logged_in(&ada.account).await;
    std::mem::swap(&mut ada.browser, &mut other);
    assert_eq!(ada.reads_audit(&service).await.1["code"], "step_up");
    let kept = ["passkey.add", "audit.read", "passkey.use", "audit.read"];
    assert_eq!(actions(&pool).await, kept);
    // The public half is kept and nothing else.
    let all: Value = sqlx::query_scalar("select credential from passkey").fetch_one(&pool).await.unwrap();
    let text = all.to_string();
    assert!(text.contains("EC_EC2") && !text.contains("\"d\"") && !text.contains("private"), "{text}");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn how_long_the_use_of_a_passkey_counts_is_a_setting(pool: PgPool) {
    let options = Options { passkey_minutes: 2.try_into().unwrap(), ..Options::default() };
    let service = service(&pool, options).await;
    let mut ada = registered(&service, "ada", "auditor").await;
    service.pass(TimeDelta::seconds(119));
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::OK);
    service.pass(TimeDelta::seconds(2));
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_answer_counts_once_for_its_session_its_time_and_this_origin(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let here = service.origin.clone();
    let mut ada = registered(&service, "ada", "operator").await;
    let options = ada.ask("/confirm/options").await;
    let answer = signed(&mut ada.key, &here, &options);
    // In another session of the same person, and in somebody else's.
    let mut elsewhere = service.logged_in(&ada.account).await;
    let mut bob = registered(&service, "bob", "operator").await;
    bob.ask("/confirm/options").await;
    for browser in [&mut elsewhere, &mut bob.browser] {
        let page = browser.json("/account/passkeys/confirm", &json!({ "credential": answer })).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    }
    assert_eq!(ada.answer(&answer).await.status, StatusCode::OK);
    let again = ada.answer(&answer).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "replayed");
    assert!(again.body.contains("no such challenge under way"), "{}", again.body);
    // Replayed to a new challenge.
    ada.ask("/confirm/options").await;
    assert_eq!(ada.answer(&answer).await.status, StatusCode::FORBIDDEN);
    // Made on another site whose name ends as ours, on another port, without TLS.
    for origin in ["https://localhost", "http://localhost:1", "https://localhost:8443"] {
        let options = ada.ask("/confirm/options").await;
        let wrong = signed(&mut ada.key, origin, &options);
        assert_eq!(ada.answer(&wrong).await.status, StatusCode::FORBIDDEN, "{origin}");
    }
    // Too late.
    let options = ada.ask("/confirm/options").await;
    let late = signed(&mut ada.key, &here, &options);
    service.pass(TimeDelta::minutes(2));
    assert_eq!(ada.answer(&late).await.status, StatusCode::FORBIDDEN);
    // The challenge of a registration is none of a use.
    service.confirmed(&ada.account).await;
    ada.ask("/options").await;
    assert!(ada.answer(&late).await.body.contains("no such challenge"));
    // The same for a new passkey: another origin, and twice.
    let mut carl = person(&service, "carl", "dpo").await;
    let wrong = carl.register("https://localhost").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{}", wrong.body);
    let options = carl.ask("/options").await;
    let body = json!({ "name": "Desk", "credential": made(&mut carl.key, &here, &options) });
    assert_eq!(carl.browser.json("/account/passkeys", &body).await.status, StatusCode::OK);
    assert_eq!(carl.browser.json("/account/passkeys", &body).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_was_not_verified_by_the_authenticator_is_refused(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = person(&service, "ada", "operator").await;
    ada.key = SoftPasskey::new(false);
    let options = ada.ask("/options").await;
    assert_eq!(read(&options)["publicKey"]["authenticatorSelection"]["userVerification"], "required");
    let mut softer = read(&options);
    softer["publicKey"]["authenticatorSelection"]["userVerification"] = json!("discouraged");
    let softer = serde_json::from_value(softer).unwrap();
    let credential = json!(ada.key.do_registration(service.origin.parse().unwrap(), softer).unwrap());
    let body = json!({ "name": "Desk", "credential": credential });
    let page = ada.browser.json("/account/passkeys", &body).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_passkey_whose_count_goes_back_is_accepted_no_more(pool: PgPool) {
    let mut post = Post::open();
    let service = service(&pool, Options { mail: post.options(), ..Options::default() }).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let mut conn = pool.acquire().await.unwrap();
    let now = service.time.now();
    let email = "ada@vigie.test";
    identity::rights::contacts::of_this_account(&mut conn, &ada.account, email, "en", now).await.unwrap();
    assert_eq!(ada.confirm(&service.origin).await.status, StatusCode::OK);
    // Its copy was used a hundred times.
    sqlx::query(
        "update passkey set credential = jsonb_set(credential, '{cred,counter}', '100'), counter = 100",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let page = ada.confirm(&service.origin).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("a copy of this passkey"), "{}", page.body);
    assert!(post.next().await.body().contains("only a copy explains"));
    assert_eq!(actions(&pool).await.last().unwrap(), "passkey.copied");
    let page = ada.browser.get("/account/passkeys").await;
    assert!(page.body.contains("No longer accepted"), "{}", page.body);
    assert_eq!(ada.ask("/confirm/options").await.status, StatusCode::CONFLICT, "none is left to be used");
    // Two uses at once that counted the same: the second to arrive is the copy.
    let mut bob = registered(&service, "bob", "operator").await;
    let options = bob.ask("/confirm/options").await;
    let answer = signed(&mut bob.key, &service.origin, &options);
    sqlx::query("update passkey set counter = 50 where account_id = $1")
        .bind(&bob.account)
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(bob.answer(&answer).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_removed_passkey_opens_nothing_and_what_it_opened_is_closed(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = registered(&service, "ada", "auditor").await;
    let mut elsewhere = Person {
        account: ada.account.clone(),
        browser: service.logged_in(&ada.account).await,
        key: SoftPasskey::new(true),
    };
    let options = elsewhere.ask("/confirm/options").await;
    let answer = signed(&mut ada.key, &service.origin, &options);
    let id: String = sqlx::query_scalar("select id from passkey").fetch_one(&pool).await.unwrap();
    // Neither without having used one, nor by somebody else.
    let remove = format!("/account/passkeys/{id}/remove");
    let page = elsewhere.browser.send(&remove, &[]).await;
    assert!(page.url.path() == "/account/passkeys" && page.body.contains("needs your passkey first"));
    assert_eq!(read(&elsewhere.browser.json(&remove, &json!({})).await)["code"], "step_up");
    let mut bob = registered(&service, "bob", "auditor").await;
    assert_eq!(bob.browser.send(&remove, &[]).await.status, StatusCode::NOT_FOUND);
    let rename = format!("/account/passkeys/{id}/name");
    assert_eq!(bob.browser.send(&rename, &[("name", "mine")]).await.status, StatusCode::NOT_FOUND);
    for bad in ["", "a\u{7}b", &"x".repeat(61)] {
        let page = ada.browser.send(&rename, &[("name", bad)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let page = ada.browser.send(&rename, &[("name", "<b>Phone</b>")]).await;
    assert!(page.body.contains("&#60;b&#62;Phone") && !page.body.contains("<b>Phone"), "{}", page.body);
    let page = ada.browser.send(&remove, &[]).await;
    assert!(page.body.contains("The passkey was removed."), "{}", page.body);
    let late = elsewhere.answer(&answer).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert!(late.body.contains("was removed"), "{}", late.body);
    assert_eq!(ada.reads_audit(&service).await.1["code"], "step_up");
    let written = actions(&pool).await;
    assert_eq!(written, ["passkey.add", "passkey.add", "passkey.rename", "passkey.remove"]);
    let said: String = sqlx::query_scalar("select detail::text from audit where action = 'passkey.rename'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!said.contains("Phone"), "what somebody calls their things is not the audit's: {said}");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_first_passkey_wants_a_fresh_and_strong_login_and_a_further_one_a_passkey(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = person(&service, "ada", "operator").await;
    service.pass(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let page = ada.ask("/options").await;
    assert_eq!((page.status, &read(&page)["code"]), (StatusCode::UNAUTHORIZED, &json!("step_up")));
    let page = ada.browser.get("/account/passkeys").await;
    assert!(page.body.contains("Log in again") && !page.body.contains("data-passkey=\"add\""));
    ada.browser = service.logged_in(&ada.account).await;
    sqlx::query("update session set acr = 'weaker'").execute(&pool).await.unwrap();
    assert_eq!(ada.ask("/options").await.status, StatusCode::UNAUTHORIZED);
    ada.browser = service.logged_in(&ada.account).await;
    assert_eq!(ada.register(&service.origin).await.status, StatusCode::OK);
    // With one, a fresh login alone is not enough any more: a stolen login registers nothing.
    ada.browser = service.logged_in(&ada.account).await;
    assert_eq!(ada.ask("/options").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ada.confirm(&service.origin).await.status, StatusCode::OK);
    let options = ada.ask("/options").await;
    let known = read(&options)["publicKey"]["excludeCredentials"].as_array().map(Vec::len);
    assert_eq!(known, Some(1), "an authenticator that has one is not asked again");
    let mut second = SoftPasskey::new(true);
    let body = json!({ "name": "Phone", "credential": made(&mut second, &service.origin, &options) });
    assert_eq!(ada.browser.json("/account/passkeys", &body).await.status, StatusCode::OK);
    ada.key = second;
    assert_eq!(ada.confirm(&service.origin).await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_has_no_such_role_has_no_passkeys(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut specialist = person(&service, "a", "specialist").await;
    let (_, mut plain) = service.somebody("b").await;
    let mut nobody = service.browser();
    for (browser, status) in [
        (&mut specialist.browser, StatusCode::FORBIDDEN),
        (&mut plain, StatusCode::FORBIDDEN),
        (&mut nobody, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(browser.get("/account/passkeys").await.status, status);
        for step in ["", "/options", "/confirm", "/confirm/options"] {
            let page = browser.json(&format!("/account/passkeys{step}"), &json!({})).await;
            assert_eq!(page.status, status, "{step}");
        }
        for step in ["/codes", "/recover", "/x/name", "/x/remove"] {
            let page =
                browser.send(&format!("/account/passkeys{step}"), &[("code", "a"), ("name", "b")]).await;
            assert_eq!(page.status, status, "{step}");
        }
    }
    assert!(!plain.get("/account").await.body.contains("/account/passkeys"));
    // Another site's page cannot even ask.
    let mut ada = person(&service, "ada", "operator").await;
    ada.browser.cookies.insert("x".into(), "y".into());
    let foreign = crate::browser::client()
        .post(format!("{}/account/passkeys/options", service.origin))
        .header("cookie", format!("__Host-vigie-session={}", ada.browser.session().unwrap()))
        .header("origin", "https://evil.test")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_lost_the_role_sees_and_removes_their_passkeys_and_does_nothing_else_with_them(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let mut bob = registered(&service, "bob", "auditor").await;
    ada.browser.send("/account/passkeys/codes", &[]).await;
    let mut conn = pool.acquire().await.unwrap();
    for (one, role) in [(&ada, "operator"), (&bob, "auditor")] {
        assert!(accounts::revoke(&mut conn, &one.account, role).await.unwrap());
    }
    let path = async |one: &Person, act: &str| {
        let id: String = sqlx::query_scalar("select id from passkey where account_id = $1")
            .bind(&one.account)
            .fetch_one(&pool)
            .await
            .unwrap();
        format!("/account/passkeys/{id}/{act}")
    };
    service.pass(TimeDelta::minutes(11));
    assert!(ada.browser.get("/account").await.body.contains("/account/passkeys"));
    let page = ada.browser.get("/account/passkeys").await;
    assert!(page.body.contains("<h3>Desk</h3>") && page.body.contains("open nothing here"), "{}", page.body);
    assert!(!page.body.contains("/remove") && page.body.contains("Log in again"), "{}", page.body);
    for step in ["/codes", "/recover"] {
        let page = ada.browser.send(&format!("/account/passkeys{step}"), &[("code", "a")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{step}");
    }
    assert_eq!(ada.ask("/options").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.ask("").await.status, StatusCode::FORBIDDEN);
    // An old session alone removes none; with the passkey it does, and renames.
    let (name, remove) = (path(&ada, "name").await, path(&ada, "remove").await);
    assert_eq!(read(&ada.browser.json(&remove, &json!({})).await)["code"], "step_up");
    let mut bobs = service.logged_in(&bob.account).await;
    assert_eq!(bobs.send(&remove, &[]).await.status, StatusCode::NOT_FOUND, "somebody else's");
    assert_eq!(ada.confirm(&service.origin).await.status, StatusCode::OK);
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::FORBIDDEN, "it opens nothing");
    let page = ada.browser.send(&name, &[("name", "Drawer")]).await;
    assert!(page.body.contains("<h3>Drawer</h3>") && page.body.contains(&remove), "{}", page.body);
    let page = ada.browser.send(&remove, &[]).await;
    assert!(page.url.path() == "/account" && page.body.contains("The passkey was removed"), "{}", page.body);
    assert_eq!(
        ada.browser.get("/account/passkeys").await.status,
        StatusCode::FORBIDDEN,
        "nothing is left to see"
    );
    let left: (i64, i64) = sqlx::query_as(
        "select (select count(*) from passkey where account_id = $1), (select count(*) from recovery_code)",
    )
    .bind(&ada.account)
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(left, (0, 0));
    // Who lost the passkey too logs in again. A weaker login is not enough, and neither is it with a role.
    bob.browser = service.logged_in(&bob.account).await;
    let remove = path(&bob, "remove").await;
    sqlx::query("update session set acr = 'weaker'").execute(&pool).await.unwrap();
    assert_eq!(read(&bob.browser.json(&remove, &json!({})).await)["code"], "step_up");
    bob.browser = service.logged_in(&bob.account).await;
    let now = service.time.now();
    accounts::grant(&mut conn, &bob.account, "auditor", "command", now, None).await.unwrap();
    assert_eq!(read(&bob.browser.json(&remove, &json!({})).await)["code"], "step_up");
    // Kept and not used, as somebody may ask: the role is there and counts for nothing, what is kept can go.
    bob.browser.send("/account/rights/restriction", &[("on", "yes")]).await;
    assert!(bob.browser.get("/account/passkeys").await.body.contains("open nothing here"));
    assert_eq!(bob.ask("/options").await.status, StatusCode::FORBIDDEN);
    bob.browser.send(&remove, &[]).await;
    let kept: i64 = sqlx::query_scalar("select count(*) from passkey").fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 0);
    assert_eq!(actions(&pool).await.iter().filter(|a| *a == "passkey.remove").count(), 2);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_page_speaks_every_language_and_asks_an_authenticator_by_one_script_of_ours(pool: PgPool) {
    for profile in crate::common::countries() {
        let service = Service::with(Place::named().await, &pool, profile.clone(), Options::default()).await;
        let mut ada = person(&service, &format!("ada-{}", profile.country), "operator").await;
        for state in 0..5 {
            match state {
                1 => drop(ada.register(&service.origin).await),
                2 => ada.browser = service.logged_in(&ada.account).await,
                3 => drop(sqlx::query("update session set acr = 'weaker'").execute(&pool).await.unwrap()),
                4 => drop(sqlx::query("delete from role_grant").execute(&pool).await.unwrap()),
                _ => {}
            }
            for language in &profile.languages {
                let path = format!("/account/passkeys?lang={}&done=added", language.code);
                let page = ada.browser.get(&path).await;
                assert_eq!(page.status, StatusCode::OK, "{}", page.body);
                assert!(page.body.contains(&format!("<html lang=\"{}\">", language.tag)));
                assert_eq!(crate::texts::gaps(&page.body), [""; 0], "{}: {}", language.code, page.body);
                assert!(page.body.contains("<noscript>"));
                let policy = page.header("content-security-policy");
                for wanted in ["script-src 'self';", "connect-src 'self';", "trusted-types 'none'"] {
                    assert!(policy.contains(wanted) && !policy.contains("unsafe"), "{policy}");
                }
            }
        }
        let page = ada.browser.get("/account/passkeys").await;
        let script = page.body.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(page.body.matches("<script").count(), 1);
        let file = service.browser().get(script).await;
        assert_eq!(
            (file.status, file.header("content-type")),
            (StatusCode::OK, "text/javascript; charset=utf-8")
        );
        for dangerous in ["innerHTML", "eval(", "document.write", "insertAdjacentHTML", "Function("] {
            assert!(!file.body.contains(dangerous), "{dangerous}");
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn under_a_bare_address_no_passkey_can_be_made_and_the_page_says_so(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let mut ada = person(&service, "ada", "operator").await;
    let page = ada.browser.get("/account/passkeys").await;
    assert!(page.body.contains("browsers want a name there"), "{}", page.body);
    assert!(!page.body.contains("data-passkey"), "{}", page.body);
    assert_eq!(ada.ask("/options").await.status, StatusCode::FORBIDDEN);
}
