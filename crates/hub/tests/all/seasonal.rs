//! The seasonal baselines beside the forecasts.

use chrono::{Duration, Months};
use hub::{Backtest, backtest, read_model_output};

use crate::common::{day, small, waves};

#[test]
fn a_backtest_writes_both_seasonal_baselines_for_the_tasks_of_its_forecasts() {
    let late = "2023-11-17,wk inc flu hosp,2022-11-19,06,99999\n";
    let hub = waves("seasonal", late);
    let args = Backtest { seasonal: Some("Season".into()), ..small(&hub, &hub.join("out")) };
    assert_eq!(backtest(&args, &mut Vec::new()).unwrap(), 3);
    let found = read_model_output(&hub.join("out/model-output")).unwrap();
    let tasks = |model: &str| found[model].quantiles.keys().collect::<Vec<_>>();
    assert!(tasks("Season") == tasks("Ours") && tasks("Season-climate") == tasks("Ours"));
    // The weeks of the autumn of 2022 (those before August 2022 do not count), of which the lowest and the highest bound
    // all quantiles: what was published a day after the lag is none of them.
    let target = day(2023, 11, 18);
    let mut all = found["Season"].quantiles.iter();
    let (_, quantiles) = all.find(|(t, _)| t.location == "06" && t.target_end_date == target).unwrap();
    let values: Vec<f64> = (0..117)
        .map(|week| (week, day(2021, 8, 7) + Duration::weeks(week)))
        .filter(|(_, end)| (*end - (target - Months::new(12))).num_days().abs() <= 24)
        .map(|(week, _)| {
            let wave = (-0.5 * (((week % 52) as f64 - 23.0) / 5.0).powi(2)).exp();
            (400.0 * (0.1 + 6.0 * wave) * (1.0 + 0.05 * ((week * 7 % 11) as f64 / 11.0))).round()
        })
        .collect();
    assert_eq!(values.len(), 7);
    let (low, high) = values.iter().fold((f64::MAX, 0.0_f64), |(l, h), v| (l.min(*v), h.max(*v)));
    assert_eq!((quantiles[0], quantiles[22]), (low, high));
}
