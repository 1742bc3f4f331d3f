//! Every country's profile in the repository can be read, and says what it must.
#![expect(clippy::unwrap_used, reason = "a test helper may end loudly")]

use domain::CountryProfile;
use std::path::Path;

fn profiles() -> Vec<(String, String)> {
    let clusters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(clusters).unwrap() {
        let folder = entry.unwrap().path();
        if let Ok(text) = std::fs::read_to_string(folder.join("profile/profile.toml")) {
            found.push((folder.file_name().unwrap().to_string_lossy().into_owned(), text));
        }
    }
    found
}

#[test]
fn every_profile_is_read_and_names_its_folder() {
    let found = profiles();
    assert!(found.len() >= 3);
    for (folder, text) in found {
        let profile = CountryProfile::parse(&text).unwrap_or_else(|e| panic!("{folder}: {e}"));
        assert_eq!(profile.country.to_string(), folder);
    }
}

#[test]
fn a_production_profile_with_an_unset_legal_field_is_refused() {
    for (folder, text) in profiles() {
        let text = text.replace("production = false", "production = true");
        let error = CountryProfile::parse(&text).expect_err(&folder).to_string();
        assert!(error.contains("operator has not filled in legal."), "{error}");
    }
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let (_, text) = profiles().remove(0);
    let error = CountryProfile::parse(&format!("colour = 1\n{text}")).expect_err("unknown field").to_string();
    assert!(error.contains("colour"), "{error}");
}
