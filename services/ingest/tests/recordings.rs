//! Every source reads everything that was recorded of it, and what it reads passes its own rules.

mod common;

use common::{parse, shared, state};
use domain::Status;
use ingest::recorded::{self, Manifest};
use ingest::{Context, sources, validation};
use std::collections::BTreeMap;

/// Rows that pass validation, of all recorded payloads of each source that the extract does not carry.
const ROWS: &[(&str, usize)] = &[
    ("cdc-fluview", 81_636),
    ("cdc-nssp", 4_130_976),
    ("ecdc-covid", 40_816),
    ("ecdc-mpox", 1_185),
    ("foph-sentinella", 6),
    ("globaldothealth-mpox", 7_966),
    ("nyt-counties", 92_578),
    ("openhealth-ias", 8_436),
    ("sentinelles", 3_763),
    ("who-covid", 34_518),
    ("who-flunet", 39_562),
    ("who-mpox", 8_674),
];

#[test]
fn every_recorded_payload_is_read_and_passes() {
    let Some(shared) = shared("every_recorded_payload_is_read_and_passes") else { return };
    let manifest = Manifest::read(&shared).unwrap();
    let mut read = BTreeMap::new();
    for source in sources::ALL.iter().filter(|s| !s.is_carried()) {
        for payload in recorded::payloads(&shared, source, &manifest).unwrap() {
            let context = Context { issued_at: payload.at.unwrap_or_default(), file: &payload.file };
            let parsed = (source.feed(payload.feed).unwrap().parse)(&payload.bytes, &context);
            let checked = parsed.and_then(|p| validation::check(p, &source.rules, 0));
            let checked = checked.map_err(|reason| format!("{}: {reason}", payload.path)).unwrap();
            *read.entry(source.id).or_insert(0) += checked.rows.len();
        }
    }
    assert_eq!(read.into_iter().collect::<Vec<_>>(), ROWS);
}

#[test]
fn figures_are_those_of_the_publisher() {
    let Some(shared) = shared("figures_are_those_of_the_publisher") else { return };
    let value = |source: &str, feed: &str, path: &str, signal: &str, place: &str, day: &str| {
        let parsed = parse(&shared, source, feed, path, "2026-09-30T00:00:00Z").unwrap();
        state(&parsed.rows, signal).get(&(place.to_owned(), day.parse().unwrap())).copied().flatten()
    };
    let nhsn = "data/us/cdc-nhsn/backup_20241119.csv.gz";
    let of = |signal, place| value("cdc-nhsn", "ua7e-t2fy", nhsn, signal, place, "2024-01-06");
    assert_eq!(of("covid_hosp_admissions", "US"), Some(37_779.0));
    assert_eq!(of("flu_hosp_admissions", "US-CO"), Some(308.0));
    let fluview = "data/us/cdc-fluview/ILINet_national_2024-40_2025-13.csv";
    let weighted = value("cdc-fluview", "ILINet.csv", fluview, "ili_visits_weighted", "US", "2024-10-05");
    assert_eq!(weighted, Some(1.95616), "MMWR week 40 ends on Saturday 2024-10-05");
    let ias = "data/fr/openhealth-ias/Openhealth_S-Grippal.csv";
    let raw =
        value("openhealth-ias", "Openhealth_S-Grippal.csv", ias, "flu_medicines_index", "FR", "2009-07-12");
    assert_eq!(raw, Some(563.3), "a decimal comma");
    let table = "data/fr/spf-covid/table-indicateurs-open-data-france_2022-08-29.csv";
    let feed_of_france = "table-indicateurs-open-data-france.csv";
    let icu = value("spf-indicateurs", feed_of_france, table, "covid_icu_occupancy", "FR", "2020-03-30");
    assert_eq!(icu, Some(100.0), "below a header that lost a quotation mark");
    let sentinella = "data/ch/bag-idd/INFLUENZA_sentinella_2026-09-26_head.csv";
    let ili =
        value("foph-sentinella", "INFLUENZA_sentinella.csv", sentinella, "ili_incidence", "CH", "2013-01-04");
    assert_eq!(ili, Some(88.87), "2013-W01 of the Sentinella ends on a Friday");
    let feed = "INFLUENZA_sentinella.csv";
    let share = value("foph-sentinella", feed, sentinella, "ili_consultation_share", "CH", "2013-01-11");
    assert_eq!(share, Some(1.75), "of a hundred consultations");
    let incidence =
        value("spf-indicateurs", feed_of_france, table, "covid_incidence_weekly", "FR", "2022-05-08");
    assert_eq!(incidence.map(f64::round), Some(406.0), "of the week that ends on that Sunday");
}

#[test]
fn two_recordings_of_counties_agree() {
    let Some(shared) = shared("two_recordings_of_counties_agree") else { return };
    let read = |feed: &str, path: &str| {
        let path = format!("data/global/jhu/{path}");
        let parsed = parse(&shared, "jhu-counties", feed, &path, "2021-05-31T23:59:59Z").unwrap();
        state(&parsed.rows, "covid_deaths_cumulative")
    };
    let report = read("daily_report.csv", "daily_reports/05-30-2021.csv.gz");
    let all = read("daily_reports.parquet", "daily_reports_US-FR-CH_2020-01-22_2021-05-30.parquet");
    assert_eq!(report.len(), 3116);
    assert!(report.iter().all(|(cell, value)| all.get(cell) == Some(value)));
}

#[test]
fn withheld_counts_are_suppressed_and_not_zero() {
    let Some(shared) = shared("withheld_counts_are_suppressed_and_not_zero") else { return };
    let path = "data/us/cdc-nchs-deaths/r8kw-7aab_2020-09-09.csv";
    let parsed = parse(&shared, "cdc-nchs-deaths", "r8kw-7aab", path, "2000-01-01T00:00:00Z").unwrap();
    let count = |status| {
        let of = |r: &&ingest::Row| r.signal.as_str() == "covid_deaths_weekly" && r.status == status;
        parsed.rows.iter().filter(of).count()
    };
    assert_eq!(
        (count(Status::Suppressed), count(Status::Missing)),
        (300, 0),
        "305 in the table, five of New York"
    );
    assert!(parsed.rows.iter().all(|r| r.issued_at.to_rfc3339().starts_with("2020-09-09T23:59:59")));
}

#[test]
fn the_preliminary_table_is_read_for_its_newest_week_and_says_the_same() {
    let Some(shared) = shared("the_preliminary_table_is_read_for_its_newest_week_and_says_the_same") else {
        return;
    };
    let read = |feed: &str| {
        let path = format!("data/us/cdc-nhsn/{feed}_page.json");
        parse(&shared, "cdc-nhsn", feed, &path, "2025-02-14T23:59:59Z").unwrap()
    };
    let (official, preliminary) = (read("ua7e-t2fy"), read("mpgq-jmmr"));
    assert!(preliminary.changes_only && !official.changes_only, "a part says nothing of how long a table is");
    assert!(preliminary.skipped.iter().any(|(reason, _)| reason.contains("which the official table has")));
    assert!(preliminary.rows.iter().all(|r| r.status != Status::Observed));
    for signal in ["covid_hosp_admissions", "flu_hosp_admissions"] {
        let mut newest = state(&official.rows, signal);
        newest.retain(|(_, week), _| week.to_string() == "2021-10-16");
        assert_eq!(newest, state(&preliminary.rows, signal), "{signal}");
        assert!(!newest.is_empty());
    }
}
