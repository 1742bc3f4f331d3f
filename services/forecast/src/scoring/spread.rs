//! Scores of spread: the class of change, the rise and the arrival that came, against what was said of each and against how
//! often each came at this time of earlier seasons.

use super::truth::{Issues, versions};
use super::{Done, Known};
use crate::batch::{Measure, Model};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::{Cadence, Signal};
use epimodels::arrival::ARRIVAL;
use epimodels::scores::{brier, rps};
use epimodels::spread::{Climate, Past, climate};
use epimodels::trend::{CLASSES, class_of};
use hub::Locations;
use std::collections::{BTreeMap, HashMap};
use store::places::Place;
use store::scores::{Came, DueSpread, Event, NewSpread};

/// The figures of a week, and of the one that its change is counted from.
type Pair = (f64, f64);

/// What was said of a week, with the figures that it is not scored against yet.
pub(super) struct Open<'d> {
    of: &'d DueSpread,
    /// The last week known at the origin, and how many weeks before the target it lies.
    base: NaiveDate,
    step: usize,
    first_issue: DateTime<Utc>,
    figures: Vec<(DateTime<Utc>, Option<Pair>)>,
}

/// What is still to be scored; nothing where the week was known at the origin, or none of the four before it was.
pub(super) fn open<'d>(
    of: &'d DueSpread,
    issues: &Issues,
    cadence: Cadence,
    done: &Done<'_>,
) -> Option<Open<'d>> {
    let then = versions(issues, of.target_end_date, cadence);
    let (first_issue, _) = *then.first()?;
    if first_issue <= of.origin {
        return None;
    }
    let week = |step: u64| versions(issues, of.target_end_date - Days::new(7 * step), cadence);
    let mut weeks = (1..=4).map(|step| (step, week(step)));
    let (step, before) = weeks.find(|(_, figures)| known_at(figures, of.origin).is_some())?;
    let mut figures = pairs(&before, &then);
    figures.retain(|(at, _)| !done.holds(&of.run_id, &of.place_id, of.horizon, *at));
    let base = of.target_end_date - Days::new(7 * step);
    let step = usize::try_from(step).ok()?;
    (!figures.is_empty()).then_some(Open { of, base, step, first_issue, figures })
}

/// Of each place that a signal is forecast for the population that its model was measured with.
pub(super) type Populations<'a> = HashMap<&'a str, Option<f64>>;

/// Those of `signal`.
pub(super) fn populations<'a>(signal: &Signal, places: &'a [Place]) -> Populations<'a> {
    let (model, locations) =
        (signal.forecast.as_ref().and_then(|p| Model::named(&p.model)), Locations::flusight());
    let of = |place: &'a Place| Some((place.id.as_str(), model?.location(&locations, place)?.1));
    places.iter().filter(|p| signal.is_forecast_at(&p.level)).filter_map(of).collect()
}

/// What was known at one origin, and what follows from it.
pub(super) struct Ground<'a> {
    signal: &'a Signal,
    populations: &'a Populations<'a>,
    known: &'a Known,
    /// By the last week known and the weeks from there.
    climates: BTreeMap<(NaiveDate, usize), Climate>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(signal: &'a Signal, populations: &'a Populations<'a>, known: &'a Known) -> Self {
        Self { signal, populations, known, climates: BTreeMap::new() }
    }

    /// The scores of a forecast; `None` of a place of which too little was known for a class to mean something.
    pub(super) fn score<'d>(&mut self, open: Open<'d>) -> Option<Vec<NewSpread<'d>>> {
        let Open { of, base, step, first_issue, figures } = open;
        let population = *self.populations.get(of.place_id.as_str())?;
        let measure = Measure::of(self.signal, population, self.known.get(&of.place_id)?)?;
        let limits = measure.limits(step)?;
        let climate = self.climate(base, step);
        let new = |(truth_issued_at, pair): (DateTime<Utc>, Option<Pair>)| NewSpread {
            of,
            truth_issued_at,
            came: pair.map(|pair| came(of, pair, limits, measure.population(), climate)),
            replayed: of.created_at >= first_issue,
        };
        Some(figures.into_iter().map(new).collect())
    }

    fn climate(&mut self, base: NaiveDate, step: usize) -> Climate {
        let (signal, populations, known) = (self.signal, self.populations, self.known);
        *self.climates.entry((base, step)).or_insert_with(|| {
            let past = |(place, weeks): (&String, &'a BTreeMap<NaiveDate, f64>)| {
                let measure = Measure::of(signal, *populations.get(place.as_str())?, weeks)?;
                Some(Past { weeks, limits: measure.limits(step)?, population: measure.population() })
            };
            climate(known.iter().filter_map(past), base, i64::try_from(step).unwrap_or_default())
        })
    }
}

