//! What went wrong at publishers, as recorded, and what becomes of it here.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod common;

use common::{at, parse, payload, shared};
use ingest::source::Rules;
use ingest::table::{COMMA, Table};
use ingest::{Context, Parsed, Refusal, Row, sources, validation};
use proptest::prelude::*;
use std::path::Path;

const FLU: &str = "target-hospital-admissions.csv";

#[test]
fn a_file_of_zero_bytes_is_refused() {
    let Some(shared) = shared("a_file_of_zero_bytes_is_refused") else { return };
    let path = "data/eu/ecdc-erviss/snapshots/2023-11-24_sentineltestsDetectionsPositivity.csv";
    let read = parse(&shared, "ecdc-erviss", "ILIARIRates.csv", path, "2023-11-24T23:59:59Z");
    assert_eq!(read, Err(Refusal::Empty));
}

#[test]
fn a_web_page_is_no_data_whatever_was_asked_for() {
    let Some(shared) = shared("a_web_page_is_no_data_whatever_was_asked_for") else { return };
    for source in sources::ALL {
        for feed in source.feeds {
            let read = parse(
                &shared,
                source.id,
                feed.name,
                "data/eu/ecdc-mpox/ecdc_site.html.gz",
                "2022-09-19T00:00:00Z",
            );
            assert_eq!(read, Err(Refusal::NotData("a web page")), "{} {}", source.id, feed.name);
        }
    }
}

#[test]
fn a_vintage_whose_place_column_is_corrupt_is_refused_and_its_repair_accepted() {
    let Some(shared) = shared("a_vintage_whose_place_column_is_corrupt_is_refused") else { return };
    let rules = &sources::find("cdc-flusight").unwrap().rules;
    let read = |file: &str, time: &str| {
        let path = format!("flusight/raw/incident-vintages/target-hospital-admissions_{file}.csv.gz");
        validation::check(parse(&shared, "cdc-flusight", FLU, &path, time).unwrap(), rules, 7738)
    };
    let corrupt = read("2024-11-27T170118Z_location-all-US", "2024-11-27T17:01:18Z");
    assert_eq!(corrupt, Err(Refusal::OnePlace { place: "US".into(), rows: 7791 }));
    let truncated = read("2024-11-15T204540Z_truncated", "2024-11-15T20:45:40Z");
    assert_eq!(truncated, Err(Refusal::Fewer { rows: 106, known: 7738 }));
    assert_eq!(read("2024-11-27T171019Z_corrected", "2024-11-27T17:10:19Z").unwrap().rows.len(), 7791);
}

/// A parser for this test alone: daily deaths in hospital by département, of the consolidated French table.
fn departements(shared: &Path, file: &str, issued_at: &str) -> Result<Parsed, Refusal> {
    let bytes = payload(shared, &format!("data/fr/opencovid19-fr/{file}"));
    let table = Table::read(&bytes, &COMMA)?;
    let (date, level, code) =
        (table.column(&["date"])?, table.column(&["granularite"])?, table.column(&["maille_code"])?);
    let (deaths, kind) = (table.column(&["deces"])?, table.column(&["source_type"])?);
    let mut rows = Vec::new();
    for line in table.lines().filter(|l| l.text(level) == "departement" && l.text(kind) == "opencovid19-fr") {
        let Some(place) = ingest::places::by_code("departement", line.text(code).trim_start_matches("DEP-"))
        else {
            continue;
        };
        let value = line.number(deaths)?;
        let signal = "covid_hosp_deaths_cumulative".parse().unwrap();
        rows.push(Row::new(&signal, place, line.date(date, &["%Y-%m-%d"])?, at(issued_at), value));
    }
    Ok(Parsed { rows, ..Parsed::default() })
}

const FRANCE: Rules = Rules {
    corrections: false,
    min_places: 2,
    first_day: (2020, 1, 24),
    week_ends: None,
    complete: false,
    least_share: 0.5,
    tolerates: &[],
};

#[test]
fn a_smaller_file_with_status_200_is_a_truncated_one() {
    let Some(shared) = shared("a_smaller_file_with_status_200_is_a_truncated_one") else { return };
    let lines = |file: &str| {
        Table::read(&payload(&shared, &format!("data/fr/opencovid19-fr/{file}")), &COMMA).unwrap().len()
    };
    let (before, after) =
        (lines("chiffres-cles_2020-10-24.csv.gz"), lines("chiffres-cles_2020-10-31.csv.gz"));
    assert_eq!((before, after), (30_161, 3_376));
    let mut parsed =
        departements(&shared, "chiffres-cles_2020-10-31.csv.gz", "2020-10-31T09:15:06Z").unwrap();
    parsed.rows.retain(|r| r.reference_date <= at("2020-10-31T00:00:00Z").date_naive());
    let rules = Rules { min_places: 1, ..FRANCE };
    let checked = validation::check(parsed, &rules, 24_629);
    assert!(matches!(checked, Err(Refusal::Fewer { known: 24_629, .. } | Refusal::NoRows)), "{checked:?}");
}

