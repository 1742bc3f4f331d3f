use std::cell::RefCell;

use chrono::{Duration, NaiveDate};

use super::tests::{day, panel, small, until};
use super::*;

fn averaged() -> Config {
    let mut config = Config { fits: 4, ..small() };
    (config.gbq.bags, config.gbq.trees) = (1, 5);
    config
}

/// What was known on a day: all weeks up to the Saturday before.
fn known(all: &Panel, day: NaiveDate) -> Panel {
    until(all, day - Duration::days(7))
}

#[test]
fn several_fits_say_their_mean_and_a_place_that_only_the_last_knows_is_there() {
    let (all, config) = (panel(1), Config { fits: 2, ..small() });
    let origin = day(2023, 12, 30);
    let earlier = origin - Duration::days(7);
    let last = known(&all, origin);
    let mut first = known(&all, earlier);
    let young = first.series.remove(0).id;
    let of = |day| if day == earlier { &first } else { &last };
    let alone = |day| fit(of(day), &config, day, 2).unwrap().predict(&last, origin).unwrap();
    let (one, two) = (alone(earlier), alone(origin));
    let mut fits = Fits::default();
    assert!(fits.is_empty() && fits.predict(&last, origin).unwrap().is_empty());
    fits.renew(&config, origin, 2, of).unwrap();
    let both = fits.predict(&last, origin).unwrap();
    assert_eq!((one.len(), two.len(), both.len()), (24, 28, 28));
    for (mean, last) in both.iter().zip(&two) {
        let earlier = one.iter().find(|f| (&f.series, f.horizon) == (&last.series, last.horizon));
        assert_eq!(earlier.is_none(), last.series == young);
        let other = earlier.unwrap_or(last);
        for level in 0..23 {
            let wanted = f64::midpoint(last.quantiles[level], other.quantiles[level]);
            assert!((mean.quantiles[level] - wanted).abs() <= 1e-12 * wanted.abs(), "{}", last.series);
        }
        let knn = |f: &Forecast| f.members.knn.unwrap()[11];
        assert!((knn(mean) - f64::midpoint(knn(last), knn(other))).abs() < 1e-9 * knn(last));
    }
}

#[test]
fn fits_that_are_kept_from_week_to_week_say_what_fits_made_at_once_say() {
    let (all, config) = (panel(7), averaged());
    let asked = RefCell::new(Vec::new());
    let of = |day| {
        asked.borrow_mut().push(day);
        known(&all, day)
    };
    let (before, origin) = (day(2023, 12, 16), day(2023, 12, 30));
    let mut kept = Fits::default();
    kept.renew(&config, before, 2, of).unwrap();
    assert_eq!(asked.take(), config.origins(before), "the origin and the three weeks before it");
    assert_eq!(config.origins(before)[0], day(2023, 11, 25));
    kept.renew(&config, origin, 2, of).unwrap();
    assert_eq!(asked.take(), [day(2023, 12, 23), origin], "the other two are there");
    let mut fresh = Fits::default();
    fresh.renew(&config, origin, 2, of).unwrap();
    let now = known(&all, origin);
    assert_eq!(kept.predict(&now, origin).unwrap(), fresh.predict(&now, origin).unwrap());
    // One fit alone says something else, so that this compares what it means to.
    let one = Config { fits: 1, ..config };
    let mut last = Fits::default();
    last.renew(&one, origin, 2, of).unwrap();
    assert_ne!(last.predict(&now, origin).unwrap(), fresh.predict(&now, origin).unwrap());
}

#[test]
fn an_earlier_week_of_which_too_little_was_known_is_left_out_and_the_origin_is_not() {
    let (all, config) = (panel(8), averaged());
    let origin = day(2023, 12, 30);
    let nothing_before = |from: NaiveDate| {
        let all = &all;
        move |day| if day < from { Panel::default() } else { known(all, day) }
    };
    let now = known(&all, origin);
    let mut young = Fits::default();
    young.renew(&config, origin, 2, nothing_before(origin - Duration::weeks(1))).unwrap();
    let mut two = Fits::default();
    two.renew(&Config { fits: 2, ..config.clone() }, origin, 2, |day| known(&all, day)).unwrap();
    assert_eq!(young.predict(&now, origin).unwrap(), two.predict(&now, origin).unwrap());
    let none = young.renew(&config, origin + Duration::weeks(9), 2, nothing_before(NaiveDate::MAX));
    assert!(matches!(none, Err(crate::Error::TooFew { .. })), "{none:?}");
}

#[test]
fn bands_go_by_what_those_of_the_two_weeks_before_held_whatever_was_forecast_before() {
    let (all, mut config) = (panel(9), Config { fits: 1, ..averaged() });
    let (before, origin) = (day(2023, 12, 16), day(2023, 12, 30));
    let now = known(&all, origin);
    let asked = |config: &Config, days: &[NaiveDate]| {
        let mut fits = Fits::default();
        for day in days {
            fits.renew(config, *day, 2, |day| known(&all, day)).unwrap();
        }
        fits.predict(&now, origin).unwrap()
    };
    let learnt = asked(&config, &[origin]);
    config.recent = Some(Recent { origins: 2, gain: 0.5, fewest: 10 });
    assert_eq!(config.origins(origin), [before, day(2023, 12, 23), origin]);
    let recent = asked(&config, &[origin]);
    assert_eq!(recent, asked(&config, &[before, day(2023, 12, 23), origin]));
    // By hand: what fits of the two weeks before said of the weeks that are known by now.
    let of = |day| fit(&known(&all, day), &config, day, 2).unwrap().predict(&known(&all, day), day).unwrap();
    let said: Vec<Forecast> = [before, day(2023, 12, 23)].into_iter().flat_map(of).collect();
    let value = |f: &Forecast| now.series.iter().find(|s| s.id == f.series)?.at(f.target_end_date);
    let held: Vec<bool> =
        said.iter().filter_map(|f| Some((f.quantiles[6]..=f.quantiles[16]).contains(&value(f)?))).collect();
    assert_eq!(held.len(), 21, "seven places, three weeks");
    let share = held.iter().filter(|held| **held).count() as f64 / 21.0;
    assert!((share - 0.5).abs() > 0.02, "the test would compare nothing: {share}");
    let root = |q: f64| q.powf(0.25);
    for (recent, learnt) in recent.iter().zip(&learnt) {
        assert_eq!((recent.quantiles[11], &recent.members), (learnt.quantiles[11], &learnt.members));
        let stretched = root(recent.quantiles[20]) - root(recent.quantiles[11]);
        let wanted = (0.5 * (0.5 - share)).exp() * (root(learnt.quantiles[20]) - root(learnt.quantiles[11]));
        assert!((stretched - wanted).abs() < 1e-9, "{}: {stretched}, not {wanted}", recent.series);
    }
}
