//! What happens while something else does, to the rights of persons: an erasure beside what is being written, a halt beside a run of
//! alerts, a run that dies; and what the server itself keeps beside the rows.

use crate::alerts::{Forecasts, run};
use crate::common::{Service, somebody_waits};
use crate::persons::{by_mail, planted, token, with_list, with_post};
use crate::post::Post;
use crate::scan::scan;
use axum::extract::RawQuery;
use axum::response::{IntoResponse as _, Response};
use identity::alerts::{self, Wish};
use identity::mailer::MailOptions;
use identity::rights::contacts::{self, Contact};
use identity::rights::erase::{self, By};
use identity::rights::{Person, requests};
use identity::{Options, Outcome};
use kit::App;
use reqwest::StatusCode;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

const EMAIL: &str = "carl@canary.test";

fn wish() -> Wish {
    Wish { signal: "flu_hosp_admissions".into(), place: "US-CA".into(), threshold: 100.0 }
}

/// Somebody without an account who wants an alert.
async fn reader(service: &Service) -> Contact {
    let mut conn = service.pool.acquire().await.unwrap();
    let now = service.time.now();
    let contact = contacts::keep(&mut conn, EMAIL, "en", now).await.unwrap();
    alerts::keep(&mut conn, &contact, &wish(), ("en", "a text"), now).await.unwrap().unwrap();
    contact
}

