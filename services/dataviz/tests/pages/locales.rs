//! Every text exists in every language, and for everything that a profile names.

use std::collections::BTreeMap;
use std::path::Path;

fn texts(code: &str) -> BTreeMap<String, String> {
    let path = format!("{}/locales/{code}.toml", env!("CARGO_MANIFEST_DIR"));
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let mut all = BTreeMap::new();
    collect("", &table, &mut all);
    all
}

fn collect(prefix: &str, table: &toml::Table, all: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => collect(&name, inner, all),
            other => _ = all.insert(name, other.as_str().unwrap().to_owned()),
        }
    }
}

fn placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text.split("%{").skip(1).filter_map(|t| t.split('}').next()).collect();
    found.sort_unstable();
    found
}

#[test]
fn the_languages_have_the_same_texts_with_the_same_placeholders() {
    let (en, fr) = (texts("en"), texts("fr"));
    assert_eq!(en.keys().collect::<Vec<_>>(), fr.keys().collect::<Vec<_>>());
    for (key, text) in &en {
        assert_eq!(placeholders(text), placeholders(&fr[key]), "{key}");
    }
}

#[test]
fn everything_that_a_country_with_this_service_shows_has_a_name() {
    let clusters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters");
    let mut seen = 0;
    for entry in std::fs::read_dir(clusters).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("apps/dataviz").is_dir() {
            continue;
        }
        seen += 1;
        let profile = kit::config::profile(folder.join("profile/profile.toml")).unwrap();
        for language in &profile.languages {
            let texts = texts(&language.code);
            let mut wanted = vec![format!("country.{}", profile.country), "level.nation".to_owned()];
            wanted.extend(profile.signals.iter().map(|s| format!("signal.{}", s.id)));
            wanted.extend(profile.diseases.iter().map(|d| format!("disease.{}", d.id)));
            wanted.extend(profile.levels.iter().map(|l| format!("level.{l}")));
            for key in wanted {
                assert!(texts.contains_key(&key), "{key} in {}", language.code);
            }
        }
    }
    assert!(seen >= 2, "no country has this service");
}
