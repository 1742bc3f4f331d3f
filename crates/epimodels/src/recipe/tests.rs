use chrono::{Duration, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

pub(super) fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).unwrap()
}

/// Six places and a country with winter waves of changing date and height, three seasons of `nhsn`, five of
/// `ili_plus`.
pub(super) fn panel(seed: u64) -> Panel {
    let mut rng = Rng::new(seed, &[]);
    let mut series = Vec::new();
    for (group, first, weeks) in [("nhsn", day(2021, 8, 7), 170), ("ili_plus", day(2010, 8, 7), 250)] {
        let late: Vec<f64> = (0..8).map(|_| 6.0 * rng.uniform()).collect();
        let high: Vec<f64> = (0..8).map(|_| 0.5 + rng.uniform()).collect();
        for place in 0..7 {
            let population = if place == 6 { 12e6 } else { 1e6 * f64::from(place + 1) / 2.0 };
            let values = (0..weeks).map(|w| {
                let (year, week) = (w / 52, f64::from(w % 52));
                let wave =
                    high[year as usize] * (-0.5 * ((week - 22.0 - late[year as usize]) / 5.0).powi(2)).exp();
                let noise = 1.0 + 0.1 * (rng.uniform() - 0.5);
                let rate = (0.2 + 8.0 * wave) * noise;
                Some(if group == "nhsn" { (rate * population / 1e5).round() } else { rate / 2.0 })
            });
            let mut one = Series::new(format!("{group}/{place}"), group, first, values.collect());
            one.population = Some(population);
            one.national = place == 6;
            one.forecast = group == "nhsn";
            series.push(one);
        }
    }
    Panel { series }
}

/// A small forecaster, so that a test takes a second.
pub(super) fn small() -> Config {
    let mut config = us();
    config.gbq.bags = 2;
    config.gbq.trees = 20;
    config
}

/// The panel up to a date, as [`panel`] was known then.
pub(super) fn until(panel: &Panel, date: NaiveDate) -> Panel {
    let mut cut = panel.clone();
    for series in &mut cut.series {
        let keep = (date - series.first).num_weeks() + 1;
        series.values.truncate(usize::try_from(keep).unwrap());
    }
    cut
}

#[test]
fn one_thread_and_many_give_the_same_bits() {
    let origin = day(2023, 12, 30);
    let known = until(&panel(1), origin - Duration::days(7));
    let one = fit(&known, &small(), origin, 1).unwrap().predict(&known, origin).unwrap();
    let many = fit(&known, &small(), origin, 5).unwrap().predict(&known, origin).unwrap();
    assert_eq!(one, many);
    assert_eq!(one.len(), 7 * 4);
    assert_eq!((one[0].horizon, one[0].target_end_date), (0, origin));
}

#[test]
fn a_forecast_of_a_regular_wave_beats_the_last_value() {
    let all = panel(2);
    let origin = day(2023, 12, 2);
    let known = until(&all, origin - Duration::days(7));
    let forecasts = fit(&known, &small(), origin, 2).unwrap().predict(&known, origin).unwrap();
    let (mut ours, mut flat) = (0.0, 0.0);
    for f in forecasts {
        let series = all.series.iter().find(|s| s.id == f.series).unwrap();
        let truth = series.at(f.target_end_date).unwrap();
        ours += (f.quantiles[11] - truth).abs();
        flat += (series.at(origin - Duration::days(7)).unwrap() - truth).abs();
    }
    assert!(ours < 0.7 * flat, "{ours} against {flat}");
}

#[test]
fn weeks_after_the_fit_date_are_not_learnt_from() {
    let all = panel(3);
    let (fitted, origin) = (day(2023, 10, 14), day(2023, 10, 21));
    let known = until(&all, fitted - Duration::days(7));
    let mut tainted = all.clone();
    for series in tainted.series.iter_mut().filter(|s| s.group == "nhsn") {
        let clean = usize::try_from((fitted - series.first).num_weeks() + 1).unwrap();
        series.values.iter_mut().skip(clean).for_each(|v| *v = Some(1e6));
    }
    let honest = fit(&until(&all, fitted), &small(), fitted, 2).unwrap().predict(&known, origin).unwrap();
    assert_eq!(honest, fit(&tainted, &small(), fitted, 2).unwrap().predict(&known, origin).unwrap());
}

