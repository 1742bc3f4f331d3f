use super::fit::shares;
use super::*;
use crate::quantile::MEDIAN;
use crate::special::gamma_quantile;
use proptest::prelude::*;

/// A wave of events, and deaths that follow it by the law of the module.
fn wave(ratio: f64, delay: f64) -> (Vec<f64>, Vec<f64>) {
    let events: Vec<f64> = (0..40).map(|t| 2000.0 + 1500.0 * (f64::from(t) * 0.35).sin()).collect();
    let weights = shares(delay, 0.6);
    let deaths =
        (0..40).map(|t| (0..LONGEST.min(t + 1)).map(|k| ratio * weights[k] * events[t - k]).sum()).collect();
    (events, deaths)
}

/// Deaths of Poisson's scatter, of which the expectation follows a wave that `seed` shifts.
fn scattered(seed: u64, scale: f64, delay: f64) -> (Vec<f64>, Vec<f64>) {
    let mut rng = crate::rng::Rng::new(seed, &[7]);
    let shift = 18.0 * rng.uniform();
    let events: Vec<f64> =
        (0..40).map(|t| scale * (2000.0 + 1500.0 * ((f64::from(t) + shift) * 0.35).sin())).collect();
    let weights = shares(delay, 0.6);
    let deaths = (0..40_usize)
        .map(|t| {
            let mean: f64 = (0..LONGEST.min(t + 1)).map(|k| 0.05 * weights[k] * events[t - k]).sum();
            gamma_quantile(rng.uniform().clamp(1e-9, 1.0 - 1e-9), mean, 1.0)
        })
        .collect();
    (events, deaths)
}

#[test]
fn a_known_ratio_and_delay_come_back() {
    let (events, deaths) = wave(50.0, 2.5);
    let events: Vec<f64> = events.into_iter().map(|e| e * 1000.0).collect();
    let found = secondary(&events, &deaths, 4, &SecondaryConfig::default()).unwrap();
    assert!((found.ratio.median - 0.05).abs() < 1e-4, "{found:?}");
    assert_eq!((found.delay.unwrap().best, found.dispersion), (2.5, 1.0));
    assert!(found.ahead.iter().all(|q| q[0] < q[MEDIAN] && q[MEDIAN] < q[22]));
    let width = |q: &Quantiles| q[21] / q[1];
    assert!(width(&found.ahead[0]) < width(&found.ahead[3]), "the band widens");
}

#[test]
fn the_band_of_a_delay_holds_it_at_least_as_often_as_it_says_and_few_deaths_identify_none() {
    let config = SecondaryConfig { draws: 2, ..SecondaryConfig::default() };
    let mut given = Vec::new();
    for scale in [0.3, 100.0] {
        let (mut held, mut identified) = (0, 0);
        for seed in 0..300 {
            let (events, deaths) = scattered(seed, scale, 2.4);
            let found = secondary(&events, &deaths, 1, &config).unwrap();
            if let Some(delay) = found.delay {
                let [low, high] = delay.band;
                assert!(config.delays[0] <= low && low < delay.best && delay.best < high, "{delay:?}");
                identified += 1;
                held += usize::from((low..=high).contains(&2.4));
            }
        }
        assert!(held * 100 >= identified * 95, "scale {scale}: held {held} of {identified}");
        given.push(identified);
    }
    assert!(given[0] < 30 && given[1] > 270, "{given:?}");
}

#[test]
fn where_no_delay_is_identified_the_bands_still_hold_the_ratio_and_the_deaths() {
    let (mut ratio, mut next) = (0, 0);
    for seed in 0..200 {
        let (events, deaths) = scattered(seed, 1.0, 3.4);
        let found = secondary(&events[..39], &deaths[..39], 1, &SecondaryConfig::default()).unwrap();
        let [low, high] = found.ratio.band;
        ratio += usize::from((low..=high).contains(&0.05));
        next += usize::from((found.ahead[0][1]..=found.ahead[0][21]).contains(&deaths[39]));
    }
    assert!(ratio >= 180 && next >= 180, "{ratio}, {next}");
}

#[test]
fn events_that_stand_still_say_nothing_of_the_delay() {
    let found = secondary(&[1000.0; 40], &[50.0; 40], 4, &SecondaryConfig::default()).unwrap();
    assert_eq!(found.delay, None);
    let [low, high] = found.ratio.band;
    assert!(low < 0.05 && 0.05 < high && high < 0.1, "{found:?}");
}

#[test]
fn too_little_is_refused() {
    let (events, deaths) = wave(0.001, 2.0);
    let few = secondary(&events, &deaths, 4, &SecondaryConfig::default());
    assert!(matches!(few, Err(Error::TooFew { .. })), "{few:?}");
    assert!(secondary(&events[..20], &deaths[..20], 4, &SecondaryConfig::default()).is_err());
    assert!(secondary(&events, &deaths[1..], 4, &SecondaryConfig::default()).is_err());
    assert!(secondary(&[0.0; 40], &[5.0; 40], 4, &SecondaryConfig::default()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn quantiles_are_ordered_and_finite(
        events in prop::collection::vec(0.0..5000.0_f64, 40),
        deaths in prop::collection::vec(0.0..200.0_f64, 40),
    ) {
        let config = SecondaryConfig { draws: 100, ..SecondaryConfig::default() };
        if let Ok(found) = secondary(&events, &deaths, 4, &config) {
            for q in &found.ahead {
                prop_assert!(q.iter().all(|v| v.is_finite() && *v >= 0.0));
                prop_assert!(q.windows(2).all(|w| w[0] <= w[1]));
            }
        }
    }
}
