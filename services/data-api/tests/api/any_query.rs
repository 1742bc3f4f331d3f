//! No query string, however strange, makes the service fail.

use crate::common;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn no_query_string_makes_it_fail(pool: PgPool) {
    let app = common::seeded(pool).await;
    let name = prop::sample::select(vec![
        "signal", "place", "level", "from", "to", "as_of", "issues", "lag", "clock", "layout", "format",
        "limit", "after", "x",
    ]);
    let value = prop_oneof![
        "[a-zA-Z0-9%~:+.-]{0,30}",
        prop::sample::select(vec![
            "flu_hosp_admissions",
            "US",
            "US-CA",
            "state",
            "2025-01-04",
            "262142-12-31",
            "-262143-01-01",
            "all",
            "csv",
            "seen",
            "wide",
            "parquet",
            "jsonl",
            "1",
            "-1",
            "99999999999999999999",
            "%00",
            "%FF",
            "9999-12-31T23:59:59Z",
            "flu_hosp_admissions~cdc-flusight~US~2025-01-04~20250108T171512Z",
        ])
        .prop_map(str::to_owned),
    ];
    // Dates at the edges of what can be written: the likeliest to break something behind the parser.
    let dates = prop::sample::select(vec![
        "-262143-01-01",
        "262142-12-31",
        "%2B262142-12-31",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "-4713-01-01",
        "2024-02-30",
        "2021-05-20",
        "-9999-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:60Z",
    ]);
    let dated = (prop::sample::select(vec!["from", "to", "as_of"]), dates.prop_map(str::to_owned));
    let pair = prop_oneof![2 => (name, value), 1 => dated];
    let query = prop::collection::vec(pair, 0..6);
    let path = prop::sample::select(vec![
        "observations",
        "signals",
        "places",
        "sources",
        "bulk",
        "why/x",
        "bulk/x",
        "bulk/flu_hosp_admissions/x",
    ]);
    let mut runner = TestRunner::deterministic();
    for round in 0..400 {
        let (path, pairs) = (path.clone(), query.clone()).new_tree(&mut runner).unwrap().current();
        let mut query: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if round % 2 == 0 && path == "observations" {
            query.retain(|p| !p.starts_with("signal="));
            query.insert(0, "signal=flu_hosp_admissions".into());
        }
        let uri = format!("/api/data/v1/{path}?{}", query.join("&"));
        let answer = common::ask(&app, "GET", &uri, &[]).await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 400 | 404 | 409),
            "{uri}: {} {}",
            answer.status,
            answer.text()
        );
    }
}
