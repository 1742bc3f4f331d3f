//! The service's two roles at the database: each single right is needed, and there is none beside (`identity::ROLES`). That
//! they suffice, all other tests show: the service runs as these two in each.

use crate::access::{ask, with_role};
use crate::alerts::{Forecasts, run};
use crate::browser::{Browser, Page};
use crate::common::{Place, Service, country};
use crate::false_provider::False;
use crate::passkeys::registered;
use crate::persons::{by_mail, token};
use crate::post::{Letter, Post};
use chrono::TimeDelta;
use identity::audit::{self, Verdict};
use identity::{Options, ROLES};
use kit::keys::{Asker, ServiceKey, hash};
use reqwest::{Method, StatusCode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};
use tokio::task::{LocalSet, spawn_local};

/// What was asked for is there.
fn done(page: Page) -> Page {
    assert!(page.status.is_success(), "{} answers {}: {}", page.url, page.status, page.body);
    page
}

/// The next letter, which is the one that `what` names.
async fn letter(post: &mut Post, what: &str) -> Letter {
    let next = tokio::time::timeout(std::time::Duration::from_secs(30), post.next()).await;
    next.unwrap_or_else(|_| panic!("no letter came: {what}"))
}

/// Everything that the service, its job and its sweep do with the database, once.
async fn all(pool: PgPool, turn: usize) {
    // What a turn before left half done. Consents and the audit stay: they are only added to.
    sqlx::query("truncate account, contact, proof, request, login, token_key cascade")
        .execute(&pool)
        .await
        .unwrap();
    let (db, trail) = crate::roles::given(&pool).await;
    for pool in [&db, trail.pool()] {
        pool.connect_options().connect().await.unwrap();
    }
    assert!(store::is_current(&db, &identity::MIGRATOR).await.unwrap(), "the schema is not current");
    log_in(&pool).await;

    let (forecasts, origin) = Forecasts::serve().await;
    let mut post = Post::open();
    let key = ServiceKey::read(&ServiceKey::make().unwrap()).unwrap();
    let options = Options {
        mail: post.options(),
        forecast: Some(origin.parse().unwrap()),
        data_api_key: Some(key.public()),
        ..Options::default()
    };
    let service = Service::with(Place::named().await, &pool, country("us"), options).await;
    act_on_others(&service).await;
    use_passkeys(&service).await;
    let asker = Asker::new(&service.origin, key, "data-api", &service.origin, "us").unwrap();
    make_keys(&service, &asker).await;
    by_account(&service, &mut post, turn).await;
    let email = format!("reader-{turn}@canary.test");
    want_alerts(&service, &mut post, &forecasts, &email).await;
    by_address(&service, &mut post, &email).await;
    done(service.browser().get("/account/receipts/keys.json").await);
    identity::remove(&service.app, service.time.now()).await.unwrap();
    assert!(matches!(audit::verify(trail.pool(), None).await.unwrap(), Verdict::Whole(..)));
}

async fn log_in(pool: &PgPool) {
    let (service, provider) = False::start(pool).await;
    let (page, inside) =
        crate::faults::try_with(&service, &provider, |p, claims| p.sign(&p.header(), &claims)).await;
    assert!(done(page).status == StatusCode::OK && inside);
    let (_, mut browser) = service.somebody("seen").await;
    service.pass(TimeDelta::minutes(10));
    done(browser.get("/account").await);
}

