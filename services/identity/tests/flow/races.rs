//! Two who do something at the same time, or one after the other where each spoils what the other wants.

use crate::browser::Browser;
use crate::common::{Service, somebody_waits};
use crate::false_provider::False;
use crate::faults::browser_with;
use crate::persons::{by_mail, planted, token, with_post};
use chrono::TimeDelta;
use identity::sessions::Origin;
use identity::{accounts, keys, passkeys, sessions};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_login_that_is_under_way_while_its_account_is_disabled_leaves_no_session(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, _) = service.somebody("ada").await;
    let (now, limits) = (service.time.now(), service.profile.identity.session);
    let provider = &service.profile.identity.providers[0].id;
    let mut login = pool.begin().await.unwrap();
    let again = accounts::of_subject(&mut login, provider, "https://issuer.test", "ada", now).await.unwrap();
    assert_eq!((again.id.as_str(), again.disabled_at), (account.as_str(), None));
    let begun = sessions::begin(&mut login, &account, &Origin::default(), limits, now).await.unwrap();
    let disabling = tokio::spawn({
        let (pool, account) = (pool.clone(), account.clone());
        async move { accounts::disable(&mut pool.acquire().await.unwrap(), &account, now).await.unwrap() }
    });
    somebody_waits(&pool, || false).await;
    login.commit().await.unwrap();
    assert!(disabling.await.unwrap());
    assert_eq!(service.living_sessions().await, 0);
    // Or it would come back with the account.
    assert!(accounts::enable(&mut pool.acquire().await.unwrap(), &account).await.unwrap());
    let mut browser = service.browser().with("__Host-vigie-session", &begun);
    assert!(!browser.get("/account").await.body.contains("Your sessions"));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_being_added_while_all_of_an_account_is_taken_away_goes_with_the_rest(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, _) = service.somebody("ada").await;
    let now = service.time.now();
    let ada = accounts::named(&mut pool.acquire().await.unwrap(), &account).await.unwrap().unwrap();

    let mut adding = pool.begin().await.unwrap();
    let key = "insert into passkey (id, account_id, credential_id, credential, counter, name, created_at)
               values ('a', $1, '\\x00', '{}', 0, 'Desk', $2)";
    sqlx::query(key).bind(&account).bind(now).execute(&mut *adding).await.unwrap();
    let resetting = tokio::spawn({
        let (pool, account) = (pool.clone(), account.clone());
        async move {
            let mut tx = pool.begin().await.unwrap();
            let gone = passkeys::forget_all(&mut tx, &account, now).await.unwrap();
            tx.commit().await.unwrap();
            gone
        }
    });
    somebody_waits(&pool, || false).await;
    adding.commit().await.unwrap();
    assert_eq!(resetting.await.unwrap().passkeys, 1);

    let mut adding = pool.begin().await.unwrap();
    let scopes = ["figures:read".to_owned()];
    let new =
        keys::New { country: "us", name: "a program", scopes: &scopes, expires_at: now + TimeDelta::days(1) };
    assert!(keys::create((&mut adding, None), &ada, &new, 20, now).await.unwrap().is_some());
    let revoking = tokio::spawn({
        let (pool, account) = (pool.clone(), account.clone());
        async move {
            let mut tx = pool.begin().await.unwrap();
            let gone = keys::end_all((&mut tx, None), &account, None, now).await.unwrap();
            tx.commit().await.unwrap();
            gone
        }
    });
    somebody_waits(&pool, || false).await;
    adding.commit().await.unwrap();
    assert_eq!(revoking.await.unwrap().len(), 1);
    assert_eq!(standing(&pool).await, (0, 0));
}

/// How many passkeys, and how many keys that were not revoked.
async fn standing(pool: &PgPool) -> (i64, i64) {
    let both =
        "select (select count(*) from passkey), (select count(*) from api_key where revoked_at is null)";
    sqlx::query_as(both).fetch_one(pool).await.unwrap()
}

/// Logs in as the one whom the provider knows.
async fn logged_in(service: &Service, provider: &False) -> (StatusCode, Browser) {
    let (page, browser) = browser_with(service, provider, |p, claims| p.sign(&p.header(), &claims)).await;
    (page.status, browser)
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_guesses_codes_in_a_browser_that_was_left_open_keeps_its_owner_out_of_nothing(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let (_, mut finder) = logged_in(&service, &provider).await;
    let account: String = sqlx::query_scalar("select id from account").fetch_one(&pool).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &account, "operator", "command", service.time.now(), None).await.unwrap();
    let mut last = StatusCode::OK;
    for _ in 0..21 {
        last = finder.send("/account/passkeys/recover", &[("code", "guess")]).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let (status, mut owner) = logged_in(&service, &provider).await;
    assert_eq!(status, StatusCode::OK);
    assert!(owner.send("/account/sessions/others/end", &[]).await.url.as_str().contains("?done=others"));
    assert!(!finder.get("/account").await.body.contains("/account/sessions/others/end"));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn no_moment_that_a_provider_names_is_one_that_the_database_cannot_keep(pool: PgPool) {
    let (service, provider) = False::start(&pool).await;
    let at = |moment: Value| {
        move |p: &False, mut claims: Value| {
            claims["auth_time"] = moment;
            p.sign(&p.header(), &claims)
        }
    };
    for old in [json!(0), json!(-1), json!(-1_000_000_000_000_i64), json!(-1e9)] {
        let (page, mut browser) = browser_with(&service, &provider, at(old.clone())).await;
        assert_eq!(page.status, StatusCode::OK, "{old}: {}", page.body);
        let page = browser.send("/account/sessions/others/end", &[]).await;
        assert!(page.url.as_str().contains("?done=anew"), "{old}: {}", page.url);
    }
    // What is no moment is no login.
    for wrong in
        [json!("1"), json!("2025-02-05T20:00:00Z"), json!(true), json!([0]), json!(1e300), json!(i64::MIN)]
    {
        let (page, browser) = browser_with(&service, &provider, at(wrong.clone())).await;
        assert_eq!(
            page.status.as_u16() / 100,
            4 + u16::from(page.status == StatusCode::BAD_GATEWAY),
            "{wrong}"
        );
        assert_eq!(browser.session(), None, "{wrong}");
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn whoever_reads_the_old_mailbox_gets_nothing_of_the_new_one(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let to_the_new_one = post.next().await.link(&service.origin);
    let (mut finder, page) = by_mail(&service, &mut post, "ada@canary.test").await;
    assert!(page.body.contains("ada@canary.test"));
    finder.send("/account/rights/link", &[("email", "ada@canary.test")]).await;
    let unused = token(&post.next().await.link(&service.origin));
    let confirm = [("token", token(&to_the_new_one))];
    let confirm = confirm.each_ref().map(|(name, value)| (*name, value.as_str()));
    ada.browser.send("/account/rights/address", &confirm).await;
    let page = finder.get("/account/rights").await;
    assert!(!page.body.contains("another@vigie.test"), "{}", page.body);
    let page = finder.send("/account/rights/open", &[("token", &unused)]).await;
    assert!(!page.body.contains("another@vigie.test"), "{}", page.body);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_first_receipts_after_a_start_do_not_wait_for_one_another(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let mut erasing = Vec::new();
    // More than there are connections: the first of them makes the key that all of them sign with.
    for n in 0..16 {
        let (_, mut browser) = service.somebody(&format!("person-{n}")).await;
        erasing.push(tokio::spawn(async move {
            browser.send("/account/rights/erasure", &[("sure", "yes")]).await.status
        }));
    }
    for erased in erasing {
        assert_eq!(erased.await.unwrap(), StatusCode::OK);
    }
}
