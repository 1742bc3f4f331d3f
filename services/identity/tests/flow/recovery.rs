//! The way back in when every passkey is lost: codes, and a colleague.

use crate::browser::Page;
use crate::common::root;
use crate::passkeys::{actions, read, registered, service};
use crate::post::Post;
use chrono::TimeDelta;
use identity::Options;
use reqwest::StatusCode;
use sqlx::PgPool;
use std::process::Command;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;

/// The codes of a page.
pub(crate) fn codes(page: &Page) -> Vec<String> {
    let items = page.body.split("<li class=\"code\">").skip(1);
    items.map(|item| item.split('<').next().unwrap().to_owned()).collect()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_recovery_code_lets_one_register_anew_once_and_nothing_else(pool: PgPool) {
    let mut post = Post::open();
    let service = service(&pool, Options { mail: post.options(), ..Options::default() }).await;
    let mut ada = registered(&service, "ada", "auditor").await;
    let mut conn = pool.acquire().await.unwrap();
    let now = service.time.now();
    let email = "ada@vigie.test";
    identity::rights::contacts::of_this_account(&mut conn, &ada.account, email, "en", now).await.unwrap();
    let page = ada.browser.send("/account/passkeys/codes", &[]).await;
    let codes = codes(&page);
    assert_eq!((codes.len(), page.header("cache-control")), (10, "no-store"), "{}", page.body);
    assert!(post.next().await.body().contains("New recovery codes"));
    let shown = ada.browser.get("/account/passkeys").await;
    assert!(shown.body.contains("still use: 10") && !shown.body.contains(&codes[0]), "shown once");
    let kept: String = sqlx::query_scalar("select string_agg(r::text, ' ') from recovery_code r")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert!(codes.iter().all(|c| !kept.contains(c.as_str()) && !kept.contains(&c.replace('-', ""))));

    // The authenticator is lost: a new browser, a new key.
    ada.browser = service.logged_in(&ada.account).await;
    ada.key = SoftPasskey::new(true);
    let recover = "/account/passkeys/recover";
    let page = ada.browser.send(recover, &[("code", "AAAAA-AAAAA-AAAAA-AAAAA")]).await;
    assert!(page.body.contains("none of your codes"), "{}", page.body);
    let mut bob = registered(&service, "bob", "auditor").await;
    let page = bob.browser.send(recover, &[("code", &codes[0])]).await;
    assert!(page.body.contains("none of your codes"), "somebody else's");
    let page = ada.browser.send(recover, &[("code", &codes[0].to_lowercase())]).await;
    assert!(page.body.contains("The code was accepted"), "{}", page.body);
    assert!(post.next().await.body().contains("A recovery code of your account"));
    assert_eq!(ada.reads_audit(&service).await.1["code"], "step_up", "it allows nothing else");
    let page = ada.browser.send("/account/passkeys/codes", &[]).await;
    assert!(page.body.contains("needs your passkey first") && self::codes(&page).is_empty());
    let page = ada.browser.send(recover, &[("code", &codes[0])]).await;
    assert!(page.body.contains("none of your codes"), "twice");
    assert_eq!(ada.register(&service.origin).await.status, StatusCode::OK);
    assert!(post.next().await.body().contains("A passkey was registered"));
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::OK);
    // It recovered one, not two.
    service.pass(TimeDelta::minutes(6));
    assert_eq!(ada.ask("/options").await.status, StatusCode::UNAUTHORIZED);
    // The second code, after its ten minutes.
    ada.browser.send(recover, &[("code", &codes[1])]).await;
    service.pass(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    assert_eq!(ada.ask("/options").await.status, StatusCode::UNAUTHORIZED);
    let seen = actions(&pool).await;
    for action in ["recovery.make", "recovery.refused", "recovery.use"] {
        assert!(seen.iter().any(|a| a == action), "{action}: {seen:?}");
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn codes_are_guessed_no_faster_than_logins(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let mut last = StatusCode::OK;
    for n in 0..21 {
        last = ada.browser.send("/account/passkeys/recover", &[("code", &format!("guess-{n}"))]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_colleague_resets_the_passkeys_of_somebody_and_nobody_their_own(pool: PgPool) {
    let mut post = Post::open();
    let service = service(&pool, Options { mail: post.options(), ..Options::default() }).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let mut bob = registered(&service, "bob", "operator").await;
    let mut conn = pool.acquire().await.unwrap();
    let now = service.time.now();
    let email = "bob@vigie.test";
    identity::rights::contacts::of_this_account(&mut conn, &bob.account, email, "en", now).await.unwrap();
    bob.browser.send("/account/passkeys/codes", &[]).await;
    post.next().await;
    let token = read(&ada.browser.send("/account/token", &[]).await)["access_token"].clone();
    let reset = async |account: &str| {
        let path = format!("{}/account/people/{account}/passkeys/reset", service.origin);
        let request = crate::browser::client().post(path).bearer_auth(token.as_str().unwrap());
        request.send().await.unwrap().status()
    };
    assert_eq!(reset(&ada.account).await, StatusCode::CONFLICT, "not one's own");
    assert_eq!(reset("nobody").await, StatusCode::NOT_FOUND);
    assert_eq!(reset(&bob.account).await, StatusCode::NO_CONTENT);
    assert!(post.next().await.body().contains("removed all passkeys"));
    assert_eq!(bob.browser.get("/account/passkeys").await.status, StatusCode::UNAUTHORIZED, "logged out");
    let left: (i64, i64) = sqlx::query_as(
        "select (select count(*) from passkey where account_id = $1), (select count(*) from recovery_code)",
    )
    .bind(&bob.account)
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(left, (0, 0));
    bob.browser = service.logged_in(&bob.account).await;
    assert_eq!(bob.register(&service.origin).await.status, StatusCode::OK);
    // On the machine itself, when there is no colleague.
    drop(conn);
    let (url, trail) = crate::roles::addresses(&pool).await;
    let run = Command::new(env!("CARGO_BIN_EXE_identity"))
        .current_dir(root())
        .args(["operators", "reset", &ada.account])
        .env("DATABASE_URL", url.as_str())
        .env("VIGIE_AUDIT_DATABASE_URL", trail.as_str())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(ada.browser.get("/account/passkeys").await.status, StatusCode::UNAUTHORIZED);
    let entries: Vec<(String, String)> =
        sqlx::query_as("select actor, action from audit where action = 'passkey.reset' order by seq")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].0, "command");
}