/// An operator's and an auditor's doing.
async fn act_on_others(service: &Service) {
    let (_, _, operator) = with_role(service, "operator", "operator").await;
    let (_, _, auditor) = with_role(service, "auditor", "auditor").await;
    let (victim, _) = service.somebody("victim").await;
    for what in ["disable", "enable", "passkeys/reset"] {
        let path = format!("/account/people/{victim}/{what}");
        let (status, body) = ask(service, Method::POST, &path, Some(&operator)).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{what}: {body}");
    }
    let (status, body) = ask(service, Method::GET, "/account/audit", Some(&auditor)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

async fn use_passkeys(service: &Service) {
    let mut ada = registered(service, "ada", "operator").await;
    done(ada.confirm(&service.origin).await);
    let id: String = sqlx::query_scalar("select id from passkey where account_id = $1")
        .bind(&ada.account)
        .fetch_one(&service.pool)
        .await
        .unwrap();
    done(ada.browser.send(&format!("/account/passkeys/{id}/name"), &[("name", "Other")]).await);
    let page = done(ada.browser.send("/account/passkeys/codes", &[]).await);
    let code = crate::recovery::codes(&page).remove(0);
    let mut other = service.logged_in(&ada.account).await;
    let page = done(other.send("/account/passkeys/recover", &[("code", &code)]).await);
    assert!(page.body.contains("The code was accepted"), "{}", page.body);
    // Its copy was used a hundred times.
    let copied =
        "update passkey set credential = jsonb_set(credential, '{cred,counter}', '100'), counter = 100";
    sqlx::query(copied).execute(&service.pool).await.unwrap();
    let page = ada.confirm(&service.origin).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    service.confirmed(&ada.account).await;
    done(ada.browser.send(&format!("/account/passkeys/{id}/remove"), &[]).await);
}

async fn make_keys(service: &Service, asker: &Asker) {
    let (_, mut browser) = crate::keys::specialist(service, "specialist").await;
    let key = crate::keys::make(&mut browser).await;
    assert!(asker.ask(&hash(&key)).await.unwrap().is_some());
    let id: String = sqlx::query_scalar("select id from api_key").fetch_one(&service.pool).await.unwrap();
    for what in ["rotate", "revoke"] {
        done(browser.send(&format!("/account/keys/{id}/{what}"), &[]).await);
    }
}

/// Opens the link of the next letter with which a new address is proven.
async fn prove(service: &Service, post: &mut Post, browser: &mut Browser, email: &str) {
    done(browser.send("/account/rights/address/new", &[("email", email)]).await);
    let link = token(&letter(post, email).await.link(&service.origin));
    let page = done(browser.send("/account/rights/address", &[("token", &link)]).await);
    assert!(page.body.contains("counts from now on"), "{}", page.body);
}

/// The rights of somebody with an account: halts, an address, an export, an erasure.
async fn by_account(service: &Service, post: &mut Post, turn: usize) {
    let (_, mut browser) = service.somebody("person").await;
    prove(service, post, &mut browser, &format!("person-{turn}@canary.test")).await;
    halt(&mut browser).await;
    done(browser.send("/account/rights/question", &[]).await);
    done(browser.send("/account/rights/export", &[("format", "json")]).await);
    let page = done(browser.send("/account/rights/erasure", &[("sure", "yes")]).await);
    assert!(page.body.contains("It is erased"), "{}", page.body);
}

async fn halt(browser: &mut Browser) {
    for right in ["restriction", "objection"] {
        for on in ["yes", "no"] {
            done(browser.send(&format!("/account/rights/{right}"), &[("on", on)]).await);
        }
    }
}

/// An alert: chosen, confirmed twice, told, ended.
async fn want_alerts(service: &Service, post: &mut Post, forecasts: &Forecasts, email: &str) {
    let form = [("lang", "en"), ("email", email), ("signal", "flu_hosp_admissions"), ("place", "us-ca")];
    let mut browser = service.browser();
    forecasts.weeks(&[(0, 10.0)]);
    done(browser.send("/account/alerts", &[&form[..], &[("threshold", "100")]].concat()).await);
    let link = token(&letter(post, "of an alert").await.link(&service.origin));
    done(browser.send("/account/alerts/confirm", &[("token", &link)]).await);
    forecasts.weeks(&[(0, 200.0)]);
    let outcome = run(service).await;
    assert!((outcome.sent, outcome.failed) == (1, 0), "{outcome:?}");
    let told = letter(post, "of a crossing").await;
    let stop = told.header("List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    let click = crate::browser::client().post(stop).body("List-Unsubscribe=One-Click");
    let click = click.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(click.send().await.unwrap().status(), StatusCode::OK);
}

/// The rights of somebody without an account.
async fn by_address(service: &Service, post: &mut Post, email: &str) {
    let (mut browser, _) = by_mail(service, post, email).await;
    done(browser.send("/account/rights/language", &[("language", "en")]).await);
    halt(&mut browser).await;
    prove(service, post, &mut browser, &format!("new-{email}")).await;
    letter(post, "to the old address").await;
    let page = done(browser.send("/account/rights/erasure", &[("sure", "yes")]).await);
    assert!(page.body.contains("It is erased"), "{}", page.body);
}

/// What went wrong with [`all`].
async fn attempt(pool: &PgPool, turn: usize) -> Result<(), String> {
    let tried = LocalSet::new().run_until(async { spawn_local(all(pool.clone(), turn)).await }).await;
    let Err(error) = tried else { return Ok(()) };
    let why = error.into_panic();
    let said = why.downcast_ref::<String>().cloned();
    Err(said.or_else(|| why.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap())
}

/// What says that it is the database that refused. A token whose key cannot be read is one of nobody.
const REFUSED: [&str; 7] = [
    "permission denied",
    "answers 500",
    "left: 500",
    "left: (500",
    "failed: 1",
    "the schema is not current",
    "the token is not accepted",
];

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn each_right_of_the_two_roles_is_needed_and_there_is_none_beside(pool: PgPool) {
    let database: String =
        sqlx::query_scalar("select quote_ident(current_database())").fetch_one(&pool).await.unwrap();
    let mut turn = 0;
    attempt(&pool, turn).await.unwrap();
    let mut wrong = Vec::new();
    for access in ROLES {
        let role = crate::roles::name(&pool, access.service).await;
        let rights = access.rights(&database);
        for right in &rights {
            turn += 1;
            let statement = |of: String| sqlx::query(AssertSqlSafe(of)).execute(&pool);
            statement(format!("revoke {right} from {role}")).await.unwrap();
            match attempt(&pool, turn).await {
                Ok(()) => wrong.push(format!("{role} does without {right}")),
                Err(why) if REFUSED.iter().any(|words| why.contains(words)) => {}
                Err(why) => wrong.push(format!("{role} without {right}: {why}")),
            }
            statement(format!("grant {right} to {role}")).await.unwrap();
        }
        let held = store::access::held(&mut pool.acquire().await.unwrap(), &role).await.unwrap();
        let beside = held.iter().filter(|right| !rights.contains(right));
        wrong.extend(beside.map(|right| format!("{role} has {right} too")));
    }
    attempt(&pool, turn + 1).await.unwrap();
    assert!(turn > 80, "only {turn} rights");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A right of each kind that there may be is seen by what the test above compares with.
#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_held_beside_is_seen(pool: PgPool) {
    crate::roles::given(&pool).await;
    let role = crate::roles::name(&pool, "audit").await;
    let mut conn = pool.acquire().await.unwrap();
    let before = store::access::held(&mut conn, &role).await.unwrap();
    for (statement, said) in [
        ("grant select on account to {role}", "select on account"),
        ("grant select (id) on account to {role}", "select (id) on account"),
        ("grant update (email) on contact to public", "update (email) on contact"),
        ("grant usage on sequence consent_id_seq to {role}", "usage on sequence consent_id_seq"),
        ("grant execute on function refuse_change() to public", "execute on function refuse_change()"),
        ("grant execute on function pg_read_file(text) to {role}", "execute on function pg_read_file(text)"),
        ("grant select on pg_authid to {role}", "select on pg_authid"),
        ("grant create on schema public to {role}", "create on schema public"),
        (
            "alter default privileges grant insert on tables to {role}",
            "insert by default on objects of kind r",
        ),
        ("grant insert on audit to {role} with grant option", "insert on audit with grant option"),
        ("create schema mine authorization {role}", "owns schema mine"),
        // Roles are the whole server's, and other tests have the same: within a transaction that ends without a trace.
        ("grant pg_monitor to {role}", "is in pg_monitor"),
        ("alter role {role} createdb", "makes databases"),
    ] {
        sqlx::query("begin").execute(&mut *conn).await.unwrap();
        sqlx::query(AssertSqlSafe(statement.replace("{role}", &role))).execute(&mut *conn).await.unwrap();
        let held = store::access::held(&mut conn, &role).await.unwrap();
        assert!(held.iter().any(|h| h == said) && !before.iter().any(|h| h == said), "{statement}: {held:?}");
        sqlx::query("rollback").execute(&mut *conn).await.unwrap();
    }
    assert_eq!(before, store::access::held(&mut conn, &role).await.unwrap());
}
