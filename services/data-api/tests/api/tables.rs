//! Parquet says what the CSV says, with types.

use crate::common::{self, ask, get, seeded};
use chrono::{DateTime, NaiveDate};
use data_api::parquet_file::{GROUP, Writer};
use data_api::words::{Target, Words};
use domain::{Status, WeekSystem};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use sqlx::PgPool;
use std::sync::Arc;
use store::scan::Row;

/// All rows as texts, written as the CSV writes them.
fn read(bytes: &[u8]) -> Vec<Vec<String>> {
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes.to_vec())).unwrap();
    let text = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(number) => number.to_string(),
        Field::Date(day) => (NaiveDate::default() + chrono::Duration::days(i64::from(*day))).to_string(),
        Field::TimestampMicros(at) => {
            DateTime::from_timestamp_micros(*at).unwrap().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
        other => panic!("a column of another type: {other:?}"),
    };
    let rows = file.get_row_iter(None).unwrap().map(Result::unwrap);
    rows.map(|row| row.get_column_iter().map(|(_, field)| text(field)).collect()).collect()
}

fn csv(answer: &common::Answer) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(&answer.body[..]);
    reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn parquet_holds_the_rows_of_the_csv(pool: PgPool) {
    let app = seeded(pool).await;
    for rest in ["", "&issues=all", "&as_of=2025-01-10&place=US,US-NY", "&clock=seen&as_of=2025-01-10"] {
        let path = format!("/api/data/v1/observations?signal=flu_hosp_admissions{rest}");
        let table =
            ask(&app, "GET", &path, &[("accept", "application/vnd.apache.parquet, text/csv;q=0.5")]).await;
        assert_eq!(table.header("content-type"), "application/vnd.apache.parquet", "{}", table.text());
        let csv = ask(&app, "GET", &format!("{path}&format=csv"), &[]).await;
        assert_eq!(read(&table.body), self::csv(&csv), "{path}");
        assert_eq!(table.header("vigie-reason"), csv.header("vigie-reason"));
    }
    for (rest, field) in [("limit=5", "limit"), ("after=x", "after")] {
        let path = format!("observations?signal=flu_hosp_admissions&format=parquet&{rest}");
        let answer = get(&app, &path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (409, &field.into()));
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_parquet_bulk_file_is_what_its_checksum_says(pool: PgPool) {
    let app = seeded(pool).await;
    for (file, rest) in [("flu_hosp_admissions", ""), ("flu_hosp_admissions-issues", "&issues=all")] {
        let path = format!("/api/data/v1/bulk/{file}.parquet");
        let whole = ask(&app, "GET", &path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(whole.header("content-encoding"), "");
        let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&whole.body));
        let sum = get(&app, &format!("bulk/{file}.parquet.sha256")).await.text();
        assert_eq!(sum, format!("{hash}  {file}.parquet\n"));
        let part = ask(&app, "GET", &path, &[("range", "bytes=-8")]).await;
        assert_eq!((part.status.as_u16(), &part.body[..]), (206, &whole.body[whole.body.len() - 8..]));
        let csv = get(&app, &format!("observations?signal=flu_hosp_admissions&format=csv{rest}")).await;
        assert_eq!(read(&whole.body), self::csv(&csv));
    }
}

/// What the numbers of [`rows`] stand for.
fn words(weeks: Option<WeekSystem>) -> Words {
    let named = |n: usize| Target {
        place: ["US-CA", "US", "US-NY"][n % 3].to_owned(),
        source: ["a", "bb"][n % 2].to_owned(),
        series: 0,
    };
    Words {
        signal: "flu".into(),
        unit: "persons",
        targets: Arc::new((0..6).map(named).collect()),
        payloads: (0..40).map(|n| (n, format!("r{n}"))).collect(),
        weeks,
        recorded: weeks.map(|_| common::time("2025-02-01T23:59:59Z")),
        recorded_text: None,
    }
}

/// Rows of which every column repeats in another way, and some not at all.
fn rows(count: usize) -> Vec<Row> {
    let at = |n: usize| 1_736_000_000_500_000 + n as i64 * 1_000_000;
    let status = |n: usize| if n.is_multiple_of(5) { Status::Suppressed } else { Status::Observed };
    (0..count)
        .map(|n| Row {
            series: (n * 6 / count) as u32,
            payload: (n / 7 % 40) as i32,
            date: 18_000 + (n / 3 % 900) as i32,
            status: status(n),
            issued_at: at(n % 11 * 86_400 + n % 2),
            seen_at: at(n),
            value: (status(n) == Status::Observed).then(|| (n % 200) as f64 / 4.0 - 20.0),
        })
        .collect()
}

#[test]
fn every_row_of_every_group_reads_back() {
    for (count, weeks) in
        [(1, None), (7, Some(WeekSystem::Mmwr)), (1000, None), (2 * GROUP + 7, Some(WeekSystem::Iso))]
    {
        let (rows, words) = (rows(count), words(weeks));
        let mut writer = Writer::new(Vec::new()).unwrap();
        rows.chunks(GROUP).for_each(|group| writer.group(group, &words).unwrap());
        let bytes = writer.finish().unwrap();
        let file = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
        let groups: Vec<usize> = file.metadata().row_groups().iter().map(|g| g.num_rows() as usize).collect();
        assert_eq!(groups, rows.chunks(GROUP).map(<[Row]>::len).collect::<Vec<_>>());
        let read = read(&bytes);
        assert_eq!(read.len(), count);
        for (read, row) in read.iter().zip(&rows) {
            let Target { place, source, .. } = &words.targets[row.series as usize];
            let date = NaiveDate::from_epoch_days(row.date).unwrap();
            let time = |micros| DateTime::from_timestamp_micros(micros).unwrap();
            let (issued, seen) = (time(row.issued_at), time(row.seen_at));
            let text = |t: DateTime<chrono::Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
            let wanted = [
                format!("flu~{source}~{place}~{date}~{}", issued.format("%Y%m%dT%H%M%SZ")),
                "flu".into(),
                place.clone(),
                date.to_string(),
                weeks.map_or_else(String::new, |w| domain::EpiWeek::of(date, w).to_string()),
                row.value.map_or_else(String::new, |v| v.to_string()),
                row.status.to_string(),
                "persons".into(),
                text(issued),
                text(seen),
                source.clone(),
                format!("r{}", row.payload),
                words.recorded.map_or_else(String::new, text),
            ];
            assert_eq!(read[..], wanted);
        }
    }
}

#[test]
fn a_number_that_stands_for_nothing_is_an_error_and_no_empty_cell() {
    let row = Row { payload: 41, ..rows(1)[0] };
    let refused = Writer::new(Vec::new()).unwrap().group(&[row], &words(None)).unwrap_err();
    assert_eq!(refused.to_string(), "payload 41 is none of the sources of this signal");
    for (row, why) in [
        (Row { series: 6, ..rows(1)[0] }, "series 6 was not asked for"),
        (Row { date: i32::MAX, ..rows(1)[0] }, "2147483647 days after 1970 is no date"),
        (Row { issued_at: i64::MAX, ..rows(1)[0] }, "9223372036854775807 microseconds after 1970 is no time"),
    ] {
        assert_eq!(
            Writer::new(Vec::new()).unwrap().group(&[row], &words(None)).unwrap_err().to_string(),
            why
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_vintage_is_what_was_known_at_the_end_of_its_day(pool: PgPool) {
    let app = seeded(pool).await;
    let list = get(&app, "bulk/flu_hosp_admissions").await.json();
    let vintages = list["vintages"].as_array().unwrap();
    let days: Vec<&str> = vintages.iter().map(|v| v["date"].as_str().unwrap()).collect();
    assert_eq!(days, ["2025-01-08", "2025-01-15"], "the issue of February 12 lies after the clock");
    for vintage in vintages {
        let day = vintage["date"].as_str().unwrap();
        let path = format!("observations?signal=flu_hosp_admissions&format=csv&as_of={day}");
        let wanted = csv(&get(&app, &path).await);
        let url = vintage["parquet_url"].as_str().unwrap();
        let parquet = ask(&app, "GET", url, &[]).await;
        assert_eq!(read(&parquet.body), wanted, "{day}");
        assert_eq!(parquet.header("cache-control"), "public, max-age=86400, immutable");
        let url = vintage["url"].as_str().unwrap();
        let packed = ask(&app, "GET", url, &[]).await;
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut body).unwrap();
        assert_eq!(csv(&common::Answer { body, ..get(&app, "places").await }), wanted);
        let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&packed.body));
        let sum = ask(&app, "GET", &format!("{url}.sha256"), &[]).await.text();
        assert_eq!(sum, format!("{hash}  {day}.csv.gz\n"));
    }
    for day in ["2025-01-09", "2025-02-12"] {
        let none = get(&app, &format!("bulk/flu_hosp_admissions/{day}.parquet")).await;
        assert_eq!(none.status, 404);
        let detail = none.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(
            detail,
            "no such vintage: /api/data/v1/bulk/flu_hosp_admissions lists those that there are"
        );
    }
}