#[test]
fn an_impossible_date_is_refused() {
    let Some(shared) = shared("an_impossible_date_is_refused") else { return };
    let bytes = payload(&shared, "data/fr/opencovid19-fr/chiffres-cles_2021-02-25.csv.gz");
    let table = Table::read(&bytes, &COMMA).unwrap();
    let (date, place) = (table.column(&["date"]).unwrap(), ingest::places::by_id("FR").unwrap());
    let signal = "covid_cases".parse().unwrap();
    let row = |day| Row::new(&signal, place, day, at("2021-02-25T17:45:26Z"), Some(1.0));
    let (read, refused): (Vec<_>, Vec<_>) =
        table.lines().map(|l| l.date(date, &["%Y-%m-%d"])).partition(Result::is_ok);
    // A slip of the keyboard in the same file: a parser would refuse the payload here, naming the line.
    let slip = refused.into_iter().map(|r| r.unwrap_err().to_string()).collect::<Vec<_>>();
    assert_eq!(slip[0], "line 3413, column `date`: `2020-11_11` is not a date");
    let mut days: Vec<_> = read.into_iter().flatten().collect();
    days.sort_unstable();
    days.dedup();
    let rules = Rules { min_places: 1, ..FRANCE };
    let checked = validation::check(
        Parsed { rows: days.into_iter().map(row).collect(), ..Parsed::default() },
        &rules,
        0,
    );
    let reason = checked.unwrap_err().to_string();
    assert!(reason.contains("on 2020-01-01") && reason.contains("before 2020-01-24"), "{reason}");
}

#[test]
fn a_broken_header_is_a_missing_column() {
    let Some(shared) = shared("a_broken_header_is_a_missing_column") else { return };
    let bytes = payload(&shared, "data/fr/spf-covid/table-indicateurs-open-data-france_2022-08-29.csv");
    let refused =
        Table::read(&bytes, &COMMA).and_then(|t| t.column(&["extract_date"]).map(|_| ())).unwrap_err();
    let expected = matches!(refused, Refusal::MissingColumn { .. } | Refusal::Unreadable { .. });
    assert!(expected, "{refused}");
}

#[test]
fn another_encoding_is_read_as_what_it_is() {
    let Some(shared) = shared("another_encoding_is_read_as_what_it_is") else { return };
    let semicolon = ingest::table::Dialect { delimiter: b';', missing: &["NA"], comment: None };
    let table = Table::read(&payload(&shared, "data/fr/openhealth-ias/Openhealth_S-Grippal.csv"), &semicolon)
        .unwrap();
    assert!(table.find("IAS_lissé_France").is_some() || table.columns().any(|c| c.name().contains("lissé")));
}

#[test]
fn corrections_below_zero_stay() {
    let Some(shared) = shared("corrections_below_zero_stay") else { return };
    let path = "data/eu/jhu-covid/truth_JHU-Incident_Cases.csv.gz";
    let parsed = parse(&shared, "jhu-csse", "incident_cases.csv", path, "2023-03-10T23:59:59Z").unwrap();
    let below =
        |place: &str| parsed.rows.iter().filter(|r| r.place.as_str() == place && r.value < Some(0.0)).count();
    assert_eq!(below("FR") + below("CH"), 16);
}

/// Bytes of any kind: a parser answers, and never falls.
fn survives(bytes: &[u8]) {
    let context = Context { issued_at: at("2025-01-01T00:00:00Z"), file: "x" };
    for feed in sources::ALL.iter().flat_map(|s| s.feeds) {
        if let Ok(parsed) = (feed.parse)(bytes, &context) {
            assert!(parsed.rows.iter().all(|r| r.value.is_some() == r.status.has_value()), "{}", feed.name);
        }
    }
}

