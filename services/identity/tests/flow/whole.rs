//! What holds of every act: it is done whole or not at all, and nothing but a provider's answer lets anybody in.

use crate::passkeys::{registered, service};
use identity::{Options, accounts};
use reqwest::StatusCode;
use sqlx::PgPool;

/// Everything that an act below could change, as one text.
async fn state(pool: &PgPool) -> String {
    let mut all = String::new();
    for table in
        ["account", "role_grant", "api_key", "passkey", "recovery_code", "contact", "alert", "consent"]
    {
        let query = format!("select coalesce(string_agg(t::text, '|' order by t::text), '') from {table} t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(pool).await.unwrap();
        all += &format!("{table}: {text}\n");
    }
    let sessions = "select string_agg(id || coalesce(end_reason, ''), '|' order by id) from session";
    let text: Option<String> = sqlx::query_scalar(sessions).fetch_one(pool).await.unwrap();
    all + &text.unwrap_or_default()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_cannot_be_written_down_is_not_done_at_all(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let bob = registered(&service, "bob", "auditor").await;
    let now = service.time.now();
    let mut conn = pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &ada.account, "specialist", "command", now, None).await.unwrap();
    drop(conn);
    let form = [("name", "x"), ("days", "1"), ("figures:read", "yes"), ("sure", "yes")];
    ada.browser.send("/account/keys", &form).await;
    ada.browser.send("/account/passkeys/codes", &[]).await;
    let id = async |table: &str, account: &str| -> String {
        let query = format!("select id from {table} where account_id = $1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(account).fetch_one(&pool).await.unwrap()
    };
    let (key, passkey) = (id("api_key", &ada.account).await, id("passkey", &ada.account).await);
    let page = ada.browser.send("/account/token", &[]).await;
    let token = crate::passkeys::read(&page)["access_token"].as_str().unwrap().to_owned();
    let before = state(&pool).await;
    sqlx::query("alter table audit rename to gone").execute(&pool).await.unwrap();
    for path in [
        "/account/keys".to_owned(),
        format!("/account/keys/{key}/rotate"),
        format!("/account/keys/{key}/revoke"),
        "/account/passkeys/codes".to_owned(),
        format!("/account/passkeys/{passkey}/name"),
        format!("/account/passkeys/{passkey}/remove"),
        "/account/rights/erasure".to_owned(),
    ] {
        let page = ada.browser.send(&path, &form).await;
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}: {}", page.body);
        assert!(state(&pool).await == before, "{path}");
    }
    for act in ["disable", "passkeys/reset"] {
        let path = format!("{}/account/people/{}/{act}", service.origin, bob.account);
        let sent = crate::browser::client().post(path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::INTERNAL_SERVER_ERROR, "{act}");
        assert!(state(&pool).await == before, "{act}");
    }
    sqlx::query("alter table gone rename to audit").execute(&pool).await.unwrap();
    let page = ada.browser.send(&format!("/account/keys/{key}/revoke"), &[]).await;
    assert!(page.status.is_success() && state(&pool).await != before, "{}", page.body);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn when_a_passkey_came_or_went_the_other_sessions_can_be_ended_at_once(pool: PgPool) {
    let service = service(&pool, Options::default()).await;
    let mut ada = registered(&service, "ada", "operator").await;
    let others = "action=\"/account/sessions/others/end\"";
    let page = ada.browser.get("/account/passkeys?done=added").await;
    assert!(!page.body.contains(others), "there is no other one: {}", page.body);
    let mut elsewhere = service.logged_in(&ada.account).await;
    let page = ada.browser.get("/account/passkeys?done=added").await;
    assert!(page.body.contains(others), "{}", page.body);
    assert!(!ada.browser.get("/account/passkeys").await.body.contains(others), "nothing was changed");
    let page = ada.browser.send("/account/passkeys/codes", &[]).await;
    assert!(page.body.contains(others), "{}", page.body);
    let id: String = sqlx::query_scalar("select id from passkey").fetch_one(&pool).await.unwrap();
    let page = ada.browser.send(&format!("/account/passkeys/{id}/remove"), &[]).await;
    assert!(page.body.contains("was removed") && page.body.contains(others), "{}", page.body);
    ada.browser.send("/account/sessions/others/end", &[]).await;
    assert!(ada.browser.get("/account").await.body.contains("Your sessions"));
    assert!(!elsewhere.get("/account").await.body.contains("Your sessions"));
}
