//! Recorded vintages, rebuilt from the carried extract and compared with the publisher's own payload.
#![expect(clippy::panic, reason = "helpers of tests: what cannot be prepared has failed")]

mod common;

use common::{State, all_parsed, as_of, at, carried, issues, parse, shared, state};
use ingest::sources;
use std::path::Path;

/// The cells of `payload` with a number are in the extract with that number, as of its time.
fn agrees(payload: &State, known: &State, tolerance: f64) {
    assert!(!payload.is_empty());
    for (cell, value) in payload {
        let ours = known.get(cell).copied().flatten();
        match (value, ours) {
            (Some(a), Some(b)) => {
                assert!((a - b).abs() <= tolerance * a.abs(), "{cell:?}: {a} published, {b} carried")
            }
            (None, None) => {}
            other => panic!("{cell:?}: {other:?}"),
        }
    }
}

#[test]
fn the_swiss_files_of_2021_05_20_are_rebuilt_cell_by_cell() {
    let Some(shared) = shared("the_swiss_files_of_2021_05_20_are_rebuilt_cell_by_cell") else { return };
    for (file, signal) in
        [("Cases", "covid_cases"), ("Death", "covid_deaths"), ("Hosp", "covid_hosp_admissions_daily")]
    {
        let path = format!("data/ch/bag-covid/COVID19{file}_geoRegion_2021-05-20_07-49-25.csv.gz");
        let parsed = parse(&shared, "foph-covid19", "geoRegion.csv", &path, "2000-01-01T00:00:00Z").unwrap();
        assert_eq!(parsed.rows[0].issued_at, at("2021-05-20T05:49:25Z"), "Swiss summer time");
        let payload = state(&parsed.rows, signal);
        assert_eq!(payload, carried("foph-covid19", signal, at("2021-05-20T05:49:25Z")), "{signal}");
        assert_eq!(payload.len(), 27 * 452, "Switzerland and 26 cantons, 452 days");
    }
}

#[test]
fn the_french_hospitals_of_2020_05_10_are_rebuilt_cell_by_cell() {
    let Some(shared) = shared("the_french_hospitals_of_2020_05_10_are_rebuilt_cell_by_cell") else { return };
    let (path, time) = ("data/fr/opencovid19-fr/chiffres-cles_2020-05-10.csv.gz", "2020-05-11T12:00:00Z");
    let parsed = parse(&shared, "opencovid19-fr", "chiffres-cles.csv", path, time).unwrap();
    for (signal, france) in [
        ("covid_hosp_patients", 22_569.0),
        ("covid_icu_patients", 2_776.0),
        ("covid_hosp_deaths_cumulative", 16_642.0),
    ] {
        let known = carried("opencovid19-fr", signal, at(time));
        agrees(&state(&parsed.rows, signal), &known, 0.0);
        assert_eq!(known[&("FR".to_owned(), "2020-05-10".parse().unwrap())], Some(france), "{signal}");
    }
}

/// Two collections of the same hospitals: a week of one is the sum of the other's days, but for what was reported later.
#[test]
fn swiss_weeks_of_admissions_are_sums_of_the_days_of_the_other_source() {
    let time = at("2024-01-01T00:00:00Z");
    let weeks = carried("owid-hosp", "covid_hosp_admissions", time);
    let days = carried("foph-covid19", "covid_hosp_admissions_daily", time);
    let (mut compared, mut apart) = (0, 0.0);
    for ((place, week), value) in weeks.iter().filter(|((place, _), _)| place == "CH") {
        let of_day = |back| days.get(&(place.clone(), *week - chrono::Days::new(back))).copied().flatten();
        let sum: Option<f64> = (0..7).map(of_day).sum();
        if let (Some(sum), Some(value)) = (sum.filter(|s| *s > 100.0), value) {
            compared += 1;
            apart += (sum - value).abs() / sum;
        }
    }
    assert!(compared > 35, "{compared} weeks");
    assert!(apart / f64::from(compared) < 0.1, "{} apart", apart / f64::from(compared));
}

