//! The bytes that a digest is of.

use crate::common::{CLOCK, date, due_spread, new_spread, prepared, results, run, time, whole};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgPool;
use store::chain;
use store::forecasts;
use store::scores::{self, Event};

/// The bytes of decision 0013, written out once more from what was given to the database.
struct Bytes(Vec<u8>);

impl Bytes {
    fn row(&mut self, columns: i32) -> &mut Self {
        self.0.extend(columns.to_be_bytes());
        self
    }

    fn column(&mut self, kind: i32, value: &[u8]) -> &mut Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
        self.0.extend(value);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.column(25, text.as_bytes())
    }

    fn date(&mut self, day: NaiveDate) -> &mut Self {
        let days = (day - date("2000-01-01")).num_days();
        self.column(1082, &i32::try_from(days).unwrap().to_be_bytes())
    }

    fn time(&mut self, at: DateTime<Utc>) -> &mut Self {
        let micros = at.timestamp_micros() - time("2000-01-01T00:00:00Z").timestamp_micros();
        self.column(1184, &micros.to_be_bytes())
    }

    fn numbers(&mut self, values: &[f64]) -> &mut Self {
        for value in values {
            self.column(701, &value.to_be_bytes());
        }
        self
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_program_finds_the_same_digests_without_the_database(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    let (mut run, results) = (run("r"), results());
    forecasts::put(&mut conn, &run, &results).await.unwrap();
    run.created_at = time("2025-02-01T00:05:00.123456Z");
    let mut bytes = Bytes(Vec::new());
    bytes.row(11).text("r").text("m").text("1").text("flu_cases").text("src");
    bytes
        .time(run.as_of)
        .date(run.reference_date)
        .time(run.data_vintage)
        .text("d")
        .text("s")
        .time(run.created_at);
    let mut lines = vec![format!("forecast_run 1 {}", chain::hex(&chain::digest(&bytes.0)))];
    // By bytes: capital letters first, letters with accents last.
    let mut bytes = Bytes(Vec::new());
    for place in ["FR", "a", "Ée"] {
        for horizon in [0, 1] {
            let f = results.forecasts.iter().find(|f| f.place_id == place && f.horizon == horizon).unwrap();
            let mut array: Vec<u8> = [1_i32, 0, 701, 23, 1].iter().flat_map(|n| n.to_be_bytes()).collect();
            for q in &f.quantiles {
                array.extend(8_i32.to_be_bytes());
                array.extend(q.to_be_bytes());
            }
            bytes.row(5).text("r").text(place).column(23, &horizon.to_be_bytes()).date(f.target_end_date);
            bytes.column(1022, &array);
        }
    }
    lines.push(format!("forecast 6 {}", chain::hex(&chain::digest(&bytes.0))));
    let (mut bytes, rt) = (Bytes(Vec::new()), &results.rt[0]);
    bytes.row(11).text("r").text("a").date(rt.window_start).date(rt.window_end);
    bytes.numbers(&[rt.mean, rt.sd, rt.q025, rt.q25, rt.q50, rt.q75, rt.q975]);
    lines.push(format!("rt_estimate 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes
        .row(9)
        .text("r")
        .text("FR")
        .column(23, &1_i32.to_be_bytes())
        .numbers(&[0.1, 0.2, 0.3, 0.2, 0.2, 0.6]);
    lines.push(format!("trend 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes.row(4).text("r").text("Ée").text("transmission").text("too_few");
    lines.push(format!("not_estimated 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let (mut bytes, g) = (Bytes(Vec::new()), rt.growth.as_ref().unwrap());
    bytes.row(16).text("r").text("a").date(rt.window_end).text("infection");
    bytes.numbers(&[g.mean, g.sd, g.q025, g.q25, g.q50, g.q75, g.q975, g.rises, g.passed]);
    bytes.numbers(&[g.known, g.known_025, g.known_975]);
    lines.push(format!("growth_estimate 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes.row(5).text("r").text("FR").column(23, &1_i32.to_be_bytes()).text("present");
    bytes.0.extend([701_i32, -1].iter().flat_map(|n| n.to_be_bytes()));
    bytes.row(5).text("r").text("a").column(23, &0_i32.to_be_bytes()).text("quiet").numbers(&[0.25]);
    lines.push(format!("arrival 2 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes.row(11).text("r").text("FR").text("flu_cases").numbers(&[0.1, 0.2, 0.3]);
    bytes.0.extend([701_i32, -1].repeat(3).iter().flat_map(|n| n.to_be_bytes()));
    bytes.numbers(&[0.25, 4.0]);
    lines.push(format!("deaths_relation 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let link = whole(&mut conn).await.remove(0);
    assert_eq!(link.parts, lines.join("\n"));
    let linked_at: DateTime<Utc> =
        sqlx::query_scalar("select linked_at from chain_link").fetch_one(&mut *conn).await.unwrap();
    let mut bytes = Bytes(Vec::new());
    bytes.row(9).column(20, &1_i64.to_be_bytes()).text("run").text("r");
    // Nothing: a length of -1 and no bytes.
    bytes.0.extend([20_i32, -1].iter().flat_map(|n| n.to_be_bytes()));
    bytes.column(16, &[0]).text(&link.parts).column(17, &chain::digest(link.parts.as_bytes()));
    bytes.column(17, &[0; 32]).time(linked_at);
    assert_eq!(chain::hex(&link.digest), chain::hex(&chain::digest(&bytes.0)));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn scores_of_spread_have_the_bytes_of_their_columns(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    forecasts::put(&mut conn, &run("r"), &results()).await.unwrap();
    let of = due_spread("r");
    let came = Event { came: false, brier: 0.0625, climatology: Some(0.25) };
    let pass = [new_spread(&of, "2025-02-14T00:00:00Z", Some(came))];
    assert_eq!(scores::put(&mut conn, "flu_cases", &[], &pass, time(CLOCK)).await.unwrap(), 1);
    let mut bytes = Bytes(Vec::new());
    bytes.row(18).text("r").text("FR").column(23, &1_i32.to_be_bytes()).text("flu_cases");
    bytes.time(of.origin).date(of.target_end_date).time(time("2025-02-14T00:00:00Z"));
    bytes.text("increase").numbers(&[0.18, 0.25]).column(16, &[1]).numbers(&[0.16]);
    bytes.0.extend([701_i32, -1].iter().flat_map(|n| n.to_be_bytes()));
    bytes.column(16, &[0]).numbers(&[0.0625, 0.25]).column(16, &[1]).time(time(CLOCK));
    let digest = |bytes: &[u8]| chain::hex(&chain::digest(bytes));
    let link = whole(&mut conn).await.remove(1);
    assert_eq!(link.parts, format!("forecast_score 0 {}\nspread_score 1 {}", digest(&[]), digest(&bytes.0)));
}