#[test]
fn before_a_full_season_the_boosting_stands_alone() {
    let all = panel(4);
    let origin = day(2022, 12, 31);
    let known = until(&all, origin - Duration::days(7));
    let fitted = fit(&known, &small(), origin, 2).unwrap();
    assert!(fitted.is_cold("nhsn") && !fitted.is_cold("ili_plus"));
    let forecasts = fitted.predict(&known, origin).unwrap();
    assert!(forecasts.iter().all(|f| f.members.lin.is_none() && Some(f.quantiles) == f.members.gbq));
}

#[test]
fn a_late_value_is_carried_forward_and_a_dead_series_gets_no_forecast() {
    let origin = day(2023, 12, 30);
    let mut known = until(&panel(5), origin - Duration::days(7));
    let last = known.series[0].values.len();
    known.series[0].values[last - 1] = None;
    known.series[1].values.truncate(last - 10);
    let forecasts = fit(&known, &small(), origin, 2).unwrap().predict(&known, origin).unwrap();
    assert_eq!(forecasts.iter().filter(|f| f.series == "nhsn/0").count(), 4);
    assert_eq!(forecasts.iter().filter(|f| f.series == "nhsn/1").count(), 0);
}

#[test]
fn bad_panels_are_named() {
    let origin = day(2023, 12, 30);
    let mut known = until(&panel(6), origin);
    known.series[0].population = None;
    assert_eq!(
        fit(&known, &us(), origin, 1).unwrap_err(),
        crate::Error::NoPopulation { series: "nhsn/0".into() }
    );
    known.series[0].group = "covid".into();
    assert!(fit(&known, &us(), origin, 1).unwrap_err().to_string().contains("covid"));
    assert!(matches!(fit(&Panel::default(), &us(), origin, 1), Err(crate::Error::TooFew { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn forecasts_ascend_and_are_not_negative(seed in 0..10_000_u64, week in 0..30_i64, hole in 0..40_usize) {
        let origin = day(2023, 9, 30) + Duration::weeks(week);
        let mut known = until(&panel(seed), origin - Duration::days(7));
        let last = known.series[2].values.len();
        known.series[2].values[last - 1 - hole] = None;
        known.series[3].values.fill(Some(0.0));
        let mut config = small();
        (config.gbq.bags, config.gbq.trees) = (1, 8);
        for f in fit(&known, &config, origin, 2).unwrap().predict(&known, origin).unwrap() {
            prop_assert!(f.quantiles.windows(2).all(|w| w[0] <= w[1]), "{f:?}");
            prop_assert!(f.quantiles.iter().all(|q| q.is_finite() && *q >= 0.0), "{f:?}");
        }
    }
}

/// The last value of one place in another unit: a hundred thousand of a hundred thousand.
fn absurd(bounded: bool, times: f64) -> Vec<Forecast> {
    let origin = day(2023, 12, 30);
    let mut known = until(&panel(6), origin - Duration::days(7));
    let config = Config { lin: LinConfig { bounded, ..us().lin }, nowcast: None, ..small() };
    let fitted = fit(&known, &config, origin, 2).unwrap();
    let last = known.series[0].values.last_mut().unwrap();
    *last = last.map(|v| v * times);
    fitted.predict(&known, origin).unwrap()
}

#[test]
fn a_value_unlike_all_others_is_no_question_for_the_bounded_regression() {
    let of_place = |all: Vec<Forecast>| all.into_iter().filter(|f| f.series == "nhsn/0").collect::<Vec<_>>();
    let (free, bounded) = (of_place(absurd(false, 1e4)), of_place(absurd(true, 1e4)));
    let (gbq, lin) = (free[0].members.gbq.unwrap(), free[0].members.lin.unwrap());
    assert!(!(gbq[0] / 5.0..5.0 * gbq[22]).contains(&lin[11]), "the polynomial runs away: {lin:?}, {gbq:?}");
    for f in &bounded {
        assert_eq!(f.members.lin, None, "horizon {}", f.horizon);
        let (gbq, knn) = (f.members.gbq.unwrap(), f.members.knn.unwrap());
        assert!(f.quantiles[22] <= gbq[22].max(knn[22]), "the others go on: {f:?}");
    }
}

#[test]
fn the_bound_changes_no_bit_where_values_are_as_they_were() {
    assert_eq!(absurd(true, 1.0), absurd(false, 1.0));
}
