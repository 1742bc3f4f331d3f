use super::*;

fn series(values: impl Iterator<Item = f64>) -> BTreeMap<NaiveDate, f64> {
    let first: NaiveDate = "2024-01-06".parse().unwrap();
    values.enumerate().map(|(w, v)| (first + Days::new(7 * w as u64), v)).collect()
}

fn laws(counts: bool, delay: Option<Delay>) -> Laws {
    Laws { counts, serial: SerialInterval::shifted_gamma(2.6, 1.5).unwrap(), delay }
}

fn late() -> Option<Delay> {
    Some(Delay::stages(&[(1.5, 0.7), (3.3, 4.2)]).unwrap())
}

#[test]
fn a_rate_gives_the_same_mean_in_any_unit() {
    let noise = [1.05, 0.97, 1.02, 0.94, 1.06];
    for (delay, exactly) in [(None, 1e-9), (late(), 1e-3)] {
        let of = |unit: f64| {
            let values = (0..40).map(|w| unit * 50.0 * (0.1 * f64::from(w)).exp() * noise[w as usize % 5]);
            weekly_rt("FR", &series(values), &laws(false, delay.clone()), &[]).unwrap()
        };
        let (one, hundred) = (of(1.0), of(100.0));
        for (a, b) in one.iter().zip(&hundred) {
            assert!((a.mean - b.mean).abs() < exactly && (a.q975 - b.q975).abs() < exactly, "{a:?} {b:?}");
        }
        let last = one.last().unwrap();
        assert!(last.q025 > 0.9 && last.q975 < 1.3 && last.mean > 1.0, "{last:?}");
        assert_eq!((last.window_end - last.window_start).num_days(), 6);
        let growth = last.growth.as_ref().unwrap();
        assert!(growth.q025 < growth.q50 && growth.q50 < growth.q975 && growth.rises > 0.5, "{growth:?}");
        // Ten percent a week.
        assert!(growth.q025 < 0.1 / 7.0 && growth.q975 > 0.1 / 7.0, "{growth:?}");
    }
}

#[test]
fn scattered_counts_get_a_wider_band_than_poisson_ones() {
    for delay in [None, late()] {
        let rt = |scatter: f64| {
            let values = (0..40).map(|w| 400.0 * (1.0 + if w % 2 == 0 { scatter } else { -scatter }));
            let found = weekly_rt("US", &series(values), &laws(true, delay.clone()), &[]).unwrap();
            found.last().map(|r| r.q975 - r.q025).unwrap()
        };
        assert!(rt(0.2) > 1.5 * rt(0.01), "{} {}", rt(0.2), rt(0.01));
    }
}

#[test]
fn with_a_delay_r_is_of_the_week_of_infection_and_the_last_week_is_not_said() {
    let values = || (0..40).map(|w| 1000.0 * (0.05 * f64::from(w)).exp());
    let plain = weekly_rt("US", &series(values()), &laws(true, None), &[]).unwrap();
    let found = weekly_rt("US", &series(values()), &laws(true, late()), &[]).unwrap();
    let last = found.last().unwrap();
    let growth = last.growth.as_ref().unwrap();
    assert_eq!(plain.last().unwrap().window_end - last.window_end, chrono::Duration::weeks(1));
    assert_eq!(plain.last().unwrap().growth.as_ref().unwrap().dated, "report");
    assert_eq!(growth.dated, "infection");
    assert!(growth.passed >= DUE && growth.passed < 1.0 && (growth.known - growth.passed).abs() < 1e-9);
}

#[test]
fn what_is_missing_lifts_the_last_weeks_and_is_said() {
    let (values, missing) = (
        (0..40).map(|w| 1000.0 * if w == 39 { 0.8 } else { 1.0 }),
        [Missing { log: -(0.8_f64.ln()), sd: 0.05 }],
    );
    for delay in [None, late()] {
        let of = |missing: &[Missing]| {
            weekly_rt("US", &series(values.clone()), &laws(true, delay.clone()), missing).unwrap()
        };
        let (plain, corrected) = (of(&[]).pop().unwrap(), of(&missing).pop().unwrap());
        assert!(plain.q50 < corrected.q50, "{plain:?} {corrected:?}");
        let growth = corrected.growth.unwrap();
        assert!(growth.known < growth.passed && growth.known_025 < growth.known_975, "{growth:?}");
    }
}

#[test]
fn few_events_and_few_weeks_give_no_number() {
    let laws = laws(true, late());
    let few = series((0..40).map(|w| f64::from(w % 2)));
    assert_eq!(weekly_rt("US-WY", &few, &laws, &[]), Err(Reason::TooFew));
    let short = series((0..5).map(|_| 100.0));
    assert_eq!(weekly_rt("US-WY", &short, &laws, &[]), Err(Reason::TooFew));
    assert_eq!(weekly_rt("US-WY", &BTreeMap::new(), &laws, &[]), Err(Reason::NoData));
}