fn came(
    of: &DueSpread,
    (before, then): Pair,
    limits: (f64, f64),
    population: Option<f64>,
    climate: Climate,
) -> Came {
    let class = class_of(then - before, limits);
    let event = |probability: f64, climatology: Option<f64>, came: bool| Event {
        came,
        brier: brier(probability, came),
        climatology: climatology.map(|p| brier(p, came)),
    };
    Came {
        class: CLASSES[class],
        rps: rps(&of.classes, class),
        rps_climatology: climate.classes.map(|p| rps(&p, class)),
        rises: event(of.rises, climate.rises, then > before),
        arrives: of.arrives.zip(population).map(|(probability, population)| {
            event(probability, climate.arrives, ARRIVAL.has_come(then, population))
        }),
    }
}

/// The figure of a week at a time.
fn known_at(figures: &[(DateTime<Utc>, Option<f64>)], at: DateTime<Utc>) -> Option<f64> {
    figures.iter().rev().find(|(issued, _)| *issued <= at).and_then(|(_, value)| *value)
}

/// From the first figure of the later week on, every change of either: `None` where one of them was taken back.
fn pairs(
    before: &[(DateTime<Utc>, Option<f64>)],
    then: &[(DateTime<Utc>, Option<f64>)],
) -> Vec<(DateTime<Utc>, Option<Pair>)> {
    let Some((first, _)) = then.first() else { return Vec::new() };
    let mut times: Vec<DateTime<Utc>> =
        before.iter().chain(then).map(|(at, _)| *at).filter(|at| at >= first).collect();
    times.sort_unstable();
    times.dedup();
    let mut found: Vec<(DateTime<Utc>, Option<Pair>)> = Vec::new();
    for at in times {
        let pair = known_at(before, at).zip(known_at(then, at));
        if pair != found.last().and_then(|(_, pair)| *pair) {
            found.push((at, pair));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32) -> DateTime<Utc> {
        format!("2025-02-{day:02}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_correction_of_either_week_is_another_pair() {
        let before = [(at(1), Some(5.0)), (at(9), Some(6.0)), (at(20), None), (at(21), Some(6.0))];
        let then = [(at(8), Some(7.0)), (at(12), Some(8.0))];
        let wanted = [
            (at(8), Some((5.0, 7.0))),
            (at(9), Some((6.0, 7.0))),
            (at(12), Some((6.0, 8.0))),
            (at(20), None),
            (at(21), Some((6.0, 8.0))),
        ];
        assert_eq!(pairs(&before, &then), wanted);
        assert!(pairs(&before, &[]).is_empty());
        assert!(pairs(&[], &then).is_empty(), "no change is known");
    }

    #[test]
    fn what_came_is_scored_beside_what_was_said_and_what_was_usual() {
        let of = DueSpread {
            run_id: "r".into(),
            origin: at(1),
            created_at: at(1),
            place_id: "US-WY".into(),
            horizon: 1,
            target_end_date: at(8).date_naive(),
            classes: vec![0.0, 0.0, 0.5, 0.5, 0.0],
            rises: 0.7,
            arrives: Some(0.2),
        };
        let usual = Climate { classes: Some([0.2; 5]), rises: Some(0.5), arrives: None };
        let found = came(&of, (4.0, 20.0), (10.0, 30.0), Some(1e6), usual);
        assert_eq!((found.class, found.rps), ("increase", 0.25));
        assert!((found.rps_climatology.unwrap() - (0.04 + 0.16 + 0.36 + 0.04)).abs() < 1e-12, "{found:?}");
        assert!(found.rises.came && (found.rises.brier - 0.09).abs() < 1e-12, "{found:?}");
        assert_eq!(found.rises.climatology, Some(0.25));
        let arrives = found.arrives.unwrap();
        assert!(arrives.came && (arrives.brier - 0.64).abs() < 1e-12, "{arrives:?}");
        assert_eq!(arrives.climatology, None, "no earlier season is known");
        assert_eq!(came(&of, (4.0, 20.0), (10.0, 30.0), None, usual).arrives, None);
    }
}
