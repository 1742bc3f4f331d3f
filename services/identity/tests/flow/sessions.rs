//! Sessions and their owner, without any provider.

use crate::browser::Browser;
use crate::common::Service;
use chrono::TimeDelta;
use identity::accounts;
use reqwest::{Method, StatusCode};
use sqlx::PgPool;

async fn is_in(browser: &mut Browser) -> bool {
    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::OK);
    page.body.contains("Your sessions")
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_session_ends_when_it_is_not_used_and_when_it_is_old(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, mut idle) = service.somebody("a").await;
    let limits = service.profile.identity.session;
    service.pass(TimeDelta::minutes(i64::from(limits.idle_minutes) - 1));
    assert!(is_in(&mut idle).await, "used a minute before its idle limit, and so used again");
    service.pass(TimeDelta::minutes(i64::from(limits.idle_minutes) - 1));
    assert!(is_in(&mut idle).await);
    service.pass(TimeDelta::minutes(i64::from(limits.idle_minutes)));
    assert!(!is_in(&mut idle).await, "not used for as long as its idle limit");

    let mut busy = service.logged_in(&account).await;
    let steps = i64::from(limits.absolute_hours) * 60 / 20;
    for step in 1..=steps {
        service.pass(TimeDelta::minutes(20));
        assert_eq!(is_in(&mut busy).await, step < steps, "used all the time, ends after its absolute limit");
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn one_ends_ones_own_sessions_and_nobody_elses(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, mut here) = service.somebody("a").await;
    let (mut there, mut third) = (service.logged_in(&account).await, service.logged_in(&account).await);
    let (_, mut stranger) = service.somebody("b").await;
    let page = here.get("/account").await;
    let ends: Vec<&str> = page.body.split("action=\"/account/sessions/").skip(1).collect();
    let ids: Vec<&str> =
        ends.iter().map(|e| e.split('/').next().unwrap()).filter(|id| *id != "others").collect();
    assert_eq!(ids.len(), 2, "{}", page.body);

    let one = format!("/account/sessions/{}/end", ids[0]);
    let refused = stranger.send(&one, &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "somebody else's session is as if it were not there");
    assert_eq!(service.living_sessions().await, 4);

    let page = here.send(&one, &[]).await;
    assert!(page.body.contains("The session has ended."), "{}", page.body);
    assert_eq!(u8::from(is_in(&mut there).await) + u8::from(is_in(&mut third).await), 1);
    here.send("/account/sessions/others/end", &[]).await;
    assert!(!is_in(&mut there).await && !is_in(&mut third).await);
    assert!(is_in(&mut here).await && is_in(&mut stranger).await);
    let out = here.send_once("/account/logout").await;
    // Not `cookies`, nor `storage`: other pages of this origin have theirs.
    assert_eq!(out.header("clear-site-data"), "\"cache\"");
    assert!(out.header("set-cookie").contains("__Host-vigie-session=; ") && out.status.is_redirection());
    assert!(!is_in(&mut here).await);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_disabled_account_loses_all_its_sessions_at_once(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, mut first) = service.somebody("a").await;
    let (mut second, (_, mut other)) = (service.logged_in(&account).await, service.somebody("b").await);
    let mut conn = pool.acquire().await.unwrap();
    assert!(accounts::disable(&mut conn, &account, service.time.now()).await.unwrap());
    assert!(!accounts::disable(&mut conn, &account, service.time.now()).await.unwrap(), "it was already");
    assert!(!is_in(&mut first).await && !is_in(&mut second).await);
    assert!(is_in(&mut other).await);
    assert!(accounts::enable(&mut conn, &account).await.unwrap());
    assert!(!is_in(&mut first).await, "what ended does not come back");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_form_of_another_site_changes_nothing(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (_, mut browser) = service.somebody("a").await;
    let client = crate::browser::client();
    // Every route that takes a form, by the matrix; those of machines want a signature or the word of a letter instead.
    let matrix = std::fs::read_to_string(crate::common::root().join("docs/security/access.csv")).unwrap();
    let posts = matrix.lines().filter_map(|line| line.strip_prefix("identity,POST,")?.split(',').next());
    let machines = ["/oidc/", "/internal/", "/account/people/", "/account/alerts/stop/"];
    let forms: Vec<String> = posts
        .filter(|path| !machines.iter().any(|m| path.starts_with(m)))
        .map(|path| path.replace("{id}", "x"))
        .collect();
    assert!(forms.len() > 20 && forms.iter().all(|path| !path.contains('{')), "{forms:?}");
    for (name, value) in [
        ("origin", "https://evil.test"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-nothing", "said"),
    ] {
        for path in &forms {
            let answer = client
                .request(Method::POST, format!("{}{path}", service.origin))
                .header("cookie", format!("__Host-vigie-session={}", browser.session().unwrap()))
                .header(name, value)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} {name}: {value}");
        }
    }
    assert!(is_in(&mut browser).await);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_database_knows_no_token_and_no_other_word_opens_a_session(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, browser) = service.somebody("a").await;
    let token = browser.session().unwrap().clone();
    assert_eq!(token.len(), 43, "256 bits");
    let all: String =
        sqlx::query_scalar("select string_agg(s::text, ' ') from session s").fetch_one(&pool).await.unwrap();
    assert!(!all.contains(&token));
    let (id, hash): (String, String) =
        sqlx::query_as("select id, encode(token_hash, 'hex') from session").fetch_one(&pool).await.unwrap();
    for guess in ["", "x", id.as_str(), hash.as_str(), account.as_str()] {
        assert!(!is_in(&mut service.browser().with("__Host-vigie-session", guess)).await, "{guess}");
    }
    // Another name of the cookie is another cookie.
    assert!(!is_in(&mut service.browser().with("vigie-session", &token)).await);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_over_is_removed(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, mut browser) = service.somebody("a").await;
    service.logged_in(&account).await;
    browser.send("/account/logout", &[]).await;
    let mut conn = pool.acquire().await.unwrap();
    let (now, limits) = (service.time.now(), service.profile.identity.session);
    let swept = identity::sessions::sweep(&mut conn, limits, now - TimeDelta::seconds(60)).await.unwrap();
    assert_eq!(swept, 0, "both ended or end later");
    let later = now + TimeDelta::minutes(i64::from(limits.idle_minutes) + 1);
    assert_eq!(identity::sessions::sweep(&mut conn, limits, later).await.unwrap(), 2);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn deleting_an_account_leaves_nothing_that_names_it(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, mut browser) = service.somebody("subject-of-somebody").await;
    let mut conn = pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &account, "auditor", "command", service.time.now(), None).await.unwrap();
    assert!(browser.get("/account").await.body.contains("Auditor"));
    sqlx::query("delete from account where id = $1").bind(&account).execute(&pool).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables where table_schema = 'public'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(tables.len() >= 6, "{tables:?}");
    for table in tables {
        let query = format!(
            "select count(*) from \"{table}\" t where t::text ~ $1 or t::text ~ 'subject-of-somebody'"
        );
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(&account).fetch_one(&pool).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
    assert!(!is_in(&mut browser).await);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn other_sessions_are_ended_right_after_a_login_or_a_passkey_only(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, mut stolen) = service.somebody("a").await;
    let mut owner = service.logged_in(&account).await;
    let id: String = sqlx::query_scalar("select id from session order by created_at desc, id limit 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    service.pass(TimeDelta::minutes(11));
    // Whoever found a browser open does not lock its owner out.
    for path in ["/account/sessions/others/end".to_owned(), format!("/account/sessions/{id}/end")] {
        let mine =
            sqlx::query_scalar::<_, bool>("select token_hash = sha256($2::bytea) from session where id = $1")
                .bind(&id)
                .bind(stolen.session().unwrap().as_bytes())
                .fetch_one(&pool)
                .await
                .unwrap();
        let browser = if mine { &mut owner } else { &mut stolen };
        let page = browser.send(&path, &[]).await;
        assert_eq!(page.url.query(), Some("done=anew"), "{path}");
        assert!(page.body.contains("log in once more first"), "{}", page.body);
        assert!(
            page.body.contains("/account/login/login-gov?lang=en&#38;anew=1&#38;return_to=/account"),
            "{}",
            page.body
        );
        assert_eq!(service.living_sessions().await, 2, "{path}");
    }
    // The owner logs in and ends it at once.
    let mut fresh = service.logged_in(&account).await;
    let page = fresh.send("/account/sessions/others/end", &[]).await;
    assert!(page.body.contains("All the other sessions have ended."), "{}", page.body);
    assert!(!is_in(&mut stolen).await && !is_in(&mut owner).await && is_in(&mut fresh).await);
    // With a passkey it needs no login; out of one's own session one always comes.
    service.pass(TimeDelta::minutes(11));
    let mut last = service.logged_in(&account).await;
    service.pass(TimeDelta::minutes(11));
    service.confirmed(&account).await;
    last.send("/account/sessions/others/end", &[]).await;
    assert_eq!(service.living_sessions().await, 1);
    service.pass(TimeDelta::minutes(11));
    last.send("/account/logout", &[]).await;
    assert_eq!(service.living_sessions().await, 0);
}
