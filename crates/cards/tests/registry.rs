//! The registry against the repository: profiles, sources, the tables of scores, the page that quotes them, and tests
//! that are named as proofs.
#![expect(clippy::unwrap_used, reason = "a test may end loudly")]

use cards::table::{ALL_PLACES, Row};
use cards::{Answers, Card, LANGUAGES, library, uses};
use domain::CountryProfile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn countries() -> Vec<CountryProfile> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("clusters")).unwrap() {
        if let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("profile/profile.toml")) {
            found.push(CountryProfile::parse(&text).unwrap());
        }
    }
    assert!(found.len() >= 3);
    found
}

#[test]
fn every_language_of_a_country_has_every_field_of_every_card() {
    assert!(library().cards.len() >= 4);
    for profile in countries() {
        for language in &profile.languages {
            let code = language.code.as_str();
            assert!(
                LANGUAGES.contains(&code),
                "no card has texts in {code}, a language of {}",
                profile.country
            );
            for card in &library().cards {
                for field in cards::format::OWN {
                    assert!(
                        !card.texts[code].fields[field].parts().concat().is_empty(),
                        "{} {field}",
                        card.id
                    );
                }
            }
            assert!(library().common.contains_key(code) && library().words.contains_key(code));
        }
    }
}

#[test]
fn every_country_has_a_card_for_every_forecast_that_it_plans() {
    for profile in countries() {
        for signal in profile.signals.iter().filter(|s| s.forecast.is_some()) {
            let cards: Vec<&str> =
                library().cards.iter().filter(|c| uses(c, &profile, signal)).map(|c| c.id.as_str()).collect();
            assert_eq!(cards.len(), 2, "{}: {} has a forecast and Rt: {cards:?}", profile.country, signal.id);
        }
    }
}

#[test]
fn every_source_of_a_card_is_in_the_extract_or_comes_live() {
    let known = std::fs::read_to_string(root().join("data/sources.csv")).unwrap();
    let page = std::fs::read_to_string(root().join("docs/data.md")).unwrap();
    for card in &library().cards {
        for source in &card.sources {
            let carried = known.lines().any(|l| l.starts_with(&format!("{source},")));
            let live = page.contains(&format!("| {source} | live only |"));
            assert!(carried || live, "{}: {source}", card.id);
        }
    }
}

#[test]
fn every_test_that_is_named_as_a_proof_exists() {
    for row in &library().requirements {
        for test in &row.tests {
            let (file, name) = test.split_once("::").unwrap();
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert!(text.contains(&format!("fn {name}(")), "{}: {test} is not there", row.id);
        }
    }
}

#[test]
fn articles_13_and_50_and_the_six_areas_are_answered_line_by_line() {
    let references: Vec<&str> = library().requirements.iter().map(|r| r.reference.as_str()).collect();
    for wanted in ["13(1)", "13(2)", "13(3)(a)", "13(3)(c)", "13(3)(d)", "13(3)(e)", "13(3)(f)"] {
        assert!(references.contains(&wanted), "{wanted}");
    }
    for roman in ["i", "ii", "iii", "iv", "v", "vi", "vii"] {
        assert!(references.contains(&format!("13(3)(b)({roman})").as_str()), "{roman}");
    }
    for paragraph in 1..=7 {
        assert!(references.iter().any(|r| r.starts_with(&format!("50({paragraph})"))), "50({paragraph})");
    }
    for area in 1..=6 {
        assert!(library().requirements.iter().any(|r| r.group == format!("who-{area}")), "area {area}");
    }
}

/// By target and season: the rows of all places together, and those of single ones.
type Seasons<'a> = BTreeMap<(&'a str, &'a str), (Vec<&'a Row>, Vec<&'a Row>)>;

fn seasons(card: &Card) -> Seasons<'_> {
    let mut all = Seasons::new();
    for row in &card.table {
        let of = all.entry((&row.target, &row.season)).or_default();
        if row.place == ALL_PLACES { of.0.push(row) } else { of.1.push(row) }
    }
    all
}

