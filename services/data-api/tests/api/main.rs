//! The API over a real database.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end loudly")]

mod any_query;
mod common;
mod concurrent;
mod docs;
mod keys;
mod limits;
mod logs;
mod openapi;
mod replay;
mod slow;
mod sources;
mod tables;
mod transport;

use common::{ask, get, seeded, time};
use kit::Clock;
use sqlx::PgPool;
use std::io::Read as _;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_old_as_of_does_not_see_a_later_revision(pool: PgPool) {
    let app = seeded(pool).await;
    let of = |answer: &common::Answer| answer.json()["data"][0]["value"].clone();
    let path = "observations?signal=flu_hosp_admissions&place=US&from=2025-01-04&to=2025-01-04";
    assert_eq!(of(&get(&app, path).await), 31_500);
    assert_eq!(of(&get(&app, &format!("{path}&as_of=2025-01-10")).await), 30_000);
    let lagged = get(&app, &format!("{path}&lag=4")).await;
    assert_eq!(of(&lagged), 30_000, "{}", lagged.text());
    assert!(get(&app, &format!("{path}&lag=3")).await.json()["data"].as_array().unwrap().is_empty());
    let all = get(&app, &format!("{path}&issues=all")).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    assert_eq!(all["data"][0]["id"], "flu_hosp_admissions~cdc-flusight~US~2025-01-04~20250108T171512Z");
    assert_eq!(all["data"][0]["week"], "2025-W01");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_empty_says_why(pool: PgPool) {
    let app = seeded(pool).await;
    let of = |a: common::Answer| a.json()["reason"].clone();
    let path = "observations?signal=flu_hosp_admissions";
    assert_eq!(of(get(&app, &format!("{path}&as_of=2024-01-01")).await), "before_first_issue");
    assert_eq!(of(get(&app, &format!("{path}&place=US&from=2026-01-01")).await), "no_data");
    let covid = get(&app, "observations?signal=mpox_cases&level=state").await;
    assert_eq!(of(covid), "not_published_at_this_level");
    assert_eq!(of(get(&app, path).await), serde_json::Value::Null);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_issued_after_the_clock_is_not_told(pool: PgPool) {
    let app = seeded(pool).await;
    for rest in [
        "&place=US&from=2025-02-08",
        "&place=US&from=2025-02-08&format=csv",
        "&layout=wide&place=US&from=2025-02-08",
    ] {
        let answer = get(&app, &format!("observations?signal=flu_hosp_admissions{rest}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("vigie-reason")), (200, "no_data"), "{rest}");
        assert_eq!(answer.header("vigie-first-issue"), "", "{rest}: the issue of February 12 lies ahead");
    }
    let before = kit::App { clock: Clock::Recorded(time("2025-01-01T00:00:00Z")), ..app };
    let nothing = get(&before, "observations?signal=flu_hosp_admissions").await.json();
    assert_eq!((&nothing["reason"], &nothing["first_issue"]), (&"no_data".into(), &serde_json::Value::Null));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_seen_later_is_not_known_by_the_clock_of_sight(pool: PgPool) {
    let app = seeded(pool).await;
    let path = "observations?signal=flu_hosp_admissions&place=US&to=2025-01-04";
    let seen = get(&app, &format!("{path}&clock=seen")).await.json();
    assert_eq!(
        (&seen["data"][0]["value"], &seen["data"][0]["seen_at"]),
        (&31_500.into(), &"2025-01-20T00:00:00Z".into())
    );
    assert_eq!(seen["data"][0]["issued_at"], "2025-01-15T17:00:00Z");
    let early = format!("{path}&as_of=2025-01-19");
    assert_eq!(get(&app, &early).await.json()["data"].as_array().unwrap().len(), 1);
    let unseen = get(&app, &format!("{early}&clock=seen")).await.json();
    assert_eq!(
        (&unseen["reason"], &unseen["first_issue"]),
        (&"before_first_issue".into(), &"2025-01-20T00:00:00Z".into())
    );
    let table = get(&app, &format!("{early}&clock=seen&format=csv")).await;
    assert_eq!(table.header("vigie-reason"), "before_first_issue");
    assert_eq!(table.header("vigie-first-issue"), "2025-01-20T00:00:00+00:00");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_wrong_question_is_refused_and_named(pool: PgPool) {
    let app = seeded(pool).await;
    let signal = "observations?signal=flu_hosp_admissions";
    for (path, status, field) in [
        ("observations", 400, "signal"),
        ("observations?signal=nothing", 404, ""),
        (&format!("{signal}&place=US-ZZ"), 404, ""),
        (&format!("{signal}&place=FR"), 404, ""),
        (&format!("{signal}&as_of=2026-01-01"), 409, "as_of"),
        (&format!("{signal}&as_of=soon"), 400, "as_of"),
        (&format!("{signal}&from=2025-02-01&to=2025-01-01"), 409, "from"),
        (&format!("{signal}&to=x"), 400, "to"),
        (&format!("{signal}&limit=0"), 400, "limit"),
        (&format!("{signal}&format=xml"), 400, "format"),
        (&format!("{signal}&layout=tall"), 400, "layout"),
        (&format!("{signal}&layout=wide&issues=all"), 409, "layout"),
        (&format!("{signal}&layout=wide&format=parquet"), 409, "layout"),
        (&format!("{signal}&layout=wide&after=x"), 400, "after"),
        (&format!("{signal}&clock=wall"), 400, "clock"),
        (&format!("{signal}&issues=some"), 400, "issues"),
        (&format!("{signal}&lag=-1"), 400, "lag"),
        (&format!("{signal}&lag=1&issues=all"), 409, "lag"),
        (&format!("{signal}&level=parish"), 409, "level"),
        (&format!("{signal}&source=cdc-mpox"), 409, "source"),
        (&format!("{signal}&after=x"), 400, "after"),
        (&format!("{signal}&plaec=US"), 400, "query"),
        ("places?level=x", 409, "level"),
        ("signals?as_of=2026-01-01", 409, "as_of"),
        (&format!("{signal}&to="), 400, "query"),
        (&format!("{signal}&place=%00"), 404, ""),
        (&format!("{signal}&place=US&level=state"), 409, "level"),
        (&format!("{signal}&after=2025-01-04"), 409, "after"),
        ("why/flu_hosp_admissions~cdc-flusight~US~2025-02-31~20250108T171512Z", 404, ""),
        ("why/x", 400, "id"),
        ("why/%FF", 400, "id"),
        ("why/mpox_cases~owid-mpox~US~2022-08-09~20220809T154229Z", 404, ""),
        ("why/mpox_cases~owid-mpox~FR~2022-08-09~20220809T154229Z", 404, ""),
        ("bulk/nothing.csv.gz", 404, ""),
        ("bulk/nothing/2025-01-08.csv.gz", 404, ""),
        ("bulk/flu_hosp_admissions/2025-1-8.csv.gz", 404, ""),
        ("bulk/flu_hosp_admissions/2025-01-08.xlsx", 404, ""),
        ("nothing", 404, ""),
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(answer.json()["field"].as_str().unwrap_or(""), field, "{path}");
    }
    let posted = ask(&app, "POST", "/api/data/v1/signals", &[]).await;
    assert_eq!((posted.status.as_u16(), posted.json()["code"].clone()), (405, "method_not_allowed".into()));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn pages_follow_one_another_without_gap_or_repetition(pool: PgPool) {
    let app = seeded(pool).await;
    for issues in ["latest", "all"] {
        let whole =
            get(&app, &format!("observations?signal=flu_hosp_admissions&issues={issues}")).await.json();
        assert_eq!((&whole["truncated"], &whole["next"]), (&false.into(), &serde_json::Value::Null));
        let mut path =
            format!("/api/data/v1/observations?signal=flu_hosp_admissions&issues={issues}&limit=37");
        let mut rows = Vec::new();
        loop {
            let page = ask(&app, "GET", &path, &[]).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            let body = page.json();
            rows.extend(body["data"].as_array().unwrap().clone());
            assert_eq!(page.header("vigie-truncated"), body["truncated"].to_string());
            match body["next"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => break,
            }
        }
        assert_eq!(whole["data"].as_array().unwrap(), &rows, "{issues}");
        assert!(rows.len() > 150);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_same_values_come_in_every_format(pool: PgPool) {
    let app = seeded(pool).await;
    let path = "/api/data/v1/observations?signal=flu_hosp_admissions";
    let json = ask(&app, "GET", path, &[]).await.json();
    let wanted = json["data"].as_array().unwrap();
    let lines = ask(&app, "GET", path, &[("accept", "application/jsonl")]).await;
    let found: Vec<serde_json::Value> =
        lines.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(wanted, &found);
    let csv = ask(&app, "GET", path, &[("accept", "text/html, text/csv;q=0.9")]).await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    let mut reader = csv::Reader::from_reader(&csv.body[..]);
    let header = reader.headers().unwrap().iter().collect::<Vec<_>>().join(",");
    let empty = ask(&app, "GET", &format!("{path}&format=csv&from=2030-01-01"), &[]).await;
    assert_eq!(empty.text(), format!("{header}\n"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), wanted.len());
    for (row, json) in rows.iter().zip(wanted) {
        assert_eq!(&row[0], json["id"].as_str().unwrap());
        assert_eq!(&row[5], json["value"].to_string().replace("null", ""));
        assert_eq!(&row[6], json["status"].as_str().unwrap());
        assert_eq!(&row[12], "2025-02-01T23:59:59Z");
    }
    assert!(rows.iter().any(|r| &r[6] == "suppressed" && r[5].is_empty()));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_answer_says_whose_situation_it_shows(pool: PgPool) {
    let app = seeded(pool).await;
    for path in ["signals", "sources", "observations?signal=flu_hosp_admissions", "bulk"] {
        let answer = get(&app, path).await.json();
        let notice = answer["recorded_situation"]["notice"].as_str().unwrap();
        assert_eq!(notice, "This is the recorded situation of February 1, 2025, not the current one.");
    }
    let real = kit::App { clock: Clock::Real, ..app };
    assert!(get(&real, "signals").await.json()["recorded_situation"].is_null());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn why_leads_from_a_value_to_the_payload(pool: PgPool) {
    let app = seeded(pool).await;
    let id = "flu_hosp_admissions~cdc-flusight~US~2025-01-04~20250108T171512Z";
    let why = get(&app, &format!("why/{id}")).await.json();
    assert_eq!(why["value"]["value"], 30_000);
    assert_eq!(why["retrieval"]["sha256"], "a".repeat(64));
    assert_eq!(why["publisher"]["name"], "CDC");
    assert_eq!((&why["newest"], why["revisions"].as_array().unwrap().len()), (&false.into(), 2));
    let steps = |why: &serde_json::Value| -> Vec<String> {
        let all = why["transformations"].as_array().unwrap();
        assert!(all.iter().all(|t| t["about"].as_str().is_some_and(|a| a.len() > 20)), "{all:?}");
        all.iter().map(|t| t["step"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(steps(&why), ["cell", "as_published", "week_end", "first_issue"]);
    // Taken back is what the absence of the cell says, in a payload that an operator let in.
    let release = store::sources::Release {
        retrieval_id: "r2".into(),
        released_at: time("2025-01-16T08:00:00Z"),
        because: "confirmed by telephone".into(),
    };
    store::sources::put_release(&mut app.db.acquire().await.unwrap(), &release).await.unwrap();
    let gone = "flu_hosp_admissions~cdc-flusight~US-CA~2025-01-11~20250115T170000Z";
    let why = get(&app, &format!("why/{gone}")).await.json();
    assert_eq!(steps(&why), ["week_end", "withdrawn", "released"]);
    let about = why["transformations"][2]["about"].as_str().unwrap();
    assert!(about.ends_with("accepted it. 2025-01-16T08:00:00+00:00: confirmed by telephone"), "{about}");
    let later = "flu_hosp_admissions~cdc-flusight~US~2025-02-08~20250212T170000Z";
    assert_eq!(get(&app, &format!("why/{later}")).await.status, 404, "not issued yet at the clock");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_known_version_is_not_sent_again(pool: PgPool) {
    let app = seeded(pool.clone()).await;
    let path = "/api/data/v1/observations?signal=flu_hosp_admissions";
    let first = ask(&app, "GET", path, &[]).await;
    let tag = first.header("etag").to_owned();
    let again = ask(&app, "GET", path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let later = kit::App { clock: Clock::Recorded(time("2025-02-20T00:00:00Z")), ..app };
    assert_eq!(ask(&later, "GET", path, &[("if-none-match", &tag)]).await.status, 200);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_bulk_file_is_what_its_checksum_says(pool: PgPool) {
    let app = seeded(pool).await;
    let path = "/api/data/v1/bulk/flu_hosp_admissions-issues.csv.gz";
    let file = ask(&app, "GET", path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(file.header("content-encoding"), "", "a compressed file is not compressed again");
    let sum = get(&app, "bulk/flu_hosp_admissions-issues.csv.gz.sha256").await.text();
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&file.body));
    assert_eq!(sum, format!("{hash}  flu_hosp_admissions-issues.csv.gz\n"));
    assert_eq!(file.header("etag"), format!("\"{hash}\""));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&file.body[..]).read_to_string(&mut text).unwrap();
    let csv = get(&app, "observations?signal=flu_hosp_admissions&issues=all&format=csv").await;
    assert_eq!(text, csv.text());
    assert_eq!(file.header("vigie-rows"), (text.lines().count() - 1).to_string());
    let part = ask(&app, "GET", path, &[("range", "bytes=10-19")]).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &file.body[10..20]));
    let same = ask(&app, "GET", path, &[("if-none-match", file.header("etag"))]).await;
    assert_eq!(same.status, 304);
    assert_eq!(ask(&app, "GET", path, &[("range", "bytes=9999999-")]).await.status, 416);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_catalogue_knows_the_country_and_nothing_else(pool: PgPool) {
    let app = seeded(pool).await;
    let places = get(&app, "places").await.json();
    let ids: Vec<_> =
        places["places"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["US", "US-CA", "US-NY"]);
    let signals = get(&app, "signals").await.json();
    let flu = &signals["signals"].as_array().unwrap()[0];
    assert_eq!(flu["levels"]["nation"]["published"]["last_date"], "2025-01-11", "{flu}");
    let early = get(&app, "signals?as_of=2020-01-01").await.json();
    assert!(early["signals"][0]["levels"]["nation"]["published"].is_null());
    assert_eq!(get(&app, "sources").await.json()["sources"][0]["credit"], "CDC NHSN");
}
