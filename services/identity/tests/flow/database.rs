//! Who may connect to the database of the accounts, and which role may do what there.

use crate::common::Service;
use identity::audit::{self, Own, Verdict};
use identity::{Options, accounts};
use reqwest::StatusCode;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};

/// Whether a role that nobody gave anything may connect.
async fn anybody_may_connect(pool: &PgPool) -> bool {
    sqlx::query_scalar("select has_database_privilege('pg_monitor', current_database(), 'connect')")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn closed_to_every_role_but_its_own(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    assert!(anybody_may_connect(&pool).await);
    for _ in 0..2 {
        identity::close(&mut conn).await.unwrap();
        assert!(!anybody_may_connect(&pool).await);
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_does_not_own_it_is_told_that_it_stays_open(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::query("set role pg_monitor").execute(&mut *conn).await.unwrap();
    let error = identity::close(&mut conn).await.unwrap_err().to_string();
    assert!(error.contains("is open to every role, and pg_monitor may not change that"), "{error}");
}

/// A database as `identity migrate` leaves it: a role that owns it and the two of the service, each by its address.
struct Three {
    admin: PgPool,
    name: String,
    options: PgConnectOptions,
}

impl Three {
    async fn make(admin: &PgPool) -> Self {
        let name: String = sqlx::query_scalar("select 'three_' || left(md5(current_database()), 12)")
            .fetch_one(admin)
            .await
            .unwrap();
        let options = admin.connect_options().as_ref().clone().database(&name);
        let three = Self { admin: admin.clone(), name, options };
        three.drop().await;
        let name = &three.name;
        for role in [name.clone(), format!("{name}_service"), format!("{name}_audit")] {
            three.admin(format!("create role {role} login noinherit password 'a'")).await;
        }
        three.admin(format!("create database {name} owner {name}")).await;
        let mut owner = three.role("").connect().await.unwrap();
        identity::MIGRATOR.run(&mut owner).await.unwrap();
        // Twice: as at the second start.
        for _ in 0..2 {
            identity::close(&mut owner).await.unwrap();
            assert!(identity::give(&mut owner).await.unwrap());
        }
        three
    }

    async fn admin(&self, statement: String) {
        sqlx::query(AssertSqlSafe(statement)).execute(&self.admin).await.unwrap();
    }

    fn role(&self, kind: &str) -> PgConnectOptions {
        self.options.clone().username(&format!("{}{kind}", self.name)).password("a")
    }

    async fn drop(&self) {
        self.admin(format!("drop database if exists {} with (force)", self.name)).await;
        for kind in ["", "_service", "_audit"] {
            self.admin(format!("drop role if exists {}{kind}", self.name)).await;
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn only_the_audits_own_role_adds_to_it_and_nobody_else_changes_it(pool: PgPool) {
    let three = Three::make(&pool).await;
    let entry = "insert into audit (seq, at, actor, action, about, detail, previous, hash)
        values (9, now(), 'a', 'b', 'c', '{}', '', '')";
    let accounts = "insert into token_key (kid, public_key, expires_at) values ('a', '', now())";
    let let_go = "insert into audit_base (seq, hash, at) values (9, '', now())";
    // Who does not own a table gives nobody anything, which PostgreSQL says in a warning: what follows is refused all the same.
    let mut conn = three.role("_service").connect().await.unwrap();
    sqlx::query("grant all on audit to current_user").execute(&mut conn).await.unwrap();
    drop(conn);
    for (kind, statement, may) in [
        ("_service", entry, false),
        ("_service", "update audit set actor = 'x'", false),
        ("_service", "delete from audit", false),
        ("_service", "truncate audit", false),
        ("_service", "alter table audit disable trigger all", false),
        ("_service", "drop trigger audit_append_only on audit", false),
        ("_service", "select * from audit_base", false),
        ("_service", let_go, false),
        ("_service", "update consent set given = true", false),
        ("_service", "truncate consent", false),
        ("_service", "create table mine (a int)", false),
        ("_service", "select count(*) from audit", true),
        ("_service", accounts, true),
        ("_audit", entry, true),
        ("_audit", "select count(*) from audit", true),
        ("_audit", "select count(*) from audit_base", true),
        ("_audit", "update audit set actor = 'x'", false),
        ("_audit", "delete from audit", false),
        ("_audit", "truncate audit", false),
        ("_audit", let_go, false),
        ("_audit", "alter table audit disable trigger all", false),
        ("_audit", accounts, false),
        ("_audit", "select count(*) from account", false),
        ("_audit", "select count(*) from session", false),
        ("_audit", "select count(*) from passkey", false),
    ] {
        let mut conn = three.role(kind).connect().await.unwrap();
        match sqlx::query(statement).execute(&mut conn).await {
            Ok(_) => assert!(may, "{kind}: {statement}"),
            Err(error) => {
                let why = error.to_string();
                let refused = why.contains("permission denied") || why.contains("must be owner");
                assert!(refused && !may, "{kind}: {statement}: {why}");
            }
        }
        for other in ["", "_service", "_audit"].into_iter().filter(|o| *o != kind) {
            let become_other = format!("set role {}{other}", three.name);
            assert!(sqlx::query(AssertSqlSafe(become_other)).execute(&mut conn).await.is_err());
        }
    }
    three.drop().await;
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_service_does_all_it_does_as_two_roles_that_own_nothing(pool: PgPool) {
    let service = crate::passkeys::service(&pool, Options::default()).await;
    let own = service.options.audit.clone().unwrap();
    assert!(!format!("{own:?}").contains("postgres"), "no address in a log");
    let mut ada = crate::passkeys::registered(&service, "ada", "dpo").await;
    assert_eq!(ada.reads_audit(&service).await.0, StatusCode::OK);
    let (victim, mut browser) = service.somebody("victim").await;
    let mut conn = pool.acquire().await.unwrap();
    accounts::grant(&mut conn, &victim, "auditor", "command", service.time.now(), None).await.unwrap();
    for path in ["/account/rights", "/account/alerts", "/account/rights/kept", "/account"] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
    }
    let page = browser.send("/account/rights/export", &[("format", "json")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let page = browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert!(page.body.contains("It is erased"), "{}", page.body);
    keys_are_made_and_end(&service, &own).await;
    let actions: Vec<String> =
        sqlx::query_scalar("select action from audit order by seq").fetch_all(&pool).await.unwrap();
    let of_keys = ["key.create", "key.rotate", "key.revoke", "key.revoke"];
    assert_eq!(actions, [&["passkey.add", "audit.read", "person.erase"][..], &of_keys].concat());
    assert!(matches!(audit::verify(own.pool(), None).await.unwrap(), Verdict::Whole(7, _)));
    // Without the audit nothing is done that belongs into it.
    own.pool().close().await;
    let options = ada.ask("/options").await;
    assert_eq!(options.status, StatusCode::OK, "{}", options.body);
    let before: i64 = sqlx::query_scalar("select count(*) from passkey").fetch_one(&pool).await.unwrap();
    let page = ada.register(&service.origin).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", page.body);
    let after: i64 = sqlx::query_scalar("select count(*) from passkey").fetch_one(&pool).await.unwrap();
    assert_eq!(before, after);
}

/// A specialist makes a key, replaces it and revokes the old one; an operator's command ends the new one, which leaked.
async fn keys_are_made_and_end(service: &Service, own: &Own) {
    let (account, mut browser) = service.somebody("specialist").await;
    let mut conn = service.pool.acquire().await.unwrap();
    let now = service.time.now();
    accounts::grant(&mut conn, &account, "specialist", "command", now, None).await.unwrap();
    let fields = [("name", "batch"), ("days", "9"), ("lang", "en"), ("figures:read", "yes")];
    let page = browser.send("/account/keys", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let id: String = sqlx::query_scalar("select id from api_key").fetch_one(&mut *conn).await.unwrap();
    let page = browser.send(&format!("/account/keys/{id}/rotate"), &[("lang", "en")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let page_of_new = page.body;
    let page = browser.send(&format!("/account/keys/{id}/revoke"), &[("lang", "en")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let mut tx = service.pool.begin().await.unwrap();
    assert_eq!(identity::keys::leaked((&mut tx, Some(own)), &page_of_new, now).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    let standing: i64 = sqlx::query_scalar("select count(*) from api_key where revoked_at is null")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(standing, 0);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_server_without_those_roles_is_as_it_was(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    // Nobody made two roles for this one.
    sqlx::query("set role pg_monitor").execute(&mut *conn).await.unwrap();
    assert!(!identity::give(&mut conn).await.unwrap());
}
