//! The command `score`: what a card and the table of spread need of a hub.

use std::fs;
use std::path::Path;

use clap::Parser;
use hub::cli::ScoreArgs;

use crate::common::{Folder, waves};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    score: ScoreArgs,
}

/// A hub with two models that say one number each, for two places.
fn said_by_two(name: &str) -> Folder {
    let hub = waves(name, "");
    for (model, value) in [("Seven", 7), ("Eight", 8)] {
        let mut rows = String::from(
            "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n",
        );
        for level in epimodels::LEVELS {
            for place in ["01", "06"] {
                rows +=
                    &format!("2023-11-18,wk inc flu hosp,0,2023-11-18,{place},quantile,{level},{value}\n");
            }
        }
        let folder = hub.join("model-output").join(model);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("2023-11-18-{model}.csv")), rows).unwrap();
    }
    hub
}

/// What `score` with these further words prints.
fn score(hub: &Path, more: &[&str]) -> Result<String, String> {
    let [models, out] = ["model-output", "scores.csv"].map(|name| hub.join(name).display().to_string());
    let hub = hub.display().to_string();
    let words = ["score", "--hub", &hub, "--model-output", &models, "--out", &out];
    let mut said = Vec::new();
    let args = Program::try_parse_from(words.iter().chain(more)).unwrap().score;
    args.run(&mut said).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(said).unwrap())
}

/// As [`score`], with the card of `Seven`; then the text of its table.
fn card(hub: &Path, more: &[&str]) -> Result<(String, String), String> {
    let path = hub.join("card.csv").display().to_string();
    let words = ["--baseline", "Eight", "--card-model", "Seven", "--card-command", "make", "--card", &path];
    let said = score(hub, &[&words, more].concat())?;
    Ok((said, fs::read_to_string(path).unwrap()))
}

#[test]
fn a_card_says_the_day_of_its_truth_and_there_is_none_without_it() {
    let hub = said_by_two("card");
    let (_, table) = card(&hub, &[]).unwrap();
    assert!(table.lines().skip(1).all(|row| row.contains(",2023-12-20,Eight,make")), "{table}");
    fs::remove_file(hub.join("card.csv")).unwrap();
    let series = hub.join("target-data/time-series.csv");
    let dated = fs::read_to_string(&series).unwrap();
    let last = dated.lines().filter_map(|row| row.strip_prefix("2023-12-20,"));
    let rows: Vec<&str> = last.collect();
    fs::write(&series, format!("target,target_end_date,location,observation\n{}\n", rows.join("\n")))
        .unwrap();
    assert!(score(&hub, &[]).unwrap().contains("Seven"), "without a card it is scored");
    let refused = card(&hub, &[]).unwrap_err();
    assert!(refused.contains("has no day of publication (a column `as_of`)"), "{refused}");
    assert!(!hub.join("card.csv").exists());
}

#[test]
fn a_hub_without_a_list_of_places_has_those_of_flusight_and_a_list_that_is_broken_is_told_first() {
    let hub = said_by_two("unlisted");
    let spread = hub.join("spread.csv").display().to_string();
    let rows = || fs::read_to_string(&spread).unwrap().lines().count();
    let list = hub.join("auxiliary-data/locations.csv");
    let (said, listed) = card(&hub, &["--spread", &spread]).unwrap();
    assert!(!said.contains("FluSight") && listed.contains(",US-CA,") && rows() == 1 + 4, "{said}{listed}");
    fs::remove_file(&list).unwrap();
    let (said, unlisted) = card(&hub, &["--spread", &spread]).unwrap();
    let note = "no auxiliary-data/locations.csv: the places and populations of FluSight, 2024-25\n";
    assert!(said.matches(note).count() == 1 && unlisted == listed && rows() == 1 + 4, "{said}{unlisted}");
    let whole = "location,population\n01,\n06,39000000\nUS,44700000\n";
    fs::write(&list, whole).unwrap();
    let said = score(&hub, &["--spread", &spread]).unwrap();
    assert!(said.contains("gives no population of 01: those of FluSight") && rows() == 1 + 4, "{said}");
    fs::write(&list, "code\n01\n").unwrap();
    fs::remove_file(hub.join("scores.csv")).unwrap();
    for more in [["--spread", &spread].as_slice(), &[]] {
        let refused =
            if more.is_empty() { card(&hub, more).map(|_| ()) } else { score(&hub, more).map(|_| ()) };
        assert!(refused.unwrap_err().contains("locations.csv: has no column `location`"));
        assert!(!hub.join("scores.csv").exists(), "said before the scoring");
    }
}
