//! Every language says everything: same keys, same placeholders, every key in use, no slips of typography.

#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

mod common;

use common::{countries, root};
use std::collections::{BTreeMap, BTreeSet};

fn locale(code: &str) -> BTreeMap<String, String> {
    fn flat(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(inner) => flat(&key, inner, into),
                other => drop(into.insert(key, other.as_str().unwrap().to_owned())),
            }
        }
    }
    let path = root().join(format!("services/web/locales/{code}.toml"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut all = BTreeMap::new();
    flat("", &text.parse().unwrap(), &mut all);
    all
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split("%{").skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
}

const CODES: [&str; 4] = ["en", "fr", "de", "it"];

#[test]
fn every_language_has_the_same_keys_and_placeholders() {
    let english = locale("en");
    for code in CODES {
        let other = locale(code);
        let keys = |l: &BTreeMap<String, String>| l.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&english), keys(&other), "{code}");
        for (key, text) in &english {
            assert_eq!(placeholders(text), placeholders(&other[key]), "{code} {key}");
            assert!(!other[key].trim().is_empty(), "{code} {key} is empty");
        }
    }
}

#[test]
fn every_key_in_templates_and_sources_exists() {
    fn files(folder: std::path::PathBuf, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(path, found);
            } else {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let english = locale("en");
    let mut texts = Vec::new();
    files(root().join("services/web/templates"), &mut texts);
    files(root().join("services/web/src"), &mut texts);
    let mut seen = 0;
    for text in texts {
        for call in
            [".t(\"", ".f(\"", ".t(\n            \"", ".f(\n            \"", ".f(\n                \""]
        {
            for rest in text.split(call).skip(1) {
                let key = rest.split('"').next().unwrap();
                if !key.contains("{}") {
                    assert!(english.contains_key(key), "{key} is used and has no text");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} keys found: the search is broken");
}

#[test]
fn everything_that_a_profile_names_has_its_words() {
    let english = locale("en");
    for profile in countries() {
        let mut keys = vec![format!("country.{}", profile.country)];
        for disease in &profile.diseases {
            keys.extend([format!("disease.{}.name", disease.id), format!("disease.{}.title", disease.id)]);
        }
        for signal in &profile.signals {
            for part in ["name", "about", "noun", "did.one", "did.other"] {
                keys.push(format!("signal.{}.{part}", signal.id));
            }
        }
        keys.extend(profile.levels.iter().map(|l| format!("level.{l}.many")));
        keys.extend(profile.levels.iter().map(|l| format!("where.{l}.plain")));
        keys.extend(profile.gaps.iter().map(|g| format!("gap.{}", g.reason)));
        keys.extend(profile.legal.keys().map(|f| format!("legal.field.{f}")));
        keys.push(format!("where.place.{}", profile.nation));
        for key in keys {
            assert!(english.contains_key(&key), "{}: {key} has no text", profile.country);
        }
        for language in &profile.languages {
            assert!(CODES.contains(&language.code.as_str()), "{} has no locale file", language.code);
        }
    }
}

#[test]
fn french_has_its_spaces_and_swiss_german_no_sharp_s() {
    for (key, text) in locale("fr") {
        for mark in [" :", " ;", " !", " ?", " »", "« ", " %"] {
            let bare = text.replace("%{", "{");
            assert!(!bare.contains(mark), "fr {key}: `{mark}` wants a no-break space");
        }
        assert!(!text.contains('\''), "fr {key}: straight apostrophe");
    }
    for (key, text) in locale("de") {
        assert!(!text.contains('ß'), "de {key}: Swiss German has no ß");
    }
}
