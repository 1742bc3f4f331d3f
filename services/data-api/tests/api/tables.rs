//! Parquet says what the CSV says, with types.

use crate::common::{self, ask, get, seeded};
use chrono::{DateTime, NaiveDate};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use sqlx::PgPool;

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
        assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (400, &field.into()));
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

#[test]
fn row_groups_are_bounded_and_keep_every_row() {
    use data_api::parquet_file::{GROUP, Row, Writer};
    let mut writer = Writer::new(Vec::new()).unwrap();
    let (rows, at) = (2 * GROUP + 7, common::time("2025-01-08T17:15:12.5Z"));
    for n in 0..rows {
        let id = format!("id{n}");
        let row = Row {
            id: &id,
            signal: "flu",
            place: if n % 2 == 0 { "US" } else { "US-CA" },
            reference_date: "2025-01-04".parse().unwrap(),
            week: (n % 3 == 0).then_some("2025-W01"),
            value: (n % 5 != 0).then_some(n as f64),
            status: "observed",
            unit: "persons",
            issued_at: at,
            seen_at: at,
            source: "s",
            retrieval: "r",
            recorded_situation: None,
        };
        writer.push(&row).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
    let groups: Vec<i64> = file.metadata().row_groups().iter().map(|g| g.num_rows()).collect();
    assert_eq!(groups, [GROUP as i64, GROUP as i64, 7]);
    let read = read(&bytes);
    assert_eq!(read.len(), rows);
    for n in [0, 1, GROUP - 1, GROUP, rows - 1] {
        let value = if n % 5 == 0 { String::new() } else { (n as f64).to_string() };
        let week = if n % 3 == 0 { "2025-W01" } else { "" };
        let wanted = [&format!("id{n}"), "flu", ["US", "US-CA"][n % 2], "2025-01-04", week, &value];
        assert_eq!(read[n][..6], wanted);
        assert_eq!(read[n][8], "2025-01-08T17:15:12.500Z");
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