/// A forecast API before which each question waits until it is let go.
async fn held(behind: String) -> (String, Arc<Notify>, Arc<Notify>) {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (told, waits) = (Arc::clone(&asked), Arc::clone(&go));
    let answer = move |RawQuery(query): RawQuery| async move {
        told.notify_one();
        waits.notified().await;
        let url = format!("{behind}/api/forecast/v1/forecasts?{}", query.unwrap());
        let body = crate::browser::client().get(url).send().await.unwrap().text().await.unwrap();
        let answer: Response = ([("content-type", "application/json")], body).into_response();
        answer
    };
    let router = axum::Router::new().route("/api/forecast/v1/forecasts", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (origin, asked, go)
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_halt_during_a_run_stops_its_letters_and_uses_no_crossing_up(pool: PgPool) {
    let (forecasts, behind) = Forecasts::serve().await;
    forecasts.weeks(&[(0, 200.0)]);
    let (service, mut post) = with_post(&pool, "us").await;
    reader(&service).await;
    let (mut browser, _) = by_mail(&service, &mut post, EMAIL).await;
    // A program of its own, with connections of its own.
    let theirs = (*service.app.db.connect_options()).clone();
    let db = sqlx::postgres::PgPoolOptions::new().connect_with(theirs).await.unwrap();
    let run = App { db: db.clone(), ..service.app.clone() };
    for right in ["restriction", "objection"] {
        let (origin, asked, go) = held(behind.clone()).await;
        let options = Options { forecast: Some(origin.parse().unwrap()), ..service.options.clone() };
        let going = tokio::spawn(identity::alerts(run.clone(), options, service.time.clone()));
        tokio::time::timeout(Duration::from_secs(60), asked.notified())
            .await
            .expect("the forecasts are asked");
        browser.send(&format!("/account/rights/{right}"), &[("on", "yes")]).await;
        go.notify_one();
        assert_eq!(going.await.unwrap().unwrap(), Outcome { looked: 1, ..Outcome::default() }, "{right}");
        assert!(post.is_empty(), "{right}");
        browser.send(&format!("/account/rights/{right}"), &[("on", "no")]).await;
    }
    let options = Options { forecast: Some(behind.parse().unwrap()), ..service.options.clone() };
    let outcome = identity::alerts(run, options, service.time.clone()).await.unwrap();
    assert_eq!(outcome.sent, 1, "what was reached meanwhile is told once the halt is lifted");
    post.next().await;
    db.close().await;
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_run_that_dies_while_the_mail_server_is_silent_loses_no_letter(pool: PgPool) {
    let (forecasts, behind) = Forecasts::serve().await;
    forecasts.weeks(&[(0, 200.0)]);
    let mut post = Post::open();
    let options =
        Options { mail: post.options(), forecast: Some(behind.parse().unwrap()), ..Options::default() };
    let place = crate::common::Place::find().await;
    let service = Service::with(place, &pool, crate::common::country("us"), options).await;
    reader(&service).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("smtp://{}", silent.local_addr().unwrap());
    let mail = MailOptions { server: Some(server.parse().unwrap()), ..post.options() };
    // Connections of its own, which end with it.
    let db =
        sqlx::postgres::PgPoolOptions::new().connect_with((*pool.connect_options()).clone()).await.unwrap();
    let app = App { db: db.clone(), ..service.app.clone() };
    let options = Options { mail, ..service.options.clone() };
    let dies = tokio::spawn(identity::alerts(app, options, service.time.clone()));
    let (connection, _) = silent.accept().await.unwrap();
    let beside = run(&service).await;
    assert_eq!((beside.sent, post.is_empty()), (0, true), "two runs at once do not both send");
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    db.close().await;
    drop(connection);
    let held = "select exists (select from pg_locks l join pg_database d on d.oid = l.database
                  where l.locktype = 'advisory' and d.datname = current_database())";
    let mut tries = 0;
    while sqlx::query_scalar::<_, bool>(held).fetch_one(&pool).await.unwrap() {
        tries += 1;
        assert!(tries < 50_000, "the lock of a run that died goes with its connection");
        tokio::task::yield_now().await;
    }
    assert_eq!(run(&service).await.sent, 1);
    post.next().await;
    assert_eq!(run(&service).await.sent, 0, "once");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_alert_that_is_confirmed_during_an_erasure_leaves_no_consent_of_nobody(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    let contact = reader(&service).await;
    let (mut browser, _) = by_mail(&service, &mut post, EMAIL).await;
    // A confirmation under way: written, and not yet committed.
    let mut tx = pool.begin().await.unwrap();
    let now = service.time.now();
    let same = contacts::keep(&mut tx, EMAIL, "en", now).await.unwrap();
    let more = Wish { threshold: 7.0, ..wish() };
    alerts::keep(&mut tx, &same, &more, ("en", "a text"), now).await.unwrap().unwrap();
    let erases =
        tokio::spawn(async move { browser.send("/account/rights/erasure", &[("sure", "yes")]).await });
    somebody_waits(&pool, || erases.is_finished()).await;
    tx.commit().await.unwrap();
    let page = erases.await.unwrap();
    assert!(page.body.contains("It is erased"), "{}", page.body);
    let canaries = crate::scan::canaries(&[EMAIL, &contact.id, &contact.key.pseudonym()]);
    let left: Vec<String> = scan(&pool, &canaries).await.into_keys().collect();
    assert_eq!(left, ["audit.about", "audit.actor"]);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_asked_during_an_erasure_is_not_kept_under_the_erased_name(pool: PgPool) {
    let (service, _post) = with_list(&pool, "us", None).await;
    let ada = planted(&service, "ada", "ada@canary.test").await;
    let mut tx = pool.begin().await.unwrap();
    let person = Person::of_account(&mut tx, &ada.account).await.unwrap();
    erase::person(&mut tx, &person, By::Person(""), None, service.time.now()).await.unwrap();
    let mut browser = ada.browser.clone();
    let asks = tokio::spawn(async move { browser.send("/account/rights/question", &[]).await });
    somebody_waits(&pool, || asks.is_finished()).await;
    tx.commit().await.unwrap();
    let page = asks.await.unwrap();
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", page.body);
    let left: Vec<String> = scan(&pool, &ada.canaries()).await.into_keys().collect();
    assert_eq!(left, ["audit.about", "audit.actor"]);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn nothing_that_an_erased_person_asked_for_waits_for_an_answer(pool: PgPool) {
    let (service, _post) = with_post(&pool, "us").await;
    let mut ada = planted(&service, "ada", "ada@canary.test").await;
    let mut conn = pool.acquire().await.unwrap();
    let open: Vec<String> = requests::waiting(&mut conn).await.unwrap().into_iter().map(|r| r.kind).collect();
    assert_eq!(open, ["rectification", "question"], "a link under way, a question to people");
    // An erasure that failed: its request stayed.
    sqlx::query(
        "insert into request (id, who, kind, made_at, due_at)
         select 'failed', who, 'erasure', made_at, due_at from request where kind = 'question'",
    )
    .execute(&pool)
    .await
    .unwrap();
    ada.browser.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert_eq!(requests::waiting(&mut conn).await.unwrap(), [], "nobody could be answered any more");
    let kept: Vec<(String, String, bool)> = sqlx::query_as(
        "select kind, outcome, receipt is not null from request where kind in ('question', 'erasure') order by kind, outcome",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let is = |kind: &str, outcome: &str, receipt| (kind.to_owned(), outcome.to_owned(), receipt);
    let erased =
        [is("erasure", "done", true), is("erasure", "erased", false), is("question", "erased", false)];
    assert_eq!(kept, erased);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_reads_the_mail_of_an_account_cannot_make_it_write_elsewhere(pool: PgPool) {
    let (service, mut post) = with_post(&pool, "us").await;
    let ada = planted(&service, "ada", "ada@canary.test").await;
    post.next().await;
    let (mut thief, _) = by_mail(&service, &mut post, "ada@canary.test").await;
    let page = thief.send("/account/rights/address/new", &[("email", "thief@canary.test")]).await;
    assert!(page.body.contains("belongs to an account: log in to change it"), "{}", page.body);
    assert!(post.is_empty(), "no link is sent");
    let mut conn = pool.acquire().await.unwrap();
    assert!(
        !contacts::change(&mut conn, "ada@canary.test", "thief@canary.test", service.time.now())
            .await
            .unwrap()
    );
    let kept = contacts::of_account(&mut conn, &ada.account).await.unwrap().unwrap();
    assert_eq!(kept.email, "ada@canary.test");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn whoever_else_the_old_address_let_in_does_not_go_along_to_the_new_one(pool: PgPool) {
    const NEW: &str = "new@canary.test";
    let (service, mut post) = with_post(&pool, "us").await;
    reader(&service).await;
    let (mut thief, page) = by_mail(&service, &mut post, EMAIL).await;
    assert!(page.body.contains(EMAIL));
    let (mut carl, _) = by_mail(&service, &mut post, EMAIL).await;
    carl.send("/account/rights/address/new", &[("email", NEW)]).await;
    let link = post.next().await.link(&service.origin);
    let page = carl.send("/account/rights/address", &[("token", &token(&link))]).await;
    assert!(page.body.contains(NEW) && page.body.contains("counts from now on"), "{}", page.body);
    assert!(carl.get("/account/rights").await.body.contains(NEW));
    assert!(!thief.get("/account/rights").await.body.contains(NEW));
    assert_eq!(
        thief.send("/account/rights/erasure", &[("sure", "yes")]).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn neither_the_servers_samples_nor_its_files_keep_an_address_that_was_erased(pool: PgPool) {
    let (service, _post) = with_post(&pool, "us").await;
    let mut conn = pool.acquire().await.unwrap();
    let sampled = async |conn: &mut sqlx::PgConnection| -> bool {
        sqlx::query("analyze").execute(&mut *conn).await.unwrap();
        let query = "select count(*) > 0 from pg_stats
            where tablename = 'contact' and (histogram_bounds::text || coalesce(most_common_vals::text, '')) like '%@canary.test%'";
        sqlx::query_scalar(query).fetch_one(conn).await.unwrap()
    };
    let filed = async |conn: &mut sqlx::PgConnection| -> bool {
        sqlx::query("checkpoint").execute(&mut *conn).await.unwrap();
        let query = "select position('reader7@canary.test'::bytea in pg_read_binary_file(pg_relation_filepath(t))) > 0
            from unnest(array['contact', 'contact_email']) t order by 1 desc limit 1";
        sqlx::query_scalar(query).fetch_one(conn).await.unwrap()
    };
    for n in 0..50 {
        contacts::keep(&mut conn, &format!("reader{n}@canary.test"), "en", service.time.now()).await.unwrap();
    }
    assert!(sampled(&mut conn).await, "as the server does it by itself");
    identity::unsampled(&mut conn).await.unwrap();
    assert!(!sampled(&mut conn).await);
    // Whoever writes into another database of the server, and has begun before.
    let mut elsewhere =
        PgConnection::connect_with(&pool.connect_options().as_ref().clone().database("postgres"))
            .await
            .unwrap();
    sqlx::query("begin").execute(&mut elsewhere).await.unwrap();
    sqlx::query("select pg_current_xact_id()").execute(&mut elsewhere).await.unwrap();
    for n in 0..50 {
        let mut tx = pool.begin().await.unwrap();
        let person = Person::of_email(&mut tx, &format!("reader{n}@canary.test")).await.unwrap();
        erase::person(&mut tx, &person, By::Person(""), None, service.time.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert!(filed(&mut conn).await, "a deleted row lies there still");
    let left = identity::rewrite(&mut conn, Duration::ZERO).await.unwrap();
    assert!(left.contains(&"contact".to_owned()), "{left:?}");
    assert!(filed(&mut conn).await, "somebody works elsewhere since before");
    let patient = tokio::spawn(async move {
        let left = identity::rewrite(&mut conn, Duration::from_secs(60)).await.unwrap();
        (conn, left)
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    elsewhere.close().await.unwrap();
    let (mut conn, left) = patient.await.unwrap();
    assert_eq!(left, [""; 0]);
    assert!(!filed(&mut conn).await);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn who_finds_a_session_open_takes_nothing_along_erases_nobody_and_turns_no_letters_away(pool: PgPool) {
    let (service, _post) = with_post(&pool, "us").await;
    let (account, mut found) = service.somebody("ada").await;
    service.pass(chrono::TimeDelta::minutes(11));
    for (path, field) in [
        ("/account/rights/erasure", ("sure", "yes")),
        ("/account/rights/address/new", ("email", "mallory@canary.test")),
        ("/account/rights/export", ("format", "json")),
        ("/account/rights/export", ("format", "csv")),
    ] {
        let page = found.send(path, &[field]).await;
        assert_eq!(page.url.query(), Some("done=anew"), "{path}: {}", page.body);
        assert!(page.body.contains("log in once more first"), "{}", page.body);
    }
    let asked: i64 = sqlx::query_scalar("select count(*) from request").fetch_one(&pool).await.unwrap();
    let proofs: i64 = sqlx::query_scalar("select count(*) from proof").fetch_one(&pool).await.unwrap();
    assert_eq!((asked, proofs), (0, 0), "nothing was begun");
    // What is as easy as giving a consent, and can be lifted again, goes on.
    for (right, said) in [("objection", "Your objection is recorded"), ("restriction", "restricted")] {
        let page = found.send(&format!("/account/rights/{right}"), &[("on", "yes")]).await;
        assert!(page.body.contains(said), "{right}: {}", page.body);
        found.send(&format!("/account/rights/{right}"), &[("on", "no")]).await;
    }
    let mut owner = service.logged_in(&account).await;
    let file = owner.send("/account/rights/export", &[("format", "json")]).await;
    assert!(file.body.contains(&account), "{}", file.body);
    let page = owner.send("/account/rights/erasure", &[("sure", "yes")]).await;
    assert!(page.body.contains("It is erased"), "{}", page.body);
}
