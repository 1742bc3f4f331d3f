//! What a forecast of spread is scored against: how often each class of change, a rise and an arrival came at this time of
//! earlier seasons. One definition for the archive of a hub and for the scores that are stored as truth arrives; fixed on
//! 2026-11-27 (`docs/forecast/trials.md`, "Spread").

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};

use crate::arrival::ARRIVAL;
use crate::climatology::frequencies;
use crate::recipe::season;
use crate::trend::class_of;

/// Weeks before and after in earlier seasons that tell how often something happens at this time of the year.
const REACH: u32 = 2;

/// What is known of one place.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// By the end of the week, in the unit of the series.
    pub weeks: &'a BTreeMap<NaiveDate, f64>,
    /// The changes at which "stable" ends and "large" begins, in that unit.
    pub limits: (f64, f64),
    /// Of a count of persons; without it nothing arrives.
    pub population: Option<f64>,
}

/// Frequencies at a time of the year, `None` where no earlier season is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Climate {
    /// Of the five classes, in their order; they sum to 1.
    pub classes: Option<[f64; 5]>,
    /// Of a rise.
    pub rises: Option<f64>,
    /// Of an arrival, in places that were quiet.
    pub arrives: Option<f64>,
}

/// How often each class, a rise and an arrival came within `ahead` weeks of `base`, in all places and all seasons before the
/// one of the week after `base`, as far as `places` is known.
#[must_use]
pub fn climate<'a>(places: impl IntoIterator<Item = Past<'a>>, base: NaiveDate, ahead: i64) -> Climate {
    let (year, week) = (season(base + Duration::weeks(1)).year, season(base).week);
    let (mut classes, mut rises, mut arrives) = (Vec::new(), Vec::new(), Vec::new());
    for past in places {
        for (end, before) in past.weeks {
            let Some(then) = past.weeks.get(&(*end + Duration::weeks(ahead))) else { continue };
            let at = season(*end);
            if at.year >= year {
                continue;
            }
            classes.push((at.week, class_of(then - before, past.limits)));
            rises.push((at.week, usize::from(then > before)));
            if let Some(people) = past.population.filter(|people| ARRIVAL.is_quiet(*before, *people)) {
                arrives.push((at.week, usize::from(ARRIVAL.has_come(*then, people))));
            }
        }
    }
    let yes = |events: &[(u32, usize)]| {
        (!events.is_empty()).then(|| frequencies::<2>(events, week, REACH)).map(|[_, yes]| yes)
    };
    Climate {
        classes: (!classes.is_empty()).then(|| frequencies(&classes, week, REACH)),
        rises: yes(&rises),
        arrives: yes(&arrives),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(weeks: &BTreeMap<NaiveDate, f64>) -> Past<'_> {
        Past { weeks, limits: (10.0, 50.0), population: Some(1e6) }
    }

    #[test]
    fn only_seasons_before_this_one_count() {
        let first: NaiveDate = "2022-12-03".parse().unwrap();
        let series = |values: &[f64], from: NaiveDate| -> BTreeMap<NaiveDate, f64> {
            (0..).map(|w| from + Duration::weeks(w)).zip(values.iter().copied()).collect()
        };
        // Quiet below 5, arrived from 10: it came after the first week and not after the third.
        let (old, now) = (series(&[4.0, 30.0, 3.0, 2.0], first), series(&[0.0, 900.0, 0.0], first));
        let later: BTreeMap<NaiveDate, f64> =
            now.into_iter().map(|(week, value)| (week + Duration::weeks(52), value)).collect();
        let base = first + Duration::weeks(52);
        let both = climate([past(&old), past(&later)], base, 1);
        assert_eq!(both, climate([past(&old)], base, 1), "the season under way tells nothing of itself");
        // Weeks 0, 1 and 2 away weigh 1, 2/3 and 1/3; one event more, spread evenly.
        let rises = (1.0 + 0.5) / (1.0 + 2.0 / 3.0 + 1.0 / 3.0 + 1.0);
        assert!((both.rises.unwrap() - rises).abs() < 1e-12, "{both:?}");
        let arrives = (1.0 + 0.5) / (1.0 + 1.0 / 3.0 + 1.0);
        assert!((both.arrives.unwrap() - arrives).abs() < 1e-12, "{both:?}");
        assert!((both.classes.unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let none = climate([past(&later)], base, 1);
        assert_eq!(none, Climate { classes: None, rises: None, arrives: None });
        let rates = climate([Past { population: None, ..past(&old) }], base, 1);
        assert_eq!((rates.rises, rates.arrives), (both.rises, None), "what counts no persons cannot arrive");
    }

    #[test]
    fn the_last_week_of_a_season_speaks_for_the_next_one() {
        let base: NaiveDate = "2024-07-27".parse().unwrap();
        let weeks: BTreeMap<NaiveDate, f64> =
            [(base - Duration::weeks(1), 1.0), (base, 2.0)].into_iter().collect();
        assert_eq!(climate([past(&weeks)], base - Duration::weeks(1), 1).rises, None);
        assert!(climate([past(&weeks)], base, 1).rises.is_some_and(|rises| rises > 0.5));
    }
}
