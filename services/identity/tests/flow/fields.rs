//! Fields that a form does not have: they change nothing, and no answer shows one role more than another.

use crate::common::Service;
use identity::accounts;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::BTreeSet;

/// Every form of somebody who is logged in, with the fields that it has.
const FORMS: [(&str, &[(&str, &str)]); 9] = [
    ("/account/token", &[]),
    ("/account/rights/restriction", &[("on", "no")]),
    ("/account/rights/objection", &[("on", "no")]),
    ("/account/rights/consent", &[]),
    ("/account/rights/question", &[]),
    ("/account/rights/export", &[("format", "json")]),
    ("/account/rights/language", &[("language", "en")]),
    ("/account/keys", &[("name", "a name"), ("days", "2"), ("bulk:read", "yes")]),
    ("/account/sessions/others/end", &[]),
];

/// Rows of one account in each table that has such, without the times of use.
async fn rows(pool: &PgPool, account: &str) -> String {
    let query = "select jsonb_build_object(
        'account', (select to_jsonb(a) - 'seen_at' from account a where a.id = $1),
        'grants', (select jsonb_agg(to_jsonb(g) order by g.role) from role_grant g where g.account_id = $1),
        'sessions', (select jsonb_agg(to_jsonb(s) - 'last_seen_at' order by s.id) from session s where s.account_id = $1),
        'keys', (select jsonb_agg(to_jsonb(k) order by k.id) from api_key k where k.account_id = $1))::text";
    sqlx::query_scalar(query).bind(account).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_field_of_somebody_elses_or_of_no_form_changes_nothing(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    let (ada, mut browser) = service.somebody("ada").await;
    let (bob, mut other) = service.somebody("bob").await;
    let mut conn = pool.acquire().await.unwrap();
    let now = service.time.now();
    for account in [&ada, &bob] {
        accounts::grant(&mut conn, account, "specialist", "command", now, None).await.unwrap();
    }
    other.send("/account/keys", &[("name", "a name"), ("days", "2"), ("bulk:read", "yes")]).await;
    let session: String = sqlx::query_scalar("select id from session where account_id = $1")
        .bind(&bob)
        .fetch_one(&pool)
        .await
        .unwrap();
    let (before, identity) = (rows(&pool, &bob).await, account_of(&pool, &ada).await);
    let later = "2100-01-01T00:00:00Z";
    let planted = [
        ("account", bob.as_str()),
        ("account_id", &bob),
        ("id", &bob),
        ("sub", &bob),
        ("subject", "bob"),
        ("session", &session),
        ("session_id", &session),
        ("role", "operator"),
        ("roles", "operator"),
        ("granted_by", "command"),
        ("expires_at", later),
        ("disabled_at", later),
        ("passkey_at", later),
        ("passkey", "true"),
        ("acr", "http://idmanagement.gov/ns/assurance/ial/2"),
        ("issuer", "https://issuer.test"),
        ("provider", "other"),
        ("key", "a"),
        ("owner", &bob),
        ("token_hash", "a"),
        ("created_at", later),
        ("raw:read", "no"),
        ("scopes", "everything"),
        ("due_at", later),
        ("answered_at", later),
    ];
    for (path, fields) in FORMS {
        let all: Vec<(&str, &str)> = fields.iter().chain(&planted).copied().collect();
        let page = browser.send(path, &all).await;
        assert!(!page.status.is_server_error(), "{path}: {}", page.body);
        assert_eq!(rows(&pool, &bob).await, before, "{path}");
        assert_eq!(account_of(&pool, &ada).await, identity, "{path}");
    }
    // What the form is for was done for whoever sent it: the fields were read, not the form refused.
    let made: (i64, bool) = sqlx::query_as(
        "select count(*), bool_and(expires_at < now() + interval '3 years' and scopes = array['bulk:read']) from api_key where account_id = $1",
    )
    .bind(&ada)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(made, (1, true));
    let grants: Vec<String> = sqlx::query_scalar("select role from role_grant where account_id = $1")
        .bind(&ada)
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(grants, ["specialist"]);
}

/// What nobody changes of an account by a form: whom a provider says it is, its key, since when, whether it is disabled; nor what
/// its sessions prove.
async fn account_of(pool: &PgPool, account: &str) -> String {
    let query = "select (to_jsonb(a) - 'seen_at' - 'restricted_at' - 'objected_at')::text
        || (select jsonb_agg(jsonb_build_array(s.acr, s.passkey_at, s.recovered_at, s.expires_at))::text from session s where s.account_id = a.id)
        from account a where id = $1";
    sqlx::query_scalar(query).bind(account).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_may_read_the_audit_reads_the_same_fields_whatever_the_role(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    for role in ["auditor", "dpo"] {
        let (account, mut browser) = service.somebody(role).await;
        let mut conn = pool.acquire().await.unwrap();
        accounts::grant(&mut conn, &account, role, "command", service.time.now(), None).await.unwrap();
        service.confirmed(&account).await;
        let told: Value = serde_json::from_str(&browser.send("/account/token", &[]).await.body).unwrap();
        let read = || {
            let request = crate::browser::client().get(format!("{}/account/audit", service.origin));
            request.bearer_auth(told["access_token"].as_str().unwrap()).send()
        };
        read().await.unwrap();
        let page: Value = serde_json::from_str(&read().await.unwrap().text().await.unwrap()).unwrap();
        let fields: BTreeSet<&str> =
            page["entries"][0].as_object().unwrap().keys().map(String::as_str).collect();
        let wanted = BTreeSet::from(["seq", "at", "actor", "action", "about", "detail", "previous", "hash"]);
        assert_eq!(fields, wanted, "{role}: no address");
        assert_eq!(page.as_object().unwrap().len(), 1, "{page}");
    }
}