#[test]
fn the_row_of_all_places_is_the_mean_of_the_places() {
    let mut seen = 0;
    for card in &library().cards {
        for ((target, season), (all, places)) in seasons(card) {
            let of = format!("{} {target} {season}", card.id);
            let [all] = all[..] else { panic!("{of}: one row of all places") };
            let tasks: u64 = places.iter().map(|r| r.tasks).sum();
            assert_eq!(all.tasks, tasks, "{of}");
            let mean =
                |f: fn(&Row) -> f64| places.iter().map(|r| r.tasks as f64 * f(r)).sum::<f64>() / tasks as f64;
            let close = |a: f64, b: f64| (a - b).abs() <= 2e-4 * b.abs().max(1.0);
            assert!(close(all.wis, mean(|r| r.wis)), "{of}: {} {}", all.wis, mean(|r| r.wis));
            assert!(close(all.baseline_wis, mean(|r| r.baseline_wis)), "{of}");
            assert!(close(all.relative_wis, mean(|r| r.wis) / mean(|r| r.baseline_wis)), "{of}");
            for f in [|r: &Row| r.coverage_50, |r: &Row| r.coverage_80, |r: &Row| r.coverage_95] {
                assert!(close(f(all), mean(f)), "{of}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} seasons");
}

/// `**.537**` or `.537` as a number.
fn number(cell: &str) -> Option<f64> {
    cell.trim().trim_matches('*').parse().ok()
}

#[test]
fn the_tables_say_what_the_page_of_the_trials_says() {
    let text = std::fs::read_to_string(root().join("docs/forecast/trials.md")).unwrap();
    let us = library().card("vigie-pool-us").unwrap();
    for ((_, season), (all, _)) in seasons(us) {
        let table =
            text.split(&format!("\n| {season}")).nth(1).unwrap_or_else(|| panic!("no table of {season}"));
        let row = table.lines().find(|l| l.starts_with("| **ours**")).unwrap();
        let cells: Vec<f64> = row.split('|').skip(2).take(5).filter_map(number).collect();
        let found = [
            all[0].relative_wis,
            all[0].relative_wis_log1p,
            all[0].coverage_50,
            all[0].coverage_80,
            all[0].coverage_95,
        ];
        for ((page, table), digits) in cells.iter().zip(found).zip([0.001, 0.001, 0.006, 0.006, 0.006]) {
            assert!((page - table).abs() <= digits, "{season}: the page says {page}, the card {table}");
        }
        assert_eq!(cells.len(), 5, "{row}");
    }
    let europe = library().card("vigie-pool-europe").unwrap();
    let part = text.split("## RespiCast").nth(1).unwrap();
    let heads: Vec<&str> = part.lines().find(|l| l.starts_with("| | ")).unwrap().split('|').skip(2).collect();
    let ours: Vec<&str> =
        part.lines().find(|l| l.starts_with("| **ours**")).unwrap().split('|').skip(2).collect();
    let mut seen = 0;
    for (head, cell) in heads.iter().zip(ours) {
        let [place, target, years] = head.split_whitespace().collect::<Vec<_>>()[..] else { continue };
        let row = europe
            .table
            .iter()
            .find(|r| r.place == place && r.target.starts_with(target) && r.season == format!("20{years}"));
        let row = row.unwrap_or_else(|| panic!("{head} is not in the card's table"));
        let bare = cell.trim().trim_matches('*').replace([')'], "");
        let (relative, log) = bare.split_once(" (").unwrap();
        for (page, table) in [(relative, row.relative_wis), (log, row.relative_wis_log1p)] {
            let page: f64 = page.parse().unwrap();
            assert!((page - table).abs() <= 0.001, "{head}: the page says {page}, the card {table}");
        }
        seen += 1;
    }
    assert_eq!(seen, 5, "the page has five cells");
}

/// `2023-24 · 2024-25` of a row, or the season of the date that its head begins with.
fn seasons_of(head: &str) -> Vec<String> {
    let named = head.split([',', ' ']).filter(|w| w.len() == 7 && w.starts_with("20"));
    let named: Vec<String> = named.map(str::to_owned).collect();
    if named.is_empty() { vec!["2024-25".to_owned()] } else { named }
}

#[test]
fn the_tables_of_covid_rsv_and_visits_say_what_the_page_says() {
    let text = std::fs::read_to_string(root().join("docs/forecast/trials.md")).unwrap();
    let part = text.split("## COVID-19, RSV and emergency visits").nth(1).unwrap();
    let (mut tables, mut beside) = (0, 0);
    for line in part.lines().take_while(|l| !l.starts_with("**")).filter(|l| l.starts_with("| `wk inc ")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (target, _) = cells[1].trim_start_matches('`').split_once('`').unwrap();
        let card = match target.split(' ').nth(2).unwrap() {
            "flu" => "vigie-pool-us-flu-visits".to_owned(),
            disease => format!("vigie-pool-us-{disease}"),
        };
        let card = library().card(&card).unwrap();
        let column = |i: usize| {
            let of: Vec<&str> = cells[i].split('·').map(|c| c.trim().trim_matches('*').trim()).collect();
            of.iter().map(|c| c.replace(',', "").parse::<f64>().unwrap()).collect::<Vec<_>>()
        };
        let columns: Vec<Vec<f64>> = (2..8).map(column).collect();
        if line.contains("prop ed visits") && line.contains(", vintages") {
            // The same target and season as a row of the table: it stands beside it.
            let says = columns.iter().skip(1).map(|c| c[0]);
            let value: Vec<f64> =
                card.texts["en"].measured[0].value.split([',', ';', ' ']).filter_map(number).collect();
            assert_eq!(says.collect::<Vec<_>>(), value, "{line}");
            beside += 1;
            continue;
        }
        for (i, season) in seasons_of(cells[1]).iter().enumerate() {
            let row = card
                .table
                .iter()
                .find(|r| r.target == target && r.season == *season && r.place == ALL_PLACES)
                .unwrap_or_else(|| panic!("{target} {season} is not in the card's table"));
            let found = [
                row.tasks as f64,
                row.relative_wis,
                row.relative_wis_log1p,
                row.coverage_50,
                row.coverage_80,
                row.coverage_95,
            ];
            for ((page, table), digits) in
                columns.iter().zip(found).zip([0.0, 0.0006, 0.0006, 0.006, 0.006, 0.006])
            {
                assert!((page[i] - table).abs() <= digits, "{target} {season}: {} and {table}", page[i]);
            }
            tables += 1;
        }
    }
    assert_eq!((tables, beside), (8, 2));
}

/// Weeks from one fit to the next wherever a text tells them: `fitted every fourth week`, `fitted at every date`.
fn told(text: &str) -> BTreeSet<u32> {
    let weeks = |rest: &str| {
        let word = rest.split([' ', ',', ';', '.']).next().unwrap();
        let known = [("week", 1), ("date", 1), ("second", 2), ("third", 3), ("fourth", 4)];
        known.iter().find(|(name, _)| *name == word).map(|(_, weeks)| *weeks).unwrap()
    };
    text.replace("fitted at every", "fitted every").split("fitted every ").skip(1).map(weeks).collect()
}

/// What `--refit-every` says in a command; every date where it is not there.
fn refits(command: &str) -> u32 {
    let Some((_, rest)) = command.split_once("--refit-every") else { return 1 };
    rest.trim_start_matches(['=', ' ']).split([' ', ',']).next().unwrap().parse().unwrap()
}

#[test]
fn a_card_tells_how_often_its_model_was_fitted_as_its_commands_do() {
    assert_eq!(told("fitted at every date; those of 2023 fitted every fourth week; the"), [1, 4].into());
    assert_eq!(refits("vigie backtest --to 2025-05-31 --refit-every 4, vigie score"), 4);
    let mut seen = 0;
    for card in library().cards.iter().filter(|c| c.answers == Answers::Forecast) {
        let texts = &card.texts["en"];
        let said = ["method", "table", "limits"].map(|f| texts.fields[f].parts().concat()).concat();
        let below = texts.measured.iter().filter_map(|m| m.how.as_deref());
        let commands: Vec<&str> = card.table.iter().map(|r| r.command.as_str()).chain(below).collect();
        let used: BTreeSet<u32> = commands.iter().map(|command| refits(command)).collect();
        assert_eq!(told(&said), used, "{}: what its texts tell, and what its commands do", card.id);
        seen += commands.len();
    }
    assert!(seen > 100, "{seen} commands");
}

#[test]
fn french_has_its_spaces_and_swiss_german_no_sharp_s() {
    let folder = root().join("crates/cards/model-cards");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        // Comments and keys are no French.
        let texts = text.lines().filter_map(|l| l.split_once('"').map(|(_, rest)| rest));
        for line in texts {
            if name.ends_with(".fr.toml") {
                for mark in [" :", " ;", " !", " ?", " »", "« ", " %"] {
                    assert!(!line.contains(mark), "{name}: `{mark}` wants a no-break space: {line}");
                }
                assert!(!line.contains('\''), "{name}: straight apostrophe: {line}");
            }
            assert!(!name.ends_with(".de.toml") || !line.contains('ß'), "{name}: {line}");
        }
    }
}