/// One recorded payload of each feed, cut to a size that can be changed often: text at a line, Parquet whole.
fn samples(shared: &Path) -> Vec<(ingest::source::Parser, String, Vec<u8>)> {
    let mut samples = Vec::new();
    for source in sources::ALL {
        for feed in source.feeds {
            let Some(r) = source.recordings.iter().find(|r| r.feed == feed.name) else { continue };
            // What the project keeps itself lies in it.
            let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            let shared = if r.folder == ingest::recorded::KEPT { &project } else { shared };
            let names = std::fs::read_dir(shared.join(r.folder)).unwrap();
            let names = names.map(|n| n.unwrap().file_name().to_string_lossy().into_owned());
            let name = names.filter(|n| n.starts_with(r.prefix) && n.ends_with(r.suffix)).min().unwrap();
            let mut bytes = payload(shared, &format!("{}/{name}", r.folder));
            if bytes.starts_with(b"PAR1") {
                // The larger ones would take minutes.
                if bytes.len() > 200_000 {
                    continue;
                }
            } else {
                let end =
                    bytes.iter().skip(4000).position(|b| *b == b'\n').map_or(bytes.len(), |at| 4001 + at);
                bytes.truncate(end.min(40_000));
            }
            samples.push((feed.parse, name, bytes));
        }
    }
    samples
}

/// Payloads with some bytes overwritten, cut out or doubled: read, or refused, and never more than that.
#[test]
fn no_parser_falls_over_mutated_payloads() {
    let Some(shared) = shared("no_parser_falls_over_mutated_payloads") else { return };
    let samples = samples(&shared);
    assert!(samples.len() > 30, "{} feeds", samples.len());
    let change = (any::<prop::sample::Index>(), 0usize..4, proptest::collection::vec(any::<u8>(), 1..9));
    let changes = proptest::collection::vec(change, 1..6);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) };
    proptest!(config, |(changes in changes)| {
        for (parse, name, bytes) in &samples {
            let mut bytes = bytes.clone();
            for (at, how, with) in &changes {
                let at = at.index(bytes.len());
                let end = (at + with.len()).min(bytes.len());
                match how {
                    0 => bytes[at..end].copy_from_slice(&with[..end - at]),
                    1 => drop(bytes.drain(at..end)),
                    2 => drop(bytes.splice(at..at, with.iter().copied())),
                    _ => bytes.extend_from_within(at..end),
                }
            }
            let context = Context { issued_at: at("2026-10-01T00:00:00Z"), file: name };
            if let Ok(parsed) = parse(&bytes, &context) {
                let _ = validation::check(parsed, &FRANCE, 0);
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_parser_falls_over_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
        survives(&[b"PAR1", &bytes[..], b"PAR1"].concat());
    }

    #[test]
    fn no_parser_falls_over_odd_cells(cells in proptest::collection::vec("[-0-9A-Za-z:/. ,]{0,12}", 16)) {
        for feed_header in HEADERS {
            let columns = feed_header.split(',').count();
            survives(format!("{feed_header}\n{}\n", cells[..columns].join("\t").replace(',', ";").replace('\t', ",")).as_bytes());
        }
    }
}

/// Headers of the recorded tables, so that arbitrary cells reach the readers of cells.
const HEADERS: [&str; 9] = [
    "date,location,value",
    "survtype,countryname,yearweek,indicator,age,value",
    "geoRegion,datum,entries,type,datum_unit,version",
    "location,iso_code,date,new_cases,new_deaths",
    "Province/State,Country/Region,1/22/20,1/23/20,1/25/20",
    "submission_date,state,new_case,new_death",
    "Location,Cases,AsOf",
    "week,indicator,inc100,geo_insee",
    "1er jour de la semaine,Semaine,Classe d'âge,Taux de passages aux urgences pour grippe",
];

#[test]
fn a_payload_cut_anywhere_is_refused_or_shorter() {
    let Some(shared) = shared("a_payload_cut_anywhere_is_refused_or_shorter") else { return };
    for (source, feed, path) in [
        ("owid-mpox", "owid-monkeypox-data.csv", "data/global/owid-mpox/owid-monkeypox-data_2022-08-09.csv"),
        ("foph-covid19", "revisions_geoRegion.parquet", "data/ch/bag-covid/revisions_geoRegion.parquet"),
    ] {
        let (feed, whole) = (sources::find(source).unwrap().feed(feed).unwrap(), payload(&shared, path));
        let context = Context { issued_at: at("2022-08-09T15:42:29Z"), file: path };
        let rows = (feed.parse)(&whole, &context).unwrap().rows.len();
        for cut in (0..whole.len()).step_by(whole.len() / 23) {
            let read = (feed.parse)(&whole[..cut], &context);
            assert!(read.is_err() || read.is_ok_and(|p| p.rows.len() < rows), "cut at {cut}");
        }
    }
}
