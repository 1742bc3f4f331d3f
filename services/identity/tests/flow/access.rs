//! Roles, tokens, what only some may do, and the audit of it.

use crate::browser::Browser;
use crate::common::Service;
use chrono::TimeDelta;
use identity::audit::{self, Verdict};
use identity::{accounts, sessions};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

/// Somebody with a role, and their token.
pub(crate) async fn with_role(service: &Service, subject: &str, role: &str) -> (String, Browser, String) {
    let (account, mut browser) = service.somebody(subject).await;
    let mut conn = service.pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &account, role, "command", service.time.now(), None).await.unwrap();
    drop(conn);
    service.confirmed(&account).await;
    let token = token(&mut browser).await;
    (account, browser, token)
}

async fn token(browser: &mut Browser) -> String {
    let page = browser.send("/account/token", &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    let body: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(60)));
    body["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn ask(
    service: &Service,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> (StatusCode, String) {
    let mut request = crate::browser::client().request(method, format!("{}{path}", service.origin));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_operator_disables_an_account_and_the_auditor_reads_of_it(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (_, _, operator) = with_role(&service, "operator", "operator").await;
    let (_, _, auditor) = with_role(&service, "auditor", "auditor").await;
    let (id, mut victim) = service.somebody("victim").await;
    let path = format!("/account/people/{id}/disable");

    for (token, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(auditor.as_str()), StatusCode::FORBIDDEN),
        (Some("x"), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(ask(&service, Method::POST, &path, token).await.0, status, "{token:?}");
    }
    assert!(victim.get("/account").await.body.contains("Your sessions"));
    assert_eq!(ask(&service, Method::POST, &path, Some(&operator)).await.0, StatusCode::NO_CONTENT);
    assert!(!victim.get("/account").await.body.contains("Your sessions"));
    assert_eq!(
        ask(&service, Method::POST, &path, Some(&operator)).await.0,
        StatusCode::NO_CONTENT,
        "twice is once"
    );
    let nobody = "/account/people/none/disable";
    assert_eq!(ask(&service, Method::POST, nobody, Some(&operator)).await.0, StatusCode::NOT_FOUND);

    assert_eq!(ask(&service, Method::GET, "/account/audit", Some(&operator)).await.0, StatusCode::FORBIDDEN);
    let (status, body) = ask(&service, Method::GET, "/account/audit", Some(&auditor)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let entries = body["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{body}");
    assert_eq!(entries[0]["action"], "account.disable");
    // What an auditor notes elsewhere: `identity verify --head` takes it.
    let head = entries[0]["hash"].as_str().unwrap();
    assert_eq!(entries[0]["previous"], "0".repeat(64));
    let verdict = identity::audit::verify(&service.pool, Some(head)).await.unwrap();
    assert!(matches!(verdict, identity::audit::Verdict::Whole(..)), "{verdict:?}");
    for name in ["victim", "operator", id.as_str()] {
        assert!(
            !entries[0].to_string().contains(&format!("\"{name}\"")),
            "the audit knows pseudonyms: {}",
            entries[0]
        );
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_auditor_reads_the_audit_with_a_browser_page_by_page(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (auditor, mut browser, _) = with_role(&service, "auditor", "auditor").await;
    let (_, mut operator, _) = with_role(&service, "operator", "operator").await;
    let mut conn = pool.acquire().await.unwrap();
    for n in 1..=150 {
        let detail = if n == 51 { json!({ "of": "<b>51" }) } else { json!({}) };
        audit::append(&mut conn, service.time.now(), "command", "role.grant", "somebody", detail)
            .await
            .unwrap();
    }
    let hash: Vec<u8> =
        sqlx::query_scalar("select hash from audit where seq = 150").fetch_one(&mut *conn).await.unwrap();
    drop(conn);
    let link = "/account/audit-trail?lang=en";
    assert!(browser.get("/account").await.body.contains(link));
    assert!(!operator.get("/account").await.body.contains(link));
    assert_eq!(operator.get(link).await.status, StatusCode::FORBIDDEN);
    assert_eq!(service.browser().get(link).await.status, StatusCode::UNAUTHORIZED);

    let numbers = |body: &str| -> Vec<i64> {
        let cells = body.split("<th scope=\"row\">").skip(1);
        cells.map(|cell| cell.split('<').next().unwrap().parse().unwrap()).collect()
    };
    let page = browser.get(link).await;
    assert_eq!(numbers(&page.body), (51..=150).rev().collect::<Vec<i64>>());
    assert!(page.body.contains(&store::chain::hex(&hash)), "what is noted elsewhere");
    assert!(page.body.contains("&#60;b&#62;51"), "{}", page.body);
    assert!(
        page.body.contains("/account/audit-trail?lang=en&amp;before=51")
            && !page.body.contains("The newest<")
    );
    let page = browser.get("/account/audit-trail?lang=en&before=51").await;
    assert_eq!(numbers(&page.body), (1..=50).rev().collect::<Vec<i64>>());
    assert!(page.body.contains("The newest<") && !page.body.contains("before="), "{}", page.body);
    assert!(
        browser
            .get("/account/audit-trail?before=1")
            .await
            .body
            .contains("There are no entries before this one")
    );
    assert_eq!(browser.get("/account/audit-trail?before=x").await.status, StatusCode::BAD_REQUEST);
    // That it was read stands in it, and where its reader stopped using a passkey they are asked for one and come back.
    let read = "select count(*) from audit where action = 'audit.read'";
    assert_eq!(sqlx::query_scalar::<_, i64>(read).fetch_one(&pool).await.unwrap(), 3);
    sqlx::query("update session set passkey_at = null where account_id = $1")
        .bind(auditor)
        .execute(&pool)
        .await
        .unwrap();
    let page = browser.get_once(link).await;
    assert_eq!(
        page.header("location"),
        "/account/passkeys?done=wanted&return_to=%2Faccount%2Faudit-trail%3Flang%3Den"
    );
}

/// Every route that the committed matrix gives to some roles only, asked by one of them: each leaves its entry.
#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn whatever_only_some_may_do_is_written_down(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (victim, _) = service.somebody("victim").await;
    let matrix = std::fs::read_to_string(crate::common::root().join("docs/security/access.csv")).unwrap();
    let head: Vec<&str> = matrix.lines().next().unwrap().split(',').collect();
    let us = head.iter().position(|h| *h == "us").unwrap();
    let last = || async {
        let found: Option<(i64, String)> =
            sqlx::query_as("select seq, actor from audit order by seq desc limit 1")
                .fetch_optional(&pool)
                .await
                .unwrap();
        found.unwrap_or_default()
    };
    let mut asked = 0;
    for line in matrix.lines().filter(|l| l.starts_with("identity,")) {
        let cells: Vec<&str> = line.split(',').collect();
        // What one does with one's own passkeys goes by a session; crate::passkeys looks for each of its entries. What only a
        // service may ask changes nothing, and is asked with every request.
        let own = cells[2].starts_with("/account/passkeys");
        if own || ["public", "session", "absent", "nobody"].contains(&cells[us]) {
            continue;
        }
        let role = cells[us].split(' ').next_back().unwrap();
        let (account, mut browser, token) = with_role(&service, &format!("{role}-{asked}"), role).await;
        // With a browser, and one's own key; all others with a token, about somebody else.
        let form = [("name", "x"), ("days", "1"), ("figures:read", "yes")];
        let by_browser = cells[2].starts_with("/account/keys") || cells[2] == "/account/audit-trail";
        let id = if by_browser && cells[2].contains("{id}") {
            browser.send("/account/keys", &form).await;
            sqlx::query_scalar("select id from api_key where account_id = $1")
                .bind(&account)
                .fetch_one(&pool)
                .await
                .unwrap()
        } else {
            victim.clone()
        };
        let before = last().await.0;
        let path = cells[2].replace("{id}", &id);
        let (status, body) = if by_browser {
            let page =
                if cells[1] == "GET" { browser.get(&path).await } else { browser.send(&path, &form).await };
            (page.status, page.body)
        } else {
            ask(&service, cells[1].parse().unwrap(), &path, Some(&token)).await
        };
        assert!(status.is_success(), "{line}: {status} {body}");
        let (seq, actor) = last().await;
        let mut conn = pool.acquire().await.unwrap();
        let pseudonym = accounts::named(&mut conn, &account).await.unwrap().unwrap().pseudonym();
        assert_eq!((seq, actor), (before + 1, pseudonym), "{line}");
        asked += 1;
    }
    assert!(asked >= 5, "only {asked} routes");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_token_has_the_roles_of_its_minute_and_needs_a_session(pool: PgPool) {
    let service = Service::alone(&pool, "fr").await;
    let (account, mut browser, first) = with_role(&service, "a", "auditor").await;
    assert_eq!(ask(&service, Method::GET, "/account/audit", Some(&first)).await.0, StatusCode::OK);
    let mut conn = pool.acquire().await.unwrap();
    assert!(accounts::revoke(&mut conn, &account, "auditor").await.unwrap());
    let second = token(&mut browser).await;
    assert_eq!(ask(&service, Method::GET, "/account/audit", Some(&second)).await.0, StatusCode::FORBIDDEN);
    service.pass(TimeDelta::seconds(61));
    assert_eq!(ask(&service, Method::GET, "/account/audit", Some(&first)).await.0, StatusCode::UNAUTHORIZED);

    let until = service.time.now() + TimeDelta::minutes(5);
    accounts::grant(&mut conn, &account, "auditor", "command", service.time.now(), Some(until))
        .await
        .unwrap();
    let third = token(&mut browser).await;
    assert_eq!(ask(&service, Method::GET, "/account/audit", Some(&third)).await.0, StatusCode::OK);
    service.pass(TimeDelta::minutes(6));
    service.confirmed(&account).await;
    let fourth = token(&mut browser).await;
    assert_eq!(
        ask(&service, Method::GET, "/account/audit", Some(&fourth)).await.0,
        StatusCode::FORBIDDEN,
        "its time is over"
    );

    browser.send("/account/logout", &[]).await;
    assert_eq!(browser.send("/account/token", &[]).await.status, StatusCode::UNAUTHORIZED);
    // A token of another country's installation, made by the same code, is not good here.
    let other = Service::alone(&pool, "ch").await;
    assert_eq!(ask(&other, Method::GET, "/account/audit", Some(&fourth)).await.0, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn keys_change_and_old_tokens_stay_good_for_their_minute(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, _, first) = with_role(&service, "a", "auditor").await;
    let keys = |body: String| serde_json::from_str::<kit::access::Jwks>(&body).unwrap().keys;
    let before = keys(ask(&service, Method::GET, "/oidc/jwks.json", None).await.1);
    assert_eq!(before.len(), 1);
    let kept: String = sqlx::query_scalar("select string_agg(k::text, ' ') from token_key k")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(kept.len() < 200, "the public half only: {kept}");
    service.pass(TimeDelta::hours(12) - TimeDelta::seconds(30));
    let mut browser = service.logged_in(&account).await;
    service.confirmed(&account).await;
    let last = token(&mut browser).await;
    service.pass(TimeDelta::seconds(31));
    let next = token(&mut browser).await;
    assert_eq!(keys(ask(&service, Method::GET, "/oidc/jwks.json", None).await.1).len(), 2);
    for (token, status) in
        [(&last, StatusCode::OK), (&next, StatusCode::OK), (&first, StatusCode::UNAUTHORIZED)]
    {
        assert_eq!(ask(&service, Method::GET, "/account/audit", Some(token)).await.0, status);
    }
    // Every start has keys of its own; those of the others are served all the same.
    let replica = Service::alone(&pool, "us").await;
    assert_eq!(keys(ask(&replica, Method::GET, "/oidc/jwks.json", None).await.1).len(), 2);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_written_down_cannot_be_changed_unseen(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let at = "2026-01-01T00:00:00.123456789Z".parse().unwrap();
    for n in 0..5 {
        let mut tx = pool.begin().await.unwrap();
        audit::append(&mut tx, at, "actor", "account.disable", "about", json!({ "n": n, "a": "b" }))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(5, _)));
    for change in ["update audit set actor = 'x'", "delete from audit", "truncate audit"] {
        let error = sqlx::query(change).execute(&pool).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    // Somebody who may switch the trigger off is found out.
    for (change, at) in [
        ("update audit set actor = 'x' where seq = 2", 2),
        ("update audit set detail = '{}' where seq = 3", 3),
        ("delete from audit where seq = 4", 5),
        ("update audit set previous = hash where seq = 1", 1),
    ] {
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("alter table audit disable trigger audit_append_only").execute(&mut *tx).await.unwrap();
        sqlx::query("create table kept as table audit").execute(&mut *tx).await.unwrap();
        sqlx::query(change).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(audit::verify(&pool, None).await.unwrap(), Verdict::Broken(at), "{change}");
        for back in ["delete from audit", "insert into audit table kept", "drop table kept"] {
            sqlx::query(back).execute(&mut *conn).await.unwrap();
        }
    }
    let Verdict::Whole(5, head) = audit::verify(&pool, None).await.unwrap() else { panic!("it is whole") };
    // The last entries away: what is left fits. Whoever noted the hash elsewhere finds out.
    let head = store::chain::hex(&head);
    assert!(matches!(audit::verify(&pool, Some(&head)).await.unwrap(), Verdict::Whole(5, _)));
    sqlx::query("delete from audit where seq = 5").execute(&pool).await.unwrap();
    assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(4, _)));
    assert_eq!(audit::verify(&pool, Some(&head)).await.unwrap(), Verdict::Cut(4));
    sqlx::query("delete from audit").execute(&pool).await.unwrap();
    assert_eq!(audit::verify(&pool, Some(&head)).await.unwrap(), Verdict::Cut(0));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn many_write_at_once_and_the_chain_has_one_end(pool: PgPool) {
    let one = |n: i64| {
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            let at = "2026-01-01T00:00:00Z".parse().unwrap();
            audit::append(&mut tx, at, "a", "b", "c", json!({ "n": n })).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    let all: Vec<_> = (0..20).map(|n| tokio::spawn(one(n))).collect();
    for task in all {
        task.await.unwrap();
    }
    assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(20, _)));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn erasing_somebody_leaves_the_audit_whole(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (account, _) = service.somebody("a").await;
    let mut tx = pool.begin().await.unwrap();
    let pseudonym = accounts::named(&mut tx, &account).await.unwrap().unwrap().pseudonym();
    audit::append(&mut tx, service.time.now(), "command", "role.grant", &pseudonym, json!({})).await.unwrap();
    tx.commit().await.unwrap();
    sqlx::query("delete from account where id = $1").bind(&account).execute(&pool).await.unwrap();
    assert!(matches!(audit::verify(&pool, None).await.unwrap(), Verdict::Whole(1, _)));
    let mut conn = pool.acquire().await.unwrap();
    let limits = service.profile.identity.session;
    let left = sessions::of_account(&mut conn, &account, limits, service.time.now()).await.unwrap();
    assert_eq!(left, []);
    // Who comes back is somebody new: the old pseudonym leads to nobody.
    let (again, _) = service.somebody("a").await;
    let new = accounts::named(&mut conn, &again).await.unwrap().unwrap().pseudonym();
    assert_ne!((again, new), (account, pseudonym));
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_token_from_before_is_worth_nothing_here_once_its_owner_may_not_any_more(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (_, _, chief) = with_role(&service, "chief", "operator").await;
    let (victim, _) = service.somebody("victim").await;
    let disable = |id: &str| format!("/account/people/{id}/disable");
    let mut conn = service.pool.acquire().await.unwrap();
    for (way, wanted) in [
        ("disabled", StatusCode::FORBIDDEN),
        ("role", StatusCode::FORBIDDEN),
        ("restricted", StatusCode::FORBIDDEN),
        ("logout", StatusCode::UNAUTHORIZED),
        ("passkeys", StatusCode::UNAUTHORIZED),
    ] {
        let (id, mut browser, token) = with_role(&service, way, "operator").await;
        let own = ask(&service, Method::POST, &disable(&id), Some(&token)).await;
        assert_eq!(own.0, StatusCode::CONFLICT, "{way}: one's own account: {}", own.1);
        match way {
            "disabled" => {
                let done = ask(&service, Method::POST, &disable(&id), Some(&chief)).await;
                assert_eq!(done.0, StatusCode::NO_CONTENT, "{}", done.1);
            }
            "role" => assert!(accounts::revoke(&mut conn, &id, "operator").await.unwrap()),
            "restricted" => {
                sqlx::query("update account set restricted_at = now() where id = $1")
                    .bind(&id)
                    .execute(&mut *conn)
                    .await
                    .unwrap();
            }
            "logout" => {
                browser.send("/account/logout", &[]).await;
            }
            _ => {
                identity::passkeys::forget_all(&mut conn, &id, service.time.now()).await.unwrap();
            }
        }
        for path in [
            disable(&victim),
            format!("/account/people/{id}/enable"),
            format!("/account/people/{victim}/passkeys/reset"),
        ] {
            let answer = ask(&service, Method::POST, &path, Some(&token)).await;
            assert_eq!(answer.0, wanted, "{way}: {path}: {}", answer.1);
        }
    }
    let left: i64 = sqlx::query_scalar("select count(*) from account where disabled_at is not null")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(left, 1, "the one that was disabled stays so, and nobody else is");
}
