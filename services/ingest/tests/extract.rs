//! The extract that the project carries is the one that the recording gives, under terms that allow it.

mod common;

use common::{root, shared};
use ingest::source::{Source, Terms};
use ingest::{places, sources};
use std::collections::BTreeSet;

const LIMIT: u64 = 20 << 20;

#[test]
fn the_carried_extract_is_what_the_recording_gives() {
    let Some(shared) = shared("the_carried_extract_is_what_the_recording_gives") else { return };
    let (files, summary) = ingest::extract::build(&shared, sources::ALL).unwrap();
    println!("{summary}");
    assert!(summary.bytes < LIMIT, "{} bytes", summary.bytes);
    let data = root().join("data");
    for (name, bytes) in &files {
        let carried = std::fs::read(data.join(name)).unwrap_or_default();
        assert!(carried == *bytes, "data/{name} is not what the recording gives: run `vigie extract`");
    }
    let mut refused: Vec<_> =
        summary.refused.iter().map(|(path, _)| path.rsplit('/').next().unwrap()).collect();
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            "Covid19_ERVISS_2024-10-11-hospital_admissions.csv",
            "chiffres-cles_2020-10-31.csv.gz",
            "chiffres-cles_2021-02-25.csv.gz",
            "target-hospital-admissions_2024-11-15T204540Z_truncated.csv.gz",
            "target-hospital-admissions_2024-11-27T170118Z_location-all-US.csv.gz",
        ]
    );
}

#[test]
fn an_extract_made_twice_has_the_same_bytes() {
    let Some(shared) = shared("an_extract_made_twice_has_the_same_bytes") else { return };
    let some: Vec<&'static Source> =
        ["owid-mpox", "who-fluid", "spf-odisse"].iter().map(|s| sources::find(s).unwrap()).collect();
    assert_eq!(
        ingest::extract::build(&shared, &some).unwrap(),
        ingest::extract::build(&shared, &some).unwrap()
    );
}

/// Also without the recording: what lies in `data/` is of a declared source whose terms allow it.
#[test]
fn only_sources_that_may_be_carried_are_carried() {
    let data = root().join("data");
    let mut reader = csv::Reader::from_path(data.join("sources.csv")).unwrap();
    let listed: BTreeSet<String> = reader.records().map(|r| r.unwrap()[0].to_owned()).collect();
    let page = std::fs::read_to_string(data.join("LICENSES.md")).unwrap();
    for id in &listed {
        let source = sources::find(id).unwrap_or_else(|| panic!("{id} is not declared"));
        assert!(source.redistributable && source.terms != Terms::NonCommercial, "{id} may not be carried");
        assert!(
            page.contains(&format!("\n## {id}\n")) && page.contains(source.credit),
            "{id} is not in LICENSES.md"
        );
    }
    for folder in std::fs::read_dir(data.join("observations")).unwrap() {
        let name = folder.unwrap().file_name().to_string_lossy().into_owned();
        assert!(listed.contains(&name), "data/observations/{name} is of no listed source");
    }
    let mut reader = csv::Reader::from_path(data.join("retrievals.csv")).unwrap();
    assert!(reader.records().all(|r| listed.contains(&r.unwrap()[1])), "a retrieval of an unlisted source");
    for id in ["who-covid", "who-flunet", "openhealth-ias", "sentinelles"] {
        assert!(!listed.contains(id), "{id} may not be passed on");
    }
}

#[test]
fn the_histories_name_places_as_the_hubs_do() {
    for (file, nation) in [("ili_plus_us_2010_2020", false), ("flusurv_us_2003_2020", true)] {
        let packed = std::fs::read(root().join(format!("data/history/{file}.csv.gz"))).unwrap();
        let bytes = ingest::body::unpack(&packed).unwrap();
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let codes: BTreeSet<String> = reader.records().map(|r| r.unwrap()[0].to_owned()).collect();
        assert!(codes.iter().all(|code| places::us_location(code).is_some()), "{file}: {codes:?}");
        assert!(codes.len() >= 14 && codes.contains("US") == nation, "{file}: {codes:?}");
    }
}

#[test]
fn a_declaration_that_contradicts_its_terms_stops_the_extract() {
    let Some(shared) = shared("a_declaration_that_contradicts_its_terms_stops_the_extract") else { return };
    for id in ["who-covid", "sentinelles"] {
        let declared = Source { redistributable: true, ..*sources::find(id).unwrap() };
        let leaked: &'static Source = Box::leak(Box::new(declared));
        let error = ingest::extract::build(&shared, &[leaked]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("source {id} is declared redistributable, but its terms are NonCommercial")
        );
        let (files, _) = ingest::extract::build(&shared, &[sources::find(id).unwrap()]).unwrap();
        assert!(files.keys().all(|name| !name.starts_with("observations/")), "{id} was written");
    }
}
