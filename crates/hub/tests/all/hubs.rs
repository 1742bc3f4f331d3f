//! Each hub's own form: from its target data to a folder that it takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::common::{Folder, day, folder, small};
use chrono::{Duration, NaiveDate};
use hub::{Backtest, Submission, backtest, profile_of};
use serde_norway::Value;

/// A hub with winter waves of some targets in some places; each publication has the weeks up to `gap` days before it.
fn waves(name: &str, targets: &[(&str, f64)], places: &[&str], first: NaiveDate, gap: i64) -> Folder {
    let hub = folder(name);
    let mut table = String::from("as_of,target,target_end_date,location,observation\n");
    for (target, size) in targets {
        for week in 0..121_i64 {
            let end = first + Duration::weeks(week);
            let as_of = end.max(first + Duration::weeks(116)) + Duration::days(gap);
            for (number, place) in places.iter().enumerate() {
                let wave = (-0.5 * (((week % 52) as f64 - 23.0) / 5.0).powi(2)).exp();
                let noise = 1.0 + 0.05 * ((week as usize * 7 + number) % 11) as f64 / 11.0;
                table += &format!("{as_of},{target},{end},{place},{}\n", size * (0.1 + wave) * noise);
            }
        }
    }
    fs::write(hub.join("target-data/time-series.csv"), table).unwrap();
    let mut list = String::from("abbreviation,location,location_name,population\n");
    places.iter().for_each(|p| list += &format!("{p},{p},{p},9000000\n"));
    fs::write(hub.join("auxiliary-data/locations.csv"), list).unwrap();
    hub
}

fn handed_in(hub: &Path, target: &str, origin: NaiveDate, website: Option<&str>) -> Result<(), String> {
    let profile = profile_of(target).unwrap();
    let mut recipe = (profile.recipe)();
    (recipe.gbq.bags, recipe.gbq.trees) = (1, 3);
    let card = format!("{}/../cards/model-cards/{}.toml", env!("CARGO_MANIFEST_DIR"), profile.card);
    let submission = Submission {
        out: hub.join("submission"),
        card: Some(card.into()),
        contributors: vec!["A Team; Institute; team@waves.example".parse()?],
        website: website.map(str::to_owned),
        licence: "CC-BY-4.0".into(),
    };
    let args = Backtest {
        target: target.into(),
        from: origin,
        to: origin,
        model: "Team-waves".into(),
        recipe: Some(recipe),
        submission: Some(submission),
        ..small(hub, &hub.join("out"))
    };
    backtest(&args, &mut Vec::new()).map(|_| ()).map_err(|e| e.to_string())
}

fn keys(hub: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(hub.join("submission/model-metadata/Team-waves.yml")).unwrap();
    let found: Value = serde_norway::from_str(&text).unwrap();
    found.as_mapping().unwrap().keys().map(|k| k.as_str().unwrap().to_owned()).collect()
}

const CDC: [&str; 14] = [
    "team_name",
    "team_abbr",
    "model_name",
    "model_abbr",
    "model_version",
    "model_contributors",
    "website_url",
    "license",
    "designated_model",
    "data_inputs",
    "methods",
    "methods_long",
    "ensemble_of_models",
    "ensemble_of_hub_models",
];

#[test]
fn both_targets_of_a_hub_of_the_cdc_go_into_one_file() {
    for (disease, places) in [("covid", ["01", "06", "36", "US"]), ("rsv", ["02", "48", "72", "US"])] {
        let targets = [format!("wk inc {disease} hosp"), format!("wk inc {disease} prop ed visits")];
        let sized = [(targets[0].as_str(), 400.0), (targets[1].as_str(), 0.02)];
        let hub = waves(disease, &sized, &places, day(2021, 8, 7), 4);
        let origin = day(2023, 11, 25);
        let none = handed_in(&hub, &targets[0], origin, None).unwrap_err();
        assert!(none.contains("wants the address of a website"), "{none}");
        for target in &targets {
            handed_in(&hub, target, origin, Some("https://waves.example")).unwrap();
        }
        // Once more: the rows of the other target stay, the own are replaced.
        handed_in(&hub, &targets[0], origin, Some("https://waves.example")).unwrap();
        let text =
            fs::read_to_string(hub.join("submission/model-output/Team-waves/2023-11-25-Team-waves.csv"))
                .unwrap();
        assert!(
            text.starts_with("reference_date,target,horizon,target_end_date,location,output_type,"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1 + 2 * 4 * 4 * 23, "{disease}");
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let weeks: i64 = cells[2].parse().unwrap();
            assert!((0..4).contains(&weeks) && targets.iter().any(|t| t == cells[1]), "{line}");
            assert_eq!(
                (cells[0], cells[3]),
                ("2023-11-25", (origin + Duration::weeks(weeks)).to_string().as_str())
            );
            let value: f64 = cells[7].parse().unwrap();
            assert!(value >= 0.0 && (value <= 1.0 || cells[1] == targets[0]), "{line}");
        }
        assert_eq!(keys(&hub), CDC.iter().map(|k| (*k).to_owned()).collect(), "{disease}");
    }
}

#[test]
fn respicast_counts_from_an_origin_date_and_asks_other_things_of_a_model() {
    let targets = [("ILI incidence", 300.0), ("ARI incidence", 2000.0)];
    let places = ["AT", "CH", "DE", "FR", "IT"];
    let hub = waves("respicast", &targets, &places, day(2021, 8, 8), 5);
    let origin = day(2023, 11, 22);
    for (target, _) in targets {
        handed_in(&hub, target, origin, None).unwrap();
    }
    let text =
        fs::read_to_string(hub.join("submission/model-output/Team-waves/2023-11-22-Team-waves.csv")).unwrap();
    assert!(text.starts_with("origin_date,target,horizon,target_end_date,location,"), "{text}");
    assert_eq!(text.lines().count(), 1 + 2 * 5 * 4 * 23);
    for (horizon, end) in [(1, "2023-11-19"), (2, "2023-11-26"), (4, "2023-12-10")] {
        let row = format!("2023-11-22,ILI incidence,{horizon},{end},FR,quantile,0.5,");
        assert!(text.lines().any(|l| l.starts_with(&row)), "{row}");
    }
    let wanted = [
        "team_name",
        "team_abbr",
        "model_name",
        "model_abbr",
        "model_version",
        "model_contributors",
        "team_model_designation",
        "license",
        "data_inputs",
        "methods",
        "methods_long",
    ];
    assert_eq!(keys(&hub), wanted.iter().map(|k| (*k).to_owned()).collect());
    let read = hub::read_model_output(&hub.join("submission/model-output")).unwrap();
    assert_eq!(read["Team-waves"].quantiles.len(), 2 * 5 * 4);
}

#[test]
fn a_place_that_the_hub_has_not_is_refused_before_a_file_is_written() {
    let hub =
        waves("elsewhere", &[("wk inc covid hosp", 400.0)], &["01", "06", "66", "US"], day(2021, 8, 7), 4);
    let said =
        handed_in(&hub, "wk inc covid hosp", day(2023, 11, 25), Some("https://waves.example")).unwrap_err();
    assert!(
        said.contains("CDCgov/covid19-forecast-hub would refuse it") && said.contains("no location `66`"),
        "{said}"
    );
    assert!(!hub.join("submission/model-output").exists());
}
