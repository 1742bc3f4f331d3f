//! COVID-19, RSV and emergency visits: with short histories, with what the project carries, in their own unit.

use std::fs;
use std::path::Path;

use chrono::Duration;
use epimodels::recipe::{us_covid, us_rsv};
use hub::{Backtest, backtest, profile_of, read_model_output};

use crate::common::{Folder, day, folder, small};

const PLACES: &str = "abbreviation,location,location_name,population\nAL,01,Alabama,5000000\nAK,02,Alaska,700000\n\
    CA,06,California,39000000\nUS,US,US,44700000\n";

/// A hub whose series of `target` begin `weeks` weeks before the first reference date; each Wednesday publishes all.
fn young(name: &str, target: &str, weeks: i64, value: impl Fn(f64, i64) -> f64) -> Folder {
    let hub = folder(name);
    let mut table = String::from("as_of,target,date,location,observation\n");
    for publication in 0..4 {
        let as_of = day(2023, 11, 15) + Duration::weeks(publication);
        for week in 0..weeks + publication {
            let end = day(2023, 11, 11) - Duration::weeks(weeks - 1 - week);
            for (place, size) in [("01", 5.0), ("02", 0.7), ("06", 39.0), ("US", 44.7)] {
                table += &format!("{as_of},{target},{end},{place},{}\n", value(size, week));
            }
        }
    }
    fs::write(hub.join("target-data/time-series.csv"), table).unwrap();
    fs::write(hub.join("auxiliary-data/locations.csv"), PLACES).unwrap();
    hub
}

/// What the project would carry of influenza: winters, each week issued on the Wednesday after it, and `late` rows.
fn carried(hub: &Path, late: &str) -> std::path::PathBuf {
    let mut table = String::from("place,reference_date,issued_at,value,status,retrieval\n");
    for week in 0..117 {
        let end = day(2021, 8, 7) + Duration::weeks(week);
        for (place, size) in [("US-AL", 50.0), ("US-AK", 7.0), ("US-CA", 400.0), ("US", 457.0)] {
            let wave = (-0.5 * (((week % 52) as f64 - 23.0) / 5.0).powi(2)).exp();
            let value = (size * (0.1 + 6.0 * wave)).round();
            table += &format!("{place},{end},{}T23:59:59Z,{value},observed,r\n", end + Duration::days(4));
        }
    }
    let data = hub.join("data");
    let file = data.join("observations/cdc-flusight/flu_hosp_admissions.csv");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    // The reader goes by the name: what is called .csv.gz must be packed.
    let mut packed = flate2::write::GzEncoder::new(
        fs::File::create(file.with_extension("csv.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    std::io::Write::write_all(&mut packed, (table + late).as_bytes()).unwrap();
    packed.finish().unwrap();
    data
}

fn args(hub: &Path, target: &str, data: Option<std::path::PathBuf>) -> Backtest {
    let mut recipe = if target.contains("rsv") { us_rsv() } else { us_covid() };
    (recipe.gbq.bags, recipe.gbq.trees) = (1, 5);
    Backtest {
        target: target.into(),
        recipe: Some(recipe),
        carried: data,
        baseline: Some("Flat".into()),
        ..small(hub, &hub.join("out"))
    }
}

#[test]
fn a_place_with_fewer_than_four_weeks_is_not_forecast_and_its_first_forecast_has_a_baseline_beside_it() {
    let hub = young("young", "wk inc covid hosp", 2, |size, week| (size * (20.0 + week as f64)).round());
    let data = carried(&hub, "");
    let mut said = Vec::new();
    // Weeks known: 2, 3, 4 on the three reference dates.
    assert_eq!(backtest(&args(&hub, "wk inc covid hosp", Some(data)), &mut said).unwrap(), 1);
    assert!(String::from_utf8(said).unwrap().contains("2023-11-18: no forecast"));
    let found = read_model_output(&hub.join("out/model-output")).unwrap();
    assert_eq!(found["Ours"].quantiles.len(), 4 * 4);
    assert_eq!(
        found["Flat"].quantiles.keys().collect::<Vec<_>>(),
        found["Ours"].quantiles.keys().collect::<Vec<_>>()
    );
    for (task, quantiles) in found["Flat"].quantiles.iter().filter(|(t, _)| t.location == "01") {
        assert!((quantiles[11] - 115.0).abs() < 1e-9, "{task:?}: the last value is carried forward");
    }
}

#[test]
fn a_proportion_stays_between_0_and_1_however_high_it_was() {
    for target in ["wk inc covid prop ed visits", "wk inc rsv prop ed visits"] {
        let value = |_: f64, week: i64| if week % 9 < 4 { 0.999 } else { 0.0 };
        let hub = young(&target.replace(' ', "-"), target, 60, value);
        let data = carried(&hub, "");
        assert_eq!(backtest(&args(&hub, target, Some(data)), &mut Vec::new()).unwrap(), 3);
        let found = read_model_output(&hub.join("out/model-output")).unwrap();
        let all: Vec<f64> = found["Ours"].quantiles.values().flatten().copied().collect();
        assert!(all.iter().all(|q| (0.0..=1.0).contains(q)), "{target}");
        assert!(all.iter().any(|q| *q > 0.0), "{target}: not all of it is cut to nothing");
    }
}

#[test]
fn what_is_carried_counts_from_its_issue_on() {
    let run = |name: &str, late: &str| {
        let hub = young(name, "wk inc covid hosp", 30, |size, week| (size * (20.0 + week as f64)).round());
        let data = carried(&hub, late);
        let args = Backtest { to: day(2023, 11, 18), ..args(&hub, "wk inc covid hosp", Some(data)) };
        assert_eq!(backtest(&args, &mut Vec::new()).unwrap(), 1);
        fs::read_to_string(hub.join("out/model-output/Ours/2023-11-18-Ours.csv")).unwrap()
    };
    let clean = run("carried", "");
    let row = |issued: &str| format!("US-CA,2022-12-31,{issued}T23:59:59Z,99999,observed,r\n");
    assert_eq!(clean, run("carried-late", &row("2023-11-17")));
    assert_ne!(clean, run("carried-early", &row("2023-11-16")), "the last day that counts");
}

#[test]
fn what_should_be_carried_and_is_not_is_an_error_that_names_it() {
    let hub = young("bare", "wk inc covid hosp", 30, |size, _| size);
    let error = backtest(&args(&hub, "wk inc covid hosp", Some(hub.join("nowhere"))), &mut Vec::new());
    assert!(error.unwrap_err().to_string().contains("flu_hosp_admissions.csv.gz"));
    let known = profile_of("wk inc flu prop ed visits").unwrap();
    assert_eq!(known.group_of("wk inc flu hosp"), Some("nhsn"), "it learns from admissions");
    let text = profile_of("wk inc plague").unwrap_err().to_string();
    assert!(text.contains("wk inc rsv prop ed visits"), "{text}");
}
