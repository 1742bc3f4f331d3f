//! Validators, HEAD, compression; and the wide layout.

use crate::common::{ask, get, seeded};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::io::Read as _;

const ALL: &str = "/api/data/v1/observations?signal=flu_hosp_admissions";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_version_of_the_same_time_is_not_sent_again(pool: PgPool) {
    let router = kit::server::layers(data_api::router(seeded(pool.clone()).await, 0, data_api::PATIENCE));
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        crate::common::ask_router(&router, "GET", path, headers).await
    };
    for path in [ALL, "/api/data/v1/bulk/flu_hosp_admissions.csv.gz"] {
        let first = ask(path, &[]).await;
        let at = first.header("last-modified").to_owned();
        let same = ask(path, &[("if-modified-since", &at)]).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{at}");
        assert_eq!((same.header("etag"), same.header("last-modified")), (first.header("etag"), &*at));
        let older = [("if-modified-since", "Wed, 01 Jan 2025 00:00:00 GMT")];
        assert_eq!(ask(path, &older).await.status, 200);
        assert_eq!(ask(path, &[("if-modified-since", "yesterday")]).await.status, 200);
        // Who names a tag is not believed in a date.
        let both = [("if-modified-since", &*at), ("if-none-match", "\"other\"")];
        assert_eq!(ask(path, &both).await.status, 200);
    }
    // A row that is seen from now on moves the time.
    let before = ask(ALL, &[]).await.header("last-modified").to_owned();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let mut point = crate::common::point("US", "2025-01-18", "2025-01-22T00:00:00Z", Ok(5.0), "r2");
    point.seen_at = kit::wall();
    store::observations::append(&mut pool.acquire().await.unwrap(), &[point]).await.unwrap();
    assert_eq!(ask(ALL, &[("if-modified-since", &before)]).await.status, 200);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_part_of_another_version_is_not_sent(pool: PgPool) {
    let app = seeded(pool).await;
    let path = "/api/data/v1/bulk/flu_hosp_admissions.csv.gz";
    let tag = ask(&app, "GET", path, &[]).await.header("etag").to_owned();
    for (tag, status) in [(&*tag, 206), ("\"other\"", 200)] {
        let part = ask(&app, "GET", path, &[("range", "bytes=0-9"), ("if-range", tag)]).await;
        assert_eq!(part.status.as_u16(), status, "{tag}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn head_says_what_get_says_without_a_body(pool: PgPool) {
    let app = seeded(pool).await;
    let bulk = "/api/data/v1/bulk/flu_hosp_admissions.parquet";
    for path in [ALL, &format!("{ALL}&format=csv"), bulk, "/api/data/v1/places"] {
        let (get, head) = (ask(&app, "GET", path, &[]).await, ask(&app, "HEAD", path, &[]).await);
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "etag", "vigie-truncated", "vigie-rows", "ratelimit-policy"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let length = ask(&app, "HEAD", bulk, &[]).await.header("content-length").to_owned();
    assert_eq!(length, ask(&app, "GET", bulk, &[]).await.body.len().to_string());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn answers_are_compressed_when_the_client_takes_it(pool: PgPool) {
    let app = seeded(pool).await;
    for format in ["json", "csv", "jsonl"] {
        let path = format!("{ALL}&format={format}");
        let plain = ask(&app, "GET", &path, &[]).await;
        let packed = ask(&app, "GET", &path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{format}");
        assert!(packed.body.len() < plain.body.len() / 2);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain.text());
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_wide_layout_holds_the_values_of_the_long_one(pool: PgPool) {
    let app = seeded(pool).await;
    let long = ask(&app, "GET", ALL, &[]).await.json();
    let wanted: BTreeMap<(String, String), serde_json::Value> = long["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| {
            let text = |name: &str| v[name].as_str().unwrap().to_owned();
            ((text("reference_date"), text("place")), v["value"].clone())
        })
        .collect();
    let (mut found, mut path, mut rows, mut pages) =
        (BTreeMap::new(), format!("{ALL}&layout=wide&limit=40"), 0, 0);
    loop {
        let page = ask(&app, "GET", &path, &[]).await.json();
        for row in page["data"].as_array().unwrap() {
            let date = row["reference_date"].as_str().unwrap();
            for (place, value) in row["values"].as_object().unwrap() {
                assert_eq!(value.is_null(), row["status"][place].is_string());
                assert!(found.insert((date.to_owned(), place.clone()), value.clone()).is_none());
            }
            rows += 1;
        }
        pages += 1;
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(found, wanted);
    assert!(pages == (rows + 39) / 40 && pages > 2, "{rows} rows on {pages} pages");
    let csv =
        get(&app, "observations?signal=flu_hosp_admissions&layout=wide&format=csv&from=2025-01-04").await;
    assert_eq!(
        csv.text(),
        "reference_date,week,US,US-CA,US-NY,recorded_situation\n\
         2025-01-04,2025-W01,31500,,,2025-02-01T23:59:59Z\n2025-01-11,2025-W02,28000.5,,,2025-02-01T23:59:59Z\n"
    );
    let lines =
        get(&app, "observations?signal=flu_hosp_admissions&layout=wide&format=jsonl&from=2025-01-04").await;
    let first: serde_json::Value = serde_json::from_str(lines.text().lines().next().unwrap()).unwrap();
    assert_eq!(first["status"]["US-CA"], "suppressed");
    let none = get(&app, "observations?signal=flu_hosp_admissions&layout=wide&as_of=2024-01-01").await.json();
    assert_eq!(none["reason"], "before_first_issue");
}
