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
    let entries: Vec<(String, serde_json::Value)> =
        sqlx::query_as("select actor, detail from audit where action = 'passkey.reset' order by seq")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].1, serde_json::json!({ "passkeys": 1, "codes": 10, "sessions": 1 }));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_command_resets_whatever_there_is_and_writes_or_says_why_not(pool: PgPool) {
    let mut post = Post::open();
    let service = service(&pool, Options { mail: post.options(), ..Options::default() }).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let mut bob = registered(&service, "bob", "operator").await;
    let (eve, mut eves) = service.somebody("eve").await;
    let now = service.time.now();
    let mut conn = pool.acquire().await.unwrap();
    for (account, email) in [(&bob.account, "bob@vigie.test"), (&eve, "eve@vigie.test")] {
        identity::rights::contacts::of_this_account(&mut conn, account, email, "fr", now).await.unwrap();
    }
    drop(conn);
    let (url, trail) = crate::roles::addresses(&pool).await;
    let (from, smtp) = ("Vigie <vigie@vigie.test>", post.address);
    let reset = |account: &str, smtp: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_identity"))
            .current_dir(root())
            .args(["operators", "reset", account])
            .env("DATABASE_URL", url.as_str())
            .env("VIGIE_AUDIT_DATABASE_URL", trail.as_str())
            .env("VIGIE_PROFILE", root().join("clusters/us/profile/profile.toml"))
            .env("VIGIE_PUBLIC_URL", "https://vigie.test")
            .env("VIGIE_SMTP", smtp)
            .env("VIGIE_SMTP_FROM", from)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (run.status.success(), text(&run.stdout), text(&run.stderr))
    };
    let smtp = format!("smtp://{smtp}");
    // With an address, without one, without a mail server.
    let (done, said, why) = reset(&bob.account, &smtp);
    assert!(
        done && said.contains("1 passkeys and 0 recovery codes removed, 1 sessions ended"),
        "{said}{why}"
    );
    assert!(said.contains("its owner was written to"), "{said}{why}");
    let letter = post.next().await;
    assert_eq!(letter.to, ["bob@vigie.test"]);
    assert!(letter.body().contains("https://vigie.test/account/passkeys"), "{}", letter.body());
    assert_eq!(bob.browser.get("/account/passkeys").await.status, StatusCode::UNAUTHORIZED);
    let (done, said, why) = reset(&ada.account, &smtp);
    assert!(done && said.contains("no letter was sent (no address of its owner is known)"), "{said}{why}");
    assert_eq!(ada.browser.get("/account/passkeys").await.status, StatusCode::UNAUTHORIZED);
    // Somebody who has no passkey, and is logged in.
    assert!(eves.get("/account").await.body.contains("Your sessions"));
    let (done, said, why) = reset(&eve, "");
    assert!(
        done && said.contains("0 passkeys and 0 recovery codes removed, 1 sessions ended"),
        "{said}{why}"
    );
    assert!(said.contains("no letter was sent (VIGIE_SMTP is not set)"), "{said}{why}");
    assert!(!eves.get("/account").await.body.contains("Your sessions"));
    let _again = service.logged_in(&eve).await;
    let (done, said, why) = reset(&eve, &smtp);
    assert!(done && said.contains("its owner was written to"), "{said}{why}");
    assert_eq!(post.next().await.to, ["eve@vigie.test"]);
    let (done, _, why) = reset(&eve, &smtp);
    assert!(!done && why.contains("no passkey, no recovery code and no session"), "{why}");
    let (done, _, why) = reset("nobody", &smtp);
    assert!(!done && why.contains("there is no account nobody"), "{why}");
    let by: Vec<String> = sqlx::query_scalar("select actor from audit where action = 'passkey.reset'")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(by, ["command"; 4]);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_recovery_code_counts_beside_a_login_that_is_strong_enough_and_is_not_used_up_by_a_weaker_one(
    pool: PgPool,
) {
    let service = service(&pool, Options::default()).await;
    let mut ada = registered(&service, "ada", "auditor").await;
    let codes = codes(&ada.browser.send("/account/passkeys/codes", &[]).await);
    let recover = "/account/passkeys/recover";
    ada.browser = service.logged_in(&ada.account).await;
    ada.key = SoftPasskey::new(true);
    let weak = "update session set acr = 'weaker' where passkey_at is null";
    sqlx::query(weak).execute(&pool).await.unwrap();
    let page = ada.browser.get("/account/passkeys").await;
    assert!(page.body.contains("this one is weaker") && !page.body.contains(recover), "{}", page.body);
    let page = ada.browser.send(recover, &[("code", &codes[0])]).await;
    assert!(page.body.contains("your code was not used up"), "{}", page.body);
    assert_eq!(ada.ask("/options").await.status, StatusCode::UNAUTHORIZED);
    // Nor does a code that was used in a stronger one help when the profile asks for more since.
    ada.browser = service.logged_in(&ada.account).await;
    let page = ada.browser.send(recover, &[("code", &codes[0])]).await;
    assert!(page.body.contains("The code was accepted"), "{}", page.body);
    sqlx::query(weak).execute(&pool).await.unwrap();
    assert_eq!(ada.ask("/options").await.status, StatusCode::UNAUTHORIZED);
    ada.browser = service.logged_in(&ada.account).await;
    ada.browser.send(recover, &[("code", &codes[1])]).await;
    assert_eq!(ada.register(&service.origin).await.status, StatusCode::OK);
    let refused: i64 = sqlx::query_scalar(
        "select count(*) from audit where action = 'recovery.refused' and detail ->> 'why' = 'acr'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(refused, 1);
}
