//! Many readers while figures arrive: every answer is that of one moment, and the right one.

use crate::common::{self, ask_router, point, time};
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use store::observations::NewPoint;

const READERS: usize = 32;
const ISSUES: usize = 25;
const PLACES: [&str; 3] = ["US", "US-CA", "US-NY"];

fn issued(issue: usize) -> DateTime<Utc> {
    time("2025-01-10T12:00:00Z") + Duration::hours(issue as i64)
}

/// An issue: ten weeks of each place, all of them revised by every issue.
fn issue(number: usize) -> Vec<NewPoint> {
    let first = "2024-10-05".parse::<NaiveDate>().unwrap();
    let cells = PLACES.iter().flat_map(|place| (0..10).map(move |week| (place, week)));
    cells
        .map(|(place, week)| {
            let date = (first + Days::new(7 * week)).to_string();
            let at = issued(number).to_rfc3339();
            NewPoint {
                seen_at: issued(number),
                ..point(place, &date, &at, Ok((number * 100) as f64 + week as f64), "r1")
            }
        })
        .collect()
}

/// The naive rule: of each cell the last issue of the first `count`.
fn wanted(count: usize) -> BTreeMap<String, f64> {
    let mut cells = BTreeMap::new();
    for p in (0..count).flat_map(issue) {
        cells.insert(format!("{} {}", p.key.place, p.key.reference_date), p.value.unwrap());
    }
    cells
}

fn json(answer: &common::Answer) -> BTreeMap<String, f64> {
    let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
    let data = answer.json()["data"].as_array().unwrap().clone();
    data.iter()
        .map(|v| {
            (format!("{} {}", text(&v["place"]), text(&v["reference_date"])), v["value"].as_f64().unwrap())
        })
        .collect()
}

fn csv(answer: &common::Answer) -> BTreeMap<String, f64> {
    let mut reader = csv::Reader::from_reader(&answer.body[..]);
    reader
        .records()
        .map(Result::unwrap)
        .map(|r| (format!("{} {}", &r[2], &r[3]), r[5].parse().unwrap()))
        .collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn thirty_two_readers_see_whole_issues_while_figures_arrive(pool: PgPool) {
    let app = common::country(pool.clone(), time(common::CLOCK)).await;
    let router = kit::server::layers(data_api::router(app, 0, data_api::PATIENCE));
    let (there, ended, answers) =
        (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut readers = tokio::task::JoinSet::new();
    for reader in 0..READERS {
        let (router, there, ended, answers) =
            (router.clone(), Arc::clone(&there), Arc::clone(&ended), Arc::clone(&answers));
        readers.spawn(async move {
            let mut turn = reader;
            while !ended.load(Ordering::SeqCst) {
                turn += 1;
                let before = there.load(Ordering::SeqCst);
                // Some ask for a time of which all is there, some for now.
                let past = (before > 0 && turn % 3 != 0).then(|| turn * 7 % before);
                let as_of = past.map_or(String::new(), |p| format!("&as_of={}", issued(p).format("%FT%TZ")));
                let clock = if turn % 5 == 0 { "&clock=seen" } else { "" };
                let table = turn % 4 == 0;
                let format = if table { "&format=csv" } else { "" };
                let path =
                    format!("/api/data/v1/observations?signal=flu_hosp_admissions{as_of}{clock}{format}");
                let answer = ask_router(&router, "GET", &path, &[]).await;
                if answer.status == 504 {
                    // A machine so busy that the answer came too late; it is asked for again.
                    continue;
                }
                assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text());
                let found = if table { csv(&answer) } else { json(&answer) };
                let after = there.load(Ordering::SeqCst);
                // The issue that was under way may be there in full, or not at all.
                let possible = past.map_or(before..=after + 1, |p| p + 1..=p + 1);
                assert!(
                    possible.clone().any(|count| found == wanted(count)),
                    "{path}: {found:?} is none of {possible:?}"
                );
                answers.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    for number in 0..ISSUES {
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(store::observations::append(&mut conn, &issue(number)).await.unwrap(), 30);
        there.store(number + 1, Ordering::SeqCst);
        drop(conn);
        // However busy the machine: some read between any two issues.
        let wanted = answers.load(Ordering::SeqCst) + 3;
        while answers.load(Ordering::SeqCst) < wanted && readers.len() == READERS {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            while let Some(ended) = readers.try_join_next() {
                ended.unwrap();
            }
        }
    }
    ended.store(true, Ordering::SeqCst);
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
    let answers = answers.load(Ordering::SeqCst);
    assert!(answers >= 3 * ISSUES, "only {answers} answers: the readers did not read beside the writer");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_kept_between_requests_ends_with_the_next_write(pool: PgPool) {
    let app = common::country(pool.clone(), time(common::CLOCK)).await;
    let router = kit::server::layers(data_api::router(app, 0, data_api::PATIENCE));
    let ask = async |rest: &str| {
        ask_router(
            &router,
            "GET",
            &format!("/api/data/v1/observations?signal=flu_hosp_admissions{rest}"),
            &[],
        )
        .await
    };
    let mut conn = pool.acquire().await.unwrap();
    let mut known = "no tag".to_owned();
    for number in 0..3 {
        for (rest, places) in [("", 3), ("&place=US-NY", 1), ("&level=state", 2)] {
            // Twice: from the database, and as it was kept.
            let (first, second) = (ask(rest).await, ask(rest).await);
            assert_eq!(json(&first).len(), if number == 0 { 0 } else { 10 * places }, "{rest}");
            assert_eq!(
                (first.text(), first.header("etag")),
                (second.text(), second.header("etag")),
                "{rest}"
            );
        }
        let tag = ask("").await.header("etag").to_owned();
        assert_ne!(tag, known);
        known = tag;
        store::observations::append(&mut conn, &issue(number)).await.unwrap();
    }
    // A place that nobody knew, then one without a figure, then one with a figure.
    assert_eq!(ask("&place=US-TX").await.status, 404);
    sqlx::query("insert into place values ('US-TX', 'state', 'US', 30000000, '{\"en\": \"Texas\"}')")
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(ask("&place=US-TX").await.json()["reason"], "no_data");
    let first = point("US-TX", "2025-01-04", "2025-01-12T12:00:00Z", Ok(7.0), "r1");
    store::observations::append(&mut conn, &[first]).await.unwrap();
    assert_eq!(json(&ask("&place=US-TX").await).into_values().collect::<Vec<_>>(), [7.0]);
}
