//! Admission rates of earlier seasons: learnt from where the hub's profile says so, and nowhere else.

use std::fs;

use chrono::Duration;
use epimodels::recipe::us_covid;
use hub::{Backtest, backtest, profile_of, read_model_output};

use crate::common::{day, small, waves};

#[test]
fn admission_rates_of_earlier_seasons_change_the_forecast_of_admissions() {
    let hub = waves("rates", "");
    let mut table = String::from("location,target_end_date,rate\n");
    for week in 0..200 {
        let end = day(2012, 10, 6) + Duration::weeks(week);
        let wave = (-0.5 * (((week % 52) as f64 - 14.0) / 3.0).powi(2)).exp();
        table += &format!("06,{end},{}\nUS,{end},{}\n", 12.0 * wave, 10.0 * wave);
    }
    let file = hub.join("rates.csv");
    fs::write(&file, table).unwrap();
    let made = |rates, out: &str| {
        let args = Backtest { rates, to: day(2023, 11, 18), ..small(&hub, &hub.join(out)) };
        backtest(&args, &mut Vec::new()).unwrap();
        read_model_output(&hub.join(out).join("model-output")).unwrap()["Ours"].quantiles.clone()
    };
    let (without, with) = (made(None, "without"), made(Some(file), "with"));
    assert!(without.keys().eq(with.keys()) && !with.is_empty());
    assert!(without.values().zip(with.values()).all(|(a, b)| a != b));
}

#[test]
fn other_targets_do_not_read_them() {
    let asks = |target| profile_of(target).unwrap().rates;
    assert_eq!(asks("wk inc flu hosp"), Some("flusurv"));
    for target in ["wk inc covid hosp", "wk inc rsv hosp", "wk inc flu prop ed visits", "ILI incidence"] {
        assert_eq!(asks(target), None, "{target}");
    }
    assert!(us_covid().groups.iter().all(|group| group.name != "flusurv"));
}

#[test]
fn a_file_of_rates_that_is_not_there_is_named() {
    let hub = waves("no-rates", "");
    let args = Backtest { rates: Some(hub.join("nowhere.csv")), ..small(&hub, &hub.join("out")) };
    assert!(backtest(&args, &mut Vec::new()).unwrap_err().to_string().contains("nowhere.csv"));
}
