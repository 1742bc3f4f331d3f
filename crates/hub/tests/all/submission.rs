//! What is handed in to each hub, and how its files are read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{day, small, waves};
use chrono::Duration;
use epimodels::trend::{CLASSES, Thresholds, trend};
use hub::{Backtest, Submission, backtest, read_model_output};
use serde_norway::Value;

const CARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cards/model-cards/vigie-pool-us.toml");

fn handed_in(hub: &Path, model: &str) -> Result<PathBuf, String> {
    let out = hub.join("submission");
    let submission = Submission {
        out: out.clone(),
        card: Some(CARD.into()),
        website: Some("https://waves.example".into()),
        contributors: vec!["A \"Wave\" Team; Institute; team@waves.example".parse()?],
        licence: "CC-BY-4.0".into(),
    };
    let args = Backtest {
        submission: Some(submission),
        model: model.into(),
        to: day(2023, 11, 18),
        ..small(hub, &hub.join("out"))
    };
    backtest(&args, &mut Vec::new()).map_err(|e| e.to_string())?;
    Ok(out)
}

#[test]
fn counts_and_classes_stand_in_one_file_and_are_read_as_they_were_written() {
    let hub = waves("submission", "");
    let out = handed_in(&hub, "Team-waves").unwrap();
    let file = out.join("model-output/Team-waves/2023-11-18-Team-waves.csv");
    let text = fs::read_to_string(&file).unwrap();
    let counts =
        fs::read_to_string(hub.join("out/model-output/Team-waves/2023-11-18-Team-waves.csv")).unwrap();
    assert!(text.starts_with(&counts), "the counts are those of the backtest");
    assert_eq!(text.lines().count(), 1 + 4 * 4 * (23 + 5));
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for line in text.lines().skip(1).filter(|l| l.contains(",pmf,")) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!((cells[0], cells[1]), ("2023-11-18", "wk flu hosp rate change"));
        let end = day(2023, 11, 18) + Duration::weeks(cells[2].parse().unwrap());
        assert_eq!(cells[3], end.to_string());
        assert!(CLASSES.contains(&cells[6]), "{line}");
        *sums.entry(format!("{}/{}", cells[4], cells[2])).or_default() += cells[7].parse::<f64>().unwrap();
    }
    assert_eq!(sums.len(), 16);
    assert!(sums.values().all(|sum| (sum - 1.0).abs() < 1e-12), "{sums:?}");

    let read = read_model_output(&out.join("model-output")).unwrap();
    let ours = &read["Team-waves"];
    assert_eq!((ours.quantiles.len(), ours.classes.len()), (16, 16));
    let (task, classes) = ours.classes.iter().find(|(t, _)| t.location == "06" && t.horizon == 3).unwrap();
    assert_eq!(task.target_end_date, day(2023, 12, 9));
    let published = fs::read_to_string(hub.join("target-data/time-series.csv")).unwrap();
    let base =
        published.lines().find_map(|l| l.strip_prefix("2023-11-15,wk inc flu hosp,2023-11-11,06,")).unwrap();
    // FluSight's thresholds of that season, four weeks ahead.
    let thresholds = Thresholds { stable: 2.5, large: 5.0 };
    let quantiles = ours.quantiles.iter().find(|(t, _)| t.location == "06" && t.horizon == 3).unwrap().1;
    let wanted = trend(quantiles, base.parse().unwrap(), 39e6, thresholds).probabilities();
    assert!(classes.iter().zip(wanted).all(|(p, w)| (p - w).abs() < 1e-4), "{classes:?}, not {wanted:?}");
    assert!(wanted.iter().any(|p| (0.001..0.999).contains(p)), "a forecast that is sure tests little");
}

#[test]
fn the_metadata_has_what_flusight_requires() {
    let hub = waves("metadata", "");
    let out = handed_in(&hub, "Team-waves").unwrap();
    let text = fs::read_to_string(out.join("model-metadata/Team-waves.yml")).unwrap();
    let found: Value = serde_norway::from_str(&text).unwrap();
    // hub-config/model-metadata-schema.json of FluSight-forecast-hub.
    let required = [
        "team_name",
        "team_abbr",
        "model_name",
        "model_abbr",
        "model_contributors",
        "license",
        "designated_model",
        "data_inputs",
        "methods",
        "methods_long",
        "ensemble_of_models",
        "ensemble_of_hub_models",
        "website_url",
    ];
    for field in required {
        assert!(found.get(field).is_some_and(|v| v.as_str() != Some("")), "{field}: {text}");
    }
    assert_eq!((found["team_abbr"].as_str(), found["model_abbr"].as_str()), (Some("Team"), Some("waves")));
    assert!(found["methods"].as_str().unwrap().chars().count() <= 200);
    assert_eq!(
        (found["ensemble_of_models"].as_bool(), found["ensemble_of_hub_models"].as_bool()),
        (Some(true), Some(false))
    );
    let who = &found["model_contributors"][0];
    assert_eq!(
        (who["name"].as_str(), who["email"].as_str()),
        (Some("A \"Wave\" Team"), Some("team@waves.example"))
    );
}

#[test]
fn a_name_that_the_hub_refuses_is_refused_before_anything_is_computed() {
    let hub = waves("refused", "");
    for wrong in ["Waves", "Team-waves-2", "Team-a_name_of_sixteen", "Team-w aves"] {
        assert!(handed_in(&hub, wrong).unwrap_err().contains("TEAM-MODEL"), "{wrong}");
    }
    assert!(!hub.join("out").exists());
}

#[test]
fn a_file_with_targets_of_other_kinds_is_read_for_those_that_are_known() {
    let hub = waves("others", "");
    let folder = hub.join("model-output/Team-other");
    fs::create_dir_all(&folder).unwrap();
    let mut text = String::from(
        "reference_date,location,horizon,target,target_end_date,output_type,output_type_id,value\n",
    );
    for level in epimodels::LEVELS {
        text += &format!("2023-11-18,US,NA,peak inc flu hosp,NA,quantile,{level},900\n");
        text += &format!("2023-11-18,US,0,wk inc flu hosp,2023-11-18,quantile,{level},90\n");
    }
    text += "2023-11-18,US,NA,peak week inc flu hosp,NA,pmf,2023-12-30,0.5\n";
    for (class, p) in CLASSES.iter().zip([0.1, 0.2, 0.3, 0.3, 0.1]) {
        text += &format!("2023-11-18,US,1,wk flu hosp rate change,2023-11-25,pmf,{class},{p}\n");
    }
    // Classes that do not sum to 1 are no forecast.
    text += "2023-11-18,US,2,wk flu hosp rate change,2023-12-02,pmf,stable,0.4\n";
    fs::write(folder.join("2023-11-18-Team-other.csv"), text).unwrap();
    let read = read_model_output(&hub.join("model-output")).unwrap();
    let other = &read["Team-other"];
    assert_eq!((other.quantiles.len(), other.classes.len()), (1, 1));
    assert_eq!(other.classes.values().next(), Some(&[0.1, 0.2, 0.3, 0.3, 0.1]));
}
