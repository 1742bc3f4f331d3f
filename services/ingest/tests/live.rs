//! The live runner against a publisher that behaves as publishers do.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod common;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::{at, payload, profile, shared};
use ingest::apply::Outcome;
use ingest::archive::Archive;
use ingest::live::check::{Checker, Found, Job};
use ingest::live::fetch;
use ingest::load::Plan;
use ingest::sources;
use sqlx::PgPool;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What the publisher answers, one after the other, and the conditions it was asked with.
#[derive(Clone, Default)]
struct Publisher {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

#[derive(Clone)]
enum Answer {
    Body(Vec<u8>, &'static str),
    OrNotModified(&'static str),
    Page,
    Busy(&'static str),
}

async fn answer(State(publisher): State<Publisher>, headers: HeaderMap) -> Response {
    let condition = headers.get(header::IF_NONE_MATCH).map(|v| v.to_str().unwrap().to_owned());
    publisher.asked.lock().unwrap().push(condition.clone());
    match publisher.answers.lock().unwrap().pop_front() {
        Some(Answer::Body(bytes, etag)) => ([(header::ETAG, etag)], bytes).into_response(),
        Some(Answer::OrNotModified(etag)) if condition.as_deref() == Some(etag) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Some(Answer::Page) => {
            (StatusCode::OK, "<!DOCTYPE html><html><body>We are moving.</body></html>").into_response()
        }
        Some(Answer::Busy(seconds)) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, seconds)]).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn publisher(answers: Vec<Answer>) -> (Publisher, String) {
    let publisher = Publisher::default();
    publisher.answers.lock().unwrap().extend(answers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/table.csv", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(publisher.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (publisher, url)
}

fn archive(name: &str) -> Archive {
    let folder = std::env::temp_dir().join(format!("vigie-ingest-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    Archive::open(folder.to_str().unwrap()).unwrap()
}

fn checker(pool: &PgPool, name: &str) -> Checker {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = fetch::builder("http://localhost").tls_certs_only([]).build().unwrap();
    Checker::new(pool.clone(), client, archive(name), Plan::of(&profile("fr")))
}

/// A look at a fixed time.
async fn look(checker: &Checker, job: &Job, time: &str) -> Found {
    let time = at(time);
    checker.check(job, &move || time).await.unwrap()
}

fn job(source: &str, url: String) -> Job {
    let source = sources::find(source).unwrap();
    Job { source, feed: &source.feeds[0], url }
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn news_are_appended_silence_is_noted_and_a_page_is_set_aside(pool: PgPool) {
    let Some(shared) = shared("news_are_appended_silence_is_noted_and_a_page_is_set_aside") else { return };
    let recorded =
        |day: &str| payload(&shared, &format!("data/global/owid-mpox/owid-monkeypox-data_{day}.csv.gz"));
    let (publisher, url) = publisher(vec![
        Answer::Body(recorded("2022-12-29"), "\"one\""),
        Answer::OrNotModified("\"one\""),
        Answer::Page,
        Answer::Busy("120"),
        Answer::Body(recorded("2023-05-31"), "\"two\""),
    ])
    .await;
    let (checker, job) = (checker(&pool, "news"), job("owid-mpox", url));
    let folder = std::env::temp_dir().join(format!("vigie-ingest-news-{}", std::process::id()));
    let kept = Archive::open(folder.to_str().unwrap()).unwrap();

    let first = look(&checker, &job, "2022-12-29T17:00:00Z").await;
    let Outcome::New(rows) = first.outcome else { panic!("{first:?}") };
    assert!(rows > 400);
    assert_eq!(count(&pool, "observation").await, i64::try_from(rows).unwrap());
    assert_eq!(
        count(&pool, "observation where place_id <> 'FR'").await,
        0,
        "France asks for its own figures"
    );

    assert_eq!(look(&checker, &job, "2022-12-29T23:00:00Z").await.outcome, Outcome::Unchanged);

    let page = look(&checker, &job, "2022-12-30T05:00:00Z").await;
    assert_eq!(
        page.outcome,
        Outcome::Quarantined("the payload is a web page, not the table that was asked for".into())
    );
    assert_eq!(count(&pool, "observation").await, i64::try_from(rows).unwrap(), "the last good data stay");
    assert_eq!(count(&pool, "quarantine").await, 1);

    let busy = look(&checker, &job, "2022-12-30T11:00:00Z").await;
    let Found { outcome: Outcome::Failed(_), retry_after: Some(wait), again: true } = busy else {
        panic!("{busy:?}")
    };
    assert_eq!(wait.num_seconds(), 120);

    let second = look(&checker, &job, "2023-05-31T23:40:00Z").await;
    let Outcome::New(changed) = second.outcome else { panic!("{second:?}") };
    assert!(changed > 100 && changed < rows, "{changed}: only what is new or was revised");

    // After the page the question carries the condition of the last accepted payload, not of the page.
    let one = Some("\"one\"".to_owned());
    assert_eq!(*publisher.asked.lock().unwrap(), [None, one.clone(), one.clone(), one.clone(), one]);
    let outcomes: Vec<String> = sqlx::query_scalar("select outcome from source_check order by checked_at")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(outcomes, ["new", "unchanged", "quarantined", "failed", "new"]);

    // The raw bytes are kept under their hash, also those that were refused.
    let hashes: Vec<String> =
        sqlx::query_scalar("select sha256 from retrieval").fetch_all(&pool).await.unwrap();
    assert_eq!(hashes.len(), 3);
    for hash in hashes {
        assert_eq!(ingest::body::sha256(&kept.payload(&hash).await.unwrap()), hash);
    }
    assert_eq!(kept.events().await.unwrap().len(), 5, "each look, whatever came of it");

    // As of a moment between the two, the first vintage and nothing of the second.
    let mut conn = pool.acquire().await.unwrap();
    let known = store::observations::panel(&mut conn, "mpox_cases", "owid-mpox", at("2023-01-01T00:00:00Z"))
        .await
        .unwrap();
    assert_eq!(known.iter().map(|p| p.reference_date).max().unwrap().to_string(), "2022-12-27");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_truncated_table_is_set_aside_and_a_silent_publisher_is_no_error(pool: PgPool) {
    let Some(shared) = shared("a_truncated_table_is_set_aside_and_a_silent_publisher_is_no_error") else {
        return;
    };
    let whole = payload(&shared, "data/global/owid-mpox/owid-monkeypox-data_2022-12-29.csv.gz");
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let is_france = |l: &&&[u8]| l.starts_with(b"France");
    let seldom = lines.iter().enumerate().filter(|(i, l)| *i == 0 || !is_france(l) || i % 4 == 0);
    let truncated: Vec<u8> = seldom.flat_map(|(_, l)| l.to_vec()).collect();
    let (_publisher, url) =
        publisher(vec![Answer::Body(whole.clone(), "\"a\""), Answer::Body(truncated, "\"b\"")]).await;
    let (checker, job) = (checker(&pool, "truncated"), job("owid-mpox", url));
    assert!(matches!(look(&checker, &job, "2022-12-29T17:00:00Z").await.outcome, Outcome::New(_)));
    let found = look(&checker, &job, "2022-12-29T23:00:00Z").await;
    assert!(matches!(&found.outcome, Outcome::Quarantined(why) if why.contains("truncated")), "{found:?}");
    assert_eq!(count(&pool, "observation where status = 'withdrawn'").await, 0, "absence is not deletion");

    let gone = look(&checker, &job, "2022-12-30T05:00:00Z").await;
    assert!(
        matches!(gone, Found { outcome: Outcome::Failed(_), again: false, .. }),
        "a 404 is not asked again at once: {gone:?}"
    );
    let nobody = Job { url: "http://127.0.0.1:1/table.csv".into(), ..job };
    let silent = look(&checker, &nobody, "2022-12-30T11:00:00Z").await;
    assert!(matches!(silent, Found { outcome: Outcome::Failed(_), again: true, .. }), "{silent:?}");
    assert_eq!(count(&pool, "source_check").await, 4);
}

/// Two tables of Switzerland could not be recorded. This one is written by the documented columns: it is no payload of the
/// publisher.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_table_that_could_not_be_recorded_is_read_when_it_comes(pool: PgPool) {
    let cantons: Vec<&str> = ingest::places::all()
        .iter()
        .filter(|p| p.level == "canton")
        .map(|p| p.id.as_str().trim_start_matches("CH-"))
        .collect();
    assert_eq!(cantons.len(), 26);
    let table = |weeks: std::ops::RangeInclusive<u32>| {
        let mut text = "valueCategory,temporal,temporal_type,georegion,georegion_type,agegroup,sex,type,value,pop,incValue,dataComplete\n"
            .to_owned();
        for week in weeks {
            for (n, region) in ["CHFL", "CH"].iter().chain(&cantons).enumerate() {
                let (all, old) = (10 * week + n as u32, n as u32);
                text += &format!("cases,2025-W{week:02},iso_week,{region},x,all,all,all,{all},1,1,TRUE\n");
                text += &format!("cases,2025-W{week:02},iso_week,{region},x,65+,all,all,{old},1,1,TRUE\n");
            }
        }
        text.into_bytes()
    };
    let (_, url) = publisher(vec![
        Answer::Body(table(1..=10), "\"one\""),
        Answer::Body(table(1..=11), "\"two\""),
        Answer::Page,
    ])
    .await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = fetch::builder("http://localhost").tls_certs_only([]).build().unwrap();
    let checker = Checker::new(pool.clone(), client, archive("unrecorded"), Plan::of(&profile("ch")));
    let job = job("foph-idd-weekly", url);
    assert_eq!(look(&checker, &job, "2025-03-12T12:00:00Z").await.outcome, Outcome::New(270));
    assert_eq!(look(&checker, &job, "2025-03-19T12:00:00Z").await.outcome, Outcome::New(27));
    assert!(matches!(look(&checker, &job, "2025-03-26T12:00:00Z").await.outcome, Outcome::Quarantined(_)));
    let zurich: (f64, chrono::NaiveDate) = sqlx::query_as(
        "select value, reference_date from observation where signal_id = 'flu_cases_weekly' and place_id = 'CH-ZH'
          order by reference_date desc limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(zurich.1.to_string(), "2025-03-16", "the Sunday of week 11");
    assert!(zurich.0 > 110.0);
}

#[test]
fn each_country_looks_at_its_own_publishers_only() {
    let jobs =
        |country: &str, non_commercial| ingest::live::jobs(&Plan::of(&profile(country)), non_commercial);
    let names = |country: &str| {
        let mut names: Vec<_> = jobs(country, false).iter().map(|j| j.source.id).collect();
        names.dedup();
        names
    };
    assert_eq!(
        names("us"),
        [
            "cdc-covid-hub",
            "cdc-covid-state",
            "cdc-flusight",
            "cdc-nchs-deaths",
            "cdc-nhsn",
            "cdc-nssp",
            "cdc-rsv-hub",
            "owid-mpox"
        ]
    );
    assert_eq!(
        names("fr"),
        ["ecdc-erviss", "ecdc-erviss-covid", "owid-mpox", "spf-odisse", "spf-sivic", "who-fluid"]
    );
    assert_eq!(names("ch"), ["ecdc-erviss", "foph-idd-weekly", "foph-sentinella", "owid-mpox", "who-fluid"]);
    // Where the operator says that nothing is sold, also those that forbid it; a table by country is asked for this one's.
    let asked = |country: &str, source: &str| {
        let of_source = |j: &Job| (j.source.id == source).then(|| j.url.clone());
        jobs(country, true).iter().filter_map(of_source).collect::<Vec<_>>()
    };
    for (country, code) in [("fr", "FRA"), ("ch", "CHE")] {
        let [flunet] = &asked(country, "who-flunet")[..] else { panic!("one table of FluNet") };
        assert!(flunet.ends_with(&format!("COUNTRY_CODE%20eq%20%27{code}%27")), "{flunet}");
    }
    assert_eq!((asked("fr", "who-covid").len(), asked("ch", "who-covid").len()), (1, 0));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_redirect_to_an_address_inside_is_not_followed_and_a_name_that_leads_inside_is_not_asked(
    pool: PgPool,
) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    let router = Router::new().fallback(|uri: axum::http::Uri| async move {
        let to = uri.query().unwrap_or_default().to_owned();
        (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let checker = checker(&pool, "inside");
    for (minute, to) in
        ["http://169.254.169.254/latest/meta-data", "https://10.0.0.1/x.csv", "http://localhost/x.csv"]
            .into_iter()
            .enumerate()
    {
        let time = format!("2022-12-29T17:0{minute}:00Z");
        let found = look(&checker, &job("owid-mpox", format!("http://{here}/x.csv?{to}")), &time).await;
        let Outcome::Failed(reason) = &found.outcome else { panic!("{to}: {found:?}") };
        assert!(reason.contains(to) && reason.contains("not followed"), "{reason}");
    }
    let client = fetch::client("https://vigie.test").unwrap();
    let found =
        fetch::get(&client, "https://localhost:1/x.csv", &Default::default(), at("2022-12-29T17:00:00Z"))
            .await
            .unwrap();
    let fetch::Answer::Failed { reason, .. } = found else { panic!("{found:?}") };
    assert!(reason.contains("localhost leads to") && reason.contains("no public address"), "{reason}");
}
