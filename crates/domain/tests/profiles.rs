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

/// What is said of a profile in which `to` stands wherever `from` stood.
#[expect(clippy::expect_used, reason = "a test may fail; clippy sees no test in a helper")]
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    CountryProfile::parse(&text.replace(from, to)).expect_err(to).to_string()
}

#[test]
fn one_figure_has_one_source_and_a_nested_level_is_a_level() {
    let (_, text) = profiles().into_iter().find(|(folder, _)| folder == "us").unwrap();
    let error = |from: &str, to: &str| changed(&text, from, to);
    let twice = error("further_sources = [\"cdc-nhsn\"]", "further_sources = [\"cdc-flusight\"]");
    assert!(twice.contains("flu_hosp_admissions names cdc-flusight twice"), "{twice}");
    let level = error("nested_levels = [\"county\"]", "nested_levels = [\"parish\"]");
    assert!(level.contains("unknown level parish"), "{level}");
    let profile = CountryProfile::parse(&text).unwrap();
    assert_eq!(profile.listed_levels().collect::<Vec<_>>(), ["state"]);
    let signal = profile.signal(&profile.main_signal).unwrap();
    let nhsn = "cdc-nhsn".parse().unwrap();
    assert_eq!(signal.source_among("state", Some(&nhsn)), Some(&nhsn));
    assert_eq!(signal.source_among("county", Some(&nhsn)), None, "nobody publishes it there");
    assert_eq!(signal.source_among("state", None).unwrap().as_str(), "cdc-flusight");
    let names: Vec<_> = signal.all_sources().map(ToString::to_string).collect();
    assert_eq!(names, ["cdc-flusight", "cdc-nhsn"]);
}

#[test]
fn figures_that_go_on_after_their_declared_end_have_not_ended() {
    let (_, text) = profiles().into_iter().find(|(folder, _)| folder == "us").unwrap();
    let profile = CountryProfile::parse(&text).unwrap();
    let deaths = profile.signal(&"flu_deaths_weekly".parse().unwrap()).unwrap();
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let end = Some(day("2020-09-09"));
    assert_eq!(deaths.ended_by(day("2025-07-30"), Some(day("2020-09-05"))), end);
    assert_eq!(deaths.ended_by(day("2025-07-30"), None), end);
    assert_eq!(deaths.ended_by(day("2025-07-30"), Some(day("2025-07-26"))), None);
    assert_eq!(deaths.ended_by(day("2020-09-08"), Some(day("2020-08-29"))), None);
}