#[test]
fn the_american_table_of_2025_02_05_is_rebuilt() {
    let Some(shared) = shared("the_american_table_of_2025_02_05_is_rebuilt") else { return };
    let path = "flusight/raw/target-snapshots/target-hospital-admissions_2025-02-01.csv.gz";
    let time = "2025-02-05T17:25:53Z";
    let parsed = parse(&shared, "cdc-flusight", "target-hospital-admissions.csv", path, time).unwrap();
    let payload = state(&parsed.rows, "flu_hosp_admissions");
    let known = carried("cdc-flusight", "flu_hosp_admissions", at(time));
    agrees(&payload, &known, 0.0);
    assert_eq!(payload.values().flatten().count(), 8285);
    let first = payload.keys().map(|(_, day)| *day).min().unwrap();
    assert!(
        known.keys().filter(|k| !payload.contains_key(*k)).all(|(_, day)| *day < first),
        "only older weeks are ours alone"
    );
    // The week before, the newest week is not there.
    let week = ("US".to_owned(), "2025-02-01".parse().unwrap());
    assert!(
        known.contains_key(&week)
            && !carried("cdc-flusight", "flu_hosp_admissions", at("2025-02-05T17:25:52Z"))
                .contains_key(&week)
    );
}

/// The hub's archive files are named by their last week; when they came out is known from the list of vintages only.
#[test]
fn every_weekly_archive_file_is_a_vintage_of_the_extract() {
    let Some(shared) = shared("every_weekly_archive_file_is_a_vintage_of_the_extract") else { return };
    let mut vintages = csv::Reader::from_path(shared.join("flusight/target-vintages.csv")).unwrap();
    let vintages: Vec<_> =
        vintages.records().map(|r| r.unwrap()).filter(|r| &r[0] == "FluSight-forecast-hub").collect();
    let issues = issues("cdc-flusight", "flu_hosp_admissions");
    let mut compared = 0;
    for entry in std::fs::read_dir(shared.join("flusight/raw/target-snapshots")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let path = format!("flusight/raw/target-snapshots/{name}");
        let feed = "target-hospital-admissions.csv";
        let payload = parse(&shared, "cdc-flusight", feed, &path, "2026-01-01T00:00:00Z").unwrap();
        let payload = state(&payload.rows, "flu_hosp_admissions");
        let last_week = name.trim_start_matches("target-hospital-admissions_").trim_end_matches(".csv.gz");
        let differ = vintages.iter().filter(|v| &v[6] == last_week).map(|v| {
            let known = as_of(&issues, at(&v[1].replace("+0000", "Z")));
            payload.iter().filter(|(cell, value)| known.get(*cell).copied().flatten() != **value).count()
        });
        // One file is of a day on which the published table was not: nine states in its newest week are others.
        let expected = if last_week == "2023-10-07" { 9 } else { 0 };
        assert_eq!(differ.min(), Some(expected), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 62);
}

#[test]
fn european_snapshots_agree_with_the_hubs_log() {
    let Some(shared) = shared("european_snapshots_agree_with_the_hubs_log") else { return };
    for day in ["2024-11-08", "2025-01-31", "2025-02-07", "2025-04-04", "2025-07-25"] {
        let path = format!("data/eu/ecdc-erviss/snapshots/{day}_ILIARIRates.csv.gz");
        let time = format!("{day}T23:59:59Z");
        let parsed = parse(&shared, "ecdc-erviss", "ILIARIRates.csv", &path, &time).unwrap();
        for signal in ["ili_incidence", "ari_incidence"] {
            agrees(&state(&parsed.rows, signal), &carried("ecdc-erviss", signal, at(&time)), 1e-9);
        }
    }
}

#[test]
fn daily_counts_agree_wherever_two_recordings_speak() {
    let Some(shared) = shared("daily_counts_agree_wherever_two_recordings_speak") else { return };
    let path = "data/global/owid-mpox/owid-monkeypox-data_2022-09-30.csv.gz";
    let parsed =
        parse(&shared, "owid-mpox", "owid-monkeypox-data.csv", path, "2022-09-30T21:25:07Z").unwrap();
    for signal in ["mpox_cases", "mpox_deaths"] {
        agrees(&state(&parsed.rows, signal), &carried("owid-mpox", signal, at("2022-09-30T21:25:07Z")), 0.0);
    }
    let path = "data/us/covid-hub/covid-hospital-admissions_2025-02-12.csv";
    let parsed =
        parse(&shared, "cdc-covid-hub", "covid-hospital-admissions.csv", path, "2025-02-12T17:31:17Z")
            .unwrap();
    let known = carried("cdc-covid-hub", "covid_hosp_admissions", at("2025-02-12T17:31:17Z"));
    assert_eq!(state(&parsed.rows, "covid_hosp_admissions"), known);
}

#[test]
fn totals_are_those_that_the_publishers_state() {
    let late = at("2030-01-01T00:00:00Z");
    let total = |source: &str, signal: &str, place: &str| -> f64 {
        carried(source, signal, late).iter().filter(|(k, _)| k.0 == place).filter_map(|(_, v)| *v).sum()
    };
    // Our World in Data, 2023-11-16: US 30,680 cases and 55 deaths, France 4,161, Switzerland 562.
    for (place, cases, deaths) in [("US", 30_680.0, 55.0), ("FR", 4_161.0, 0.0), ("CH", 562.0, 0.0)] {
        assert_eq!(
            (total("owid-mpox", "mpox_cases", place), total("owid-mpox", "mpox_deaths", place)),
            (cases, deaths)
        );
    }
    // JHU counts from the second day on: 33,258,664 cumulative cases on 2021-05-30, 1 on the first day.
    assert_eq!(total("jhu-csse", "covid_cases", "US"), 33_258_664.0 - 1.0);
}

#[test]
fn every_recorded_payload_of_every_source_is_read() {
    let Some(shared) = shared("every_recorded_payload_of_every_source_is_read") else { return };
    for id in [
        "cdc-covid-state",
        "cdc-mpox",
        "foph-idd",
        "sentinelles",
        "spf-odisse",
        "spf-sivic",
        "who-covid",
        "cdc-flusurv-history",
        "cdc-fluview-history",
    ] {
        for (path, read) in all_parsed(&shared, sources::find(id).unwrap()) {
            let parsed = read.unwrap_or_else(|reason| panic!("{path}: {reason}"));
            assert!(!parsed.rows.is_empty(), "{path}");
            let keys: std::collections::BTreeSet<_> =
                parsed.rows.iter().map(|r| (&r.signal, &r.place, r.reference_date, r.issued_at)).collect();
            assert_eq!(keys.len(), parsed.rows.len(), "{path} repeats a key");
        }
    }
}

#[test]
fn a_spreadsheet_and_the_publisher_say_the_same() {
    let Some(shared) = shared("a_spreadsheet_and_the_publisher_say_the_same") else { return };
    let read = |file: &str| {
        let path = format!("data/us/cdc-covid-state/9mfq-cb36_{file}.csv.gz");
        state(
            &parse(&shared, "cdc-covid-state", "9mfq-cb36.csv", &path, "2022-01-01T00:00:00Z").unwrap().rows,
            "covid_cases",
        )
    };
    let (resaved, later) = (read("2020-11-30_spreadsheet-resaved"), read("2021-03-02"));
    let common = resaved.iter().filter(|(cell, value)| later.get(*cell) == Some(value)).count();
    assert!(
        common > 8_000 && resaved.len() == 52 * 280 - 280,
        "{common} of {} cells are equal",
        resaved.len()
    );
    let (day, place) = ("2020-10-24".parse().unwrap(), "US-CO".to_owned());
    assert!(resaved[&(place, day)].unwrap() > 1_000.0, "`1,842` is one number");
}

#[test]
fn weeks_and_places_are_those_of_the_contract() {
    let Some(shared) = shared("weeks_and_places_are_those_of_the_contract") else { return };
    let odisse =
        |path: &str, feed: &str| parse(&shared, "spf-odisse", feed, path, "2025-10-22T23:59:59Z").unwrap();
    let folder = Path::new("data/fr/odisse");
    let regions = folder
        .join("grippe-passages-urgences-et-actes-sos-medecin_reg_retrieved-2025-10-22_to-2025-07-28.csv.gz");
    let regions = odisse(regions.to_str().unwrap(), "regions.csv");
    assert_eq!(regions.rows.len(), 3 * 18 * 292, "three figures of 18 regions in 292 weeks");
    assert!(
        regions.rows.iter().any(|r| r.place.as_str() == "FR-IDF")
            && regions.rows.iter().any(|r| r.value.is_none())
    );
    assert!(
        regions.rows.iter().all(|r| chrono::Datelike::weekday(&r.reference_date) == chrono::Weekday::Sun)
    );
    let sivic = carried("spf-sivic", "covid_hosp_deaths", at("2020-12-08T00:00:00Z"));
    assert!(sivic.keys().any(|(p, _)| p == "FR:01") && sivic.keys().any(|(p, _)| p == "FR:2A"));
}
