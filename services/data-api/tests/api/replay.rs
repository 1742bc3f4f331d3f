//! Every question as of a time is answered as a naive replay of all rows in memory answers it.

use crate::common::{self, time};
use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use domain::{ObservationKey, Status};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::PgPool;
use std::collections::BTreeMap;
use store::observations::NewPoint;

const PLACES: [&str; 3] = ["US", "US-CA", "US-NY"];

/// A question of which the answer is known here.
#[derive(Debug, Clone)]
struct Question {
    place: Option<&'static str>,
    span: (Option<NaiveDate>, Option<NaiveDate>),
    as_of: DateTime<Utc>,
    seen: bool,
    /// -1: every issue; 0 and more: that lag.
    mode: Option<i64>,
    limit: usize,
    csv: bool,
}

fn date() -> impl Strategy<Value = NaiveDate> {
    (0..6_u64).prop_map(|d| NaiveDate::from_ymd_opt(2025, 1, 4).unwrap() + Days::new(d))
}

/// Times at the edges of days, and a second to both sides.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (0..14_i64, -1..=1_i64, prop::sample::select(vec![0, 12])).prop_map(|(day, second, hour)| {
        let start = NaiveDate::from_ymd_opt(2025, 1, 4).unwrap().and_time(NaiveTime::MIN).and_utc();
        start + Duration::days(day) + Duration::hours(hour) + Duration::seconds(second)
    })
}

fn row() -> impl Strategy<Value = NewPoint> {
    let status = prop::sample::select(vec![Status::Observed, Status::Suppressed, Status::Withdrawn]);
    (prop::sample::select(&PLACES[..]), date(), moment(), moment(), status, 0..1000_i32).prop_map(
        |(place, reference_date, issued_at, seen_at, status, value)| NewPoint {
            key: ObservationKey {
                signal: "flu_hosp_admissions".parse().unwrap(),
                source: "cdc-flusight".parse().unwrap(),
                place: place.parse().unwrap(),
                reference_date,
                issued_at,
            },
            value: (status == Status::Observed).then(|| f64::from(value)),
            status,
            retrieval_id: "r1".into(),
            seen_at,
        },
    )
}

fn question() -> impl Strategy<Value = Question> {
    let place = prop::option::of(prop::sample::select(&PLACES[..]));
    let span = (prop::option::weighted(0.3, date()), prop::option::weighted(0.3, date()));
    let mode = prop_oneof![Just(None), Just(Some(-1)), (0..12_i64).prop_map(Some)];
    (place, span, moment(), any::<bool>(), mode, 1..20_usize, any::<bool>())
        .prop_filter("a span has a beginning before its end", |q| q.1.1.is_none() || q.1.0 <= q.1.1)
        .prop_map(|(place, span, as_of, seen, mode, limit, csv)| Question {
            place,
            span,
            as_of,
            seen,
            mode,
            limit,
            csv,
        })
}

/// Goes through all rows in the order of their issue and keeps what the question wants.
fn replay(rows: &BTreeMap<ObservationOrder, NewPoint>, q: &Question) -> Vec<String> {
    let mut cells: BTreeMap<(String, NaiveDate), Vec<&NewPoint>> = BTreeMap::new();
    for row in rows.values() {
        let (place, date) = (row.key.place.to_string(), row.key.reference_date);
        let known = if q.seen { row.key.issued_at.max(row.seen_at) } else { row.key.issued_at };
        let asked = q.place.is_none_or(|p| p == place)
            && q.span.0.is_none_or(|from| date >= from)
            && q.span.1.is_none_or(|to| date <= to);
        let day = q.mode.filter(|lag| *lag >= 0).map(|lag| date + Duration::days(lag));
        let in_time = known <= q.as_of
            && day.is_none_or(|day| day <= q.as_of.date_naive() && known.date_naive() <= day);
        if asked && in_time {
            let cell = cells.entry((place, date)).or_default();
            if q.mode != Some(-1) {
                cell.clear();
            }
            cell.push(row);
        }
    }
    cells.into_values().flatten().map(|p| said(&p.key.id(), p.value, &p.status.to_string())).collect()
}

/// Rows are kept in the order of their issue.
type ObservationOrder = (DateTime<Utc>, String);

fn said(id: &str, value: Option<f64>, status: &str) -> String {
    format!("{id} {} {status}", value.map_or(String::new(), |v| v.to_string()))
}

async fn answer(app: &kit::App, q: &Question) -> Vec<String> {
    let mut query = format!("signal=flu_hosp_admissions&as_of={}", q.as_of.format("%Y-%m-%dT%H:%M:%SZ"));
    let mut add = |name: &str, value: Option<String>| {
        query.extend(value.map(|v| format!("&{name}={v}")));
    };
    add("place", q.place.map(str::to_owned));
    add("from", q.span.0.map(|d| d.to_string()));
    add("to", q.span.1.map(|d| d.to_string()));
    add("clock", q.seen.then(|| "seen".into()));
    add("issues", (q.mode == Some(-1)).then(|| "all".into()));
    add("lag", q.mode.filter(|l| *l >= 0).map(|l| l.to_string()));
    if q.csv {
        let csv = common::get(app, &format!("observations?{query}&format=csv")).await;
        let mut reader = csv::Reader::from_reader(&csv.body[..]);
        let rows = reader.records().map(Result::unwrap);
        return rows.map(|r| said(&r[0], r[5].parse().ok(), &r[6])).collect();
    }
    let (mut found, mut path) = (Vec::new(), format!("observations?{query}&limit={}", q.limit));
    loop {
        let page = common::get(app, &path).await.json();
        let rows = page["data"].as_array().unwrap_or_else(|| panic!("{path}: {page}"));
        found
            .extend(rows.iter().map(|r| {
                said(r["id"].as_str().unwrap(), r["value"].as_f64(), r["status"].as_str().unwrap())
            }));
        if page["data"].as_array().unwrap().is_empty() {
            assert!(page["reason"].is_string(), "{path}: nothing, without a reason");
        }
        match page["next"].as_str() {
            Some(next) => path = next.replacen("/api/data/v1/", "", 1),
            None => return found,
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_question_is_answered_as_a_naive_replay_answers_it(pool: PgPool) {
    let app = common::country(pool, time("2025-02-01T23:59:59Z")).await;
    let mut runner = TestRunner::deterministic();
    let mut rows: BTreeMap<ObservationOrder, NewPoint> = BTreeMap::new();
    let mut filled = 0;
    for _ in 0..30 {
        let more = prop::collection::vec(row(), 0..12).new_tree(&mut runner).unwrap().current();
        let mut conn = app.db.acquire().await.unwrap();
        for new in more {
            // The table keeps the first row of a key, and so does the replay.
            store::observations::append(&mut conn, std::slice::from_ref(&new)).await.unwrap();
            rows.entry((new.key.issued_at, new.key.id())).or_insert(new);
        }
        drop(conn);
        for _ in 0..12 {
            let q = question().new_tree(&mut runner).unwrap().current();
            let (wanted, found) = (replay(&rows, &q), answer(&app, &q).await);
            assert_eq!(found, wanted, "{q:?}");
            filled += usize::from(!wanted.is_empty());
        }
    }
    assert!(filled > 150, "only {filled} of 360 questions had an answer: the test asks beside the rows");
}