#[test]
fn a_provider_that_cannot_be_trusted_or_told_apart_is_refused() {
    let (_, text) = profiles().into_iter().find(|(folder, _)| folder == "fr").unwrap();
    for (from, to, said) in [
        ("https://oidc.franceconnect", "http://oidc.franceconnect", "must begin with https://"),
        ("id = \"france-connect\"", "id = \"pro-connect\"", "pro-connect is there twice"),
        ("id = \"france-connect\"", "id = \"France Connect\"", "write a word of a-z"),
        ("acr_values = [\"eidas1\", \"eidas2\", \"eidas3\"]", "acr_values = []", "names no acr_values"),
        ("idle_minutes = 30", "idle_minutes = 0", "0 idle minutes of 12 hours"),
        ("idle_minutes = 30", "idle_minutes = 1440", "1440 idle minutes of 12 hours"),
        ("client_auth = \"client_secret_post\"", "client_auth = \"none\"", "client_auth"),
    ] {
        let error = changed(&text, from, to);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn settings_of_api_keys_that_contradict_themselves_are_refused() {
    let (_, text) = profiles().into_iter().find(|(folder, _)| folder == "us").unwrap();
    for (from, to, said) in [
        (
            "owner_per_minute = 12000",
            "owner_per_minute = 5999",
            "an owner's 5999 a minute are fewer than the 6000",
        ),
        ("\nper_minute = 6000", "\nper_minute = 0", "it needs scopes"),
        ("overlap_hours = 24", "overlap_hours = 9000", "365 days with 9000 hours"),
        ("\nowner_per_minute = 12000", "", "owner_per_minute"),
    ] {
        let error = changed(&text, from, to);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_security_contact_is_an_address_that_security_txt_may_carry() {
    for (folder, text) in profiles() {
        let with = |contact: &str| {
            let line = format!("security_contact = \"{contact}\"");
            CountryProfile::parse(&text.replace("security_contact = \"unset\"", &line))
        };
        for good in [
            "unset",
            "security@operator.test",
            "https://operator.test/security",
            "tel:+41-0",
            "mailto:a@b.test",
        ] {
            assert!(with(good).is_ok(), "{folder}: {good}");
        }
        for bad in [
            "the security team",
            "http://operator.test/",
            "javascript:alert(1)",
            "@b.test",
            "a@b",
            "https://",
            "",
        ] {
            let error = with(bad).expect_err(bad).to_string();
            assert!(error.contains("legal.security_contact"), "{error}");
        }
        assert!(
            with("a@b.test\\nExpires: 2099-01-01T00:00:00Z").is_err(),
            "no line of the file is written by a contact"
        );
    }
}

#[test]
fn rules_of_incidents_that_contradict_themselves_are_refused() {
    let (_, text) = profiles().into_iter().find(|(folder, _)| folder == "fr").unwrap();
    assert!(CountryProfile::parse(&text).is_ok());
    for (old, new, wanted) in [
        ("id = \"personnes\"", "id = \"cnil\"", "authority `cnil` is no word"),
        ("alert_hours = [24, 48, 66]", "alert_hours = [24, 48, 72]", "ascend to before due_hours"),
        ("alert_hours = [24, 48, 66]", "alert_hours = [48, 24]", "ascend to before due_hours"),
        ("due_hours = 72", "due_hours = 0", "ascend to before due_hours"),
        ("name.fr = \"CNIL", "name.de = \"CNIL", "is not in every language"),
        ("label.fr = \"Nature", "label.en = \"Nature", "the label of field nature"),
        ("from = \"publisher\"", "from = \"minister\"", "legal.minister, which is not there"),
        ("fields = [\"controller\"", "fields = [\"colour\"", "asks colour, which is no field"),
        ("involves = [\"high_risk\"]", "involves = []", "does not say in words"),
        ("due_hours = 72", "due_days = 3", "unknown field `due_days`"),
    ] {
        assert!(text.contains(old), "{old}");
        let error = CountryProfile::parse(&text.replacen(old, new, 1)).expect_err(new).to_string();
        assert!(error.contains(wanted), "{new}: {error}");
    }
}

#[test]
fn a_delay_has_positive_days_and_says_where_it_was_read() {
    let (_, text) = profiles().into_iter().find(|(folder, _)| folder == "us").unwrap();
    let error = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        CountryProfile::parse(&text.replacen(from, to, 1)).expect_err(to).to_string()
    };
    let negative = error("report_days = [3.3, 4.2]", "report_days = [-3.3, 4.2]");
    let wanted = "signal flu_hosp_admissions, forecast: the mean of reporting.report_days is -3.3";
    assert!(negative.contains(wanted) && negative.contains("between 0 and 30"), "{negative}");
    let none = error("report_days = [3.3, 4.2]", "report_days = [3.3, 0.0]");
    assert!(none.contains("the deviation of reporting.report_days is 0"), "{none}");
    let short = error("serial_interval_days = [2.6, 1.5]", "serial_interval_days = [0.9, 1.5]");
    assert!(short.contains("serial_interval_days is 0.9, and must lie between 1 and 30"), "{short}");
    let nowhere = error("incubation_source = \"Lessler", "incubation_source = \" \" # \"Lessler");
    assert!(nowhere.contains("reporting.incubation_source is empty"), "{nowhere}");
    let unknown = error("report_days", "reports_days");
    assert!(unknown.contains("reports_days"), "{unknown}");
    for (folder, text) in profiles() {
        let profile = CountryProfile::parse(&text).unwrap();
        let plans = profile.signals.iter().filter_map(|s| Some((&s.id, s.forecast.as_ref()?)));
        for (id, plan) in plans {
            assert!(plan.reporting.is_some(), "{folder}: {id} has no delay");
        }
    }
}
