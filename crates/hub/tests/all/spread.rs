//! Forecasts of spread: what is known, what came, and what they score.

use std::fs;
use std::path::Path;

use crate::common::{day, waves};
use chrono::Duration;
use hub::{ScoreSpread, ScoredSpread, Spread, score_spread};

/// The published value of a place in the week that ended `weeks` after 2023-11-11.
fn published(hub: &Path, place: &str, weeks: i64) -> f64 {
    let end = day(2023, 11, 11) + Duration::weeks(weeks);
    let text = fs::read_to_string(hub.join("target-data/time-series.csv")).unwrap();
    let start = format!("2023-12-20,wk inc flu hosp,{end},{place},");
    text.lines().find_map(|l| l.strip_prefix(&start)).unwrap().parse().unwrap()
}

/// The scores of a model that is sure of the truth of California.
fn of_the_sure(name: &str, extra: &str, own: &str) -> Vec<Spread> {
    scored(name, extra, own).rows
}

/// Scores that model, which gives `own` as its classes where there are some.
fn scored(name: &str, extra: &str, own: &str) -> ScoredSpread {
    let hub = waves(name, extra);
    let folder = hub.join("model-output/Team-sure");
    fs::create_dir_all(&folder).unwrap();
    let mut text = String::from(
        "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n",
    );
    for horizon in 0..4 {
        let end = day(2023, 11, 18) + Duration::weeks(horizon);
        let truth = published(&hub, "06", horizon + 1);
        for level in epimodels::LEVELS {
            text += &format!("2023-11-18,wk inc flu hosp,{horizon},{end},06,quantile,{level},{truth}\n");
        }
    }
    fs::write(folder.join("2023-11-18-Team-sure.csv"), text + own).unwrap();
    let out = hub.join("spread.csv");
    let model_output = vec![hub.join("model-output")];
    let args = ScoreSpread {
        hub: hub.to_path_buf(),
        model_output,
        truth_as_of: None,
        horizons: (0, 3),
        out: out.clone(),
    };
    let found = score_spread(&args).unwrap();
    let table = fs::read_to_string(out).unwrap();
    assert_eq!(table.lines().count(), 1 + found.rows.len());
    assert!(
        table.starts_with(
            "model,reference_date,target,horizon,target_end_date,location,large_decrease,decrease"
        )
    );
    found
}

#[test]
fn who_knows_the_truth_is_right_about_its_class_and_earlier_seasons_are_less_sure() {
    let rows = of_the_sure("sure", "", "");
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert_eq!(row.classes[row.class], 1.0, "{row:?}");
        assert!(row.rises.happened && row.rises.probability == 1.0 && row.arrives.is_none(), "{row:?}");
        let sum: f64 = row.climatology.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12 && row.climatology.iter().all(|p| *p > 0.0));
        // Two earlier autumns of four places rose as this one does.
        assert!((0.9..1.0).contains(&row.rises.climatology), "{row:?}");
    }
}

#[test]
fn what_is_published_too_late_or_in_this_season_does_not_change_what_is_said() {
    // The base week and a week of the season before, as they are published the day after what may be used.
    let late = "2023-11-17,wk inc flu hosp,2022-11-12,06,1\n2023-11-17,wk inc flu hosp,2023-11-11,06,1\n";
    let said = |rows: Vec<Spread>| -> Vec<([f64; 5], f64, f64)> {
        rows.iter().map(|r| (r.climatology, r.rises.climatology, r.rises.probability)).collect()
    };
    assert_eq!(said(of_the_sure("spread-clean", "", "")), said(of_the_sure("spread-late", late, "")));
}

#[test]
fn classes_that_a_model_gives_itself_count_before_those_of_its_quantiles() {
    let mut own = String::new();
    for (class, p) in epimodels::trend::CLASSES.iter().zip([0.5, 0.2, 0.1, 0.1, 0.1]) {
        own += &format!("2023-11-18,wk flu hosp rate change,1,2023-11-25,06,pmf,{class},{p}\n");
    }
    let rows = of_the_sure("spread-own", "", &own);
    let at = |h: i32| rows.iter().find(|r| r.task.horizon == h).unwrap();
    assert_eq!(at(1).classes, [0.5, 0.2, 0.1, 0.1, 0.1]);
    assert_eq!(at(2).classes[at(2).class], 1.0);
}

#[test]
fn classes_that_are_no_forecast_are_left_out_and_named_and_not_replaced_by_those_of_the_quantiles() {
    let class =
        |class: &str, p: f64| format!("2023-11-18,wk flu hosp rate change,1,2023-11-25,06,pmf,{class},{p}\n");
    let given = |all: [f64; 5]| -> String {
        epimodels::trend::CLASSES.iter().zip(all).map(|(name, p)| class(name, p)).collect()
    };
    let twice = given([0.5, 0.2, 0.1, 0.1, 0.1]) + &class("stable", 0.1);
    for (own, why) in [
        (given([1.5, 0.0, 0.0, 0.0, 0.0]), "a class has the probability 1.5"),
        (twice, "`stable` of this model"),
        (given([0.5, 0.2, 0.1, 0.1, 0.0]), "do not sum to 1"),
        (class("increase", 1.0), "are not all there"),
    ] {
        let found = scored("spread-broken", "2023-12-20,wk inc flu hosp,2023-11-18,06,-4\n", &own);
        let horizons: Vec<i32> = found.rows.iter().map(|r| r.task.horizon).collect();
        let said = found.unused.text();
        assert_eq!(horizons, [0, 2, 3], "{said}");
        assert!(
            said.contains("not used: 1 of the forecasts of spread of Team-sure: ") && said.contains(why),
            "{said}"
        );
        assert!(
            said.contains("2023-11-18-Team-sure.csv: row ") && said.contains("`observation` is `-4`"),
            "{said}"
        );
    }
}
