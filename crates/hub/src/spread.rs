//! Where it rises and where it arrives, scored: the probabilities that follow from forecasts of a count, beside how often
//! the same happened at this time of earlier seasons.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{Duration, NaiveDate};
use epimodels::arrival::ARRIVAL;
use epimodels::spread::{Climate, Past, climate};
use epimodels::trend::{class_of, rise};

use crate::model_output::{ModelOutput, Task};
use crate::rate_change::{base_week, limits_of, of_quantiles};
use crate::series::{Archive, Known, SeriesKey};
use crate::{HubError, Locations, Unused, profile_of};

/// Something that was given a probability and then happened or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// What the forecast said.
    pub probability: f64,
    /// How often it happened at this time of earlier seasons.
    pub climatology: f64,
    /// Whether it happened.
    pub happened: bool,
}

/// A forecast of spread for one place and horizon, and what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Name of the model.
    pub model: String,
    /// The task of the count.
    pub task: Task,
    /// Probabilities of the five classes of change.
    pub classes: [f64; 5],
    /// How often each happened at this time of earlier seasons.
    pub climatology: [f64; 5],
    /// The class that came.
    pub class: usize,
    /// Whether the target week has more than the last week known at the reference date.
    pub rises: Event,
    /// Whether the disease arrives; `None`: the place is not quiet.
    pub arrives: Option<Event>,
}

/// The hub as it was known at each reference date, and the truth.
pub(crate) struct Ground {
    target: String,
    pub(crate) rate_change: &'static str,
    locations: Locations,
    /// What is to be said of them.
    pub(crate) note: Option<String>,
    known: BTreeMap<NaiveDate, Known>,
    truth: Known,
    /// Rows of the target data that were not used.
    pub(crate) unused: Unused,
}

impl Ground {
    /// Reads what is needed for these reference dates of `target`; `None` if its hub has no classes.
    pub(crate) fn open(
        hub: &Path,
        target: &str,
        truth_as_of: Option<NaiveDate>,
        dates: &BTreeSet<NaiveDate>,
    ) -> Result<Option<Self>, HubError> {
        let profile = profile_of(target)?;
        let Some(rate_change) = profile.rate_change else { return Ok(None) };
        let (listed, mut note) = Locations::of_hub(hub, profile.national)?;
        let mut locations = listed.unwrap_or_default();
        if profile.national.is_some() {
            note = locations.complete().or(note);
        }
        let archive = Archive::read(hub, &[target], truth_as_of)?;
        let cut: Vec<NaiveDate> = dates.iter().map(|day| *day - Duration::days(profile.lag_days)).collect();
        let known = dates.iter().copied().zip(archive.known(&cut)).collect();
        let last: Vec<NaiveDate> = archive.days().next_back().into_iter().collect();
        let truth = archive.known(&last).pop().unwrap_or_default();
        let (target, unused) = (target.to_owned(), archive.unused().clone());
        Ok(Some(Self { target, rate_change, locations, note, known, truth, unused }))
    }

    /// The forecasts of a model whose truth is known; its own classes where it gives some, else those of its quantiles.
    /// Whose own classes are no forecast (`broken`) is left out: what its quantiles say is not what it said of them.
    pub(crate) fn score(
        &self,
        model: &str,
        output: &ModelOutput,
        broken: &BTreeMap<Task, String>,
    ) -> Vec<Spread> {
        let mut climates: BTreeMap<(NaiveDate, i32), Option<Climate>> = BTreeMap::new();
        let quantiles = output.quantiles.iter().filter(|(task, _)| task.target == self.target);
        let mut all = Vec::new();
        for (task, quantiles) in quantiles {
            let said = Task { target: self.rate_change.to_owned(), ..task.clone() };
            if broken.contains_key(&said) {
                continue;
            }
            let climate = climates
                .entry((task.reference_date, task.horizon))
                .or_insert_with(|| self.climate(task.reference_date, task.horizon));
            let own = output.classes.get(&said);
            all.extend(climate.as_ref().and_then(|c| self.one(model, task, quantiles, own, c)));
        }
        all
    }

    fn one(
        &self,
        model: &str,
        task: &Task,
        quantiles: &epimodels::Quantiles,
        own: Option<&[f64; 5]>,
        climate: &Climate,
    ) -> Option<Spread> {
        let key = SeriesKey { target: self.target.clone(), location: task.location.clone() };
        let from = base_week(task.reference_date);
        let base = *self.known.get(&task.reference_date)?.get(&key)?.get(&from)?;
        let truth = self.truth.get(&key)?;
        let (before, then) = (*truth.get(&from)?, *truth.get(&task.target_end_date)?);
        let population = self.locations.get(&task.location)?.population?;
        let limits = limits_of(task.reference_date, task.horizon, population)?;
        let classes = match own {
            Some(own) => *own,
            None => of_quantiles(task, quantiles, base, population)?.probabilities(),
        };
        // Where no season before is known, each is as likely as any other.
        let arrives = ARRIVAL.probability(quantiles, base, population).map(|probability| Event {
            probability,
            climatology: climate.arrives.unwrap_or(0.5),
            happened: ARRIVAL.has_come(then, population),
        });
        Some(Spread {
            model: model.to_owned(),
            task: task.clone(),
            classes,
            climatology: climate.classes.unwrap_or([0.2; 5]),
            class: class_of(then - before, limits),
            rises: Event {
                probability: rise(quantiles, base),
                climatology: climate.rises.unwrap_or(0.5),
                happened: then > before,
            },
            arrives,
        })
    }

    /// How often the same happened at this time of the earlier seasons, in all places, as far as it was known at the
    /// reference date.
    fn climate(&self, date: NaiveDate, horizon: i32) -> Option<Climate> {
        let known = self.known.get(&date)?.iter();
        let pasts: Option<Vec<Past<'_>>> = known
            .filter_map(|(key, weeks)| Some((weeks, self.locations.get(&key.location)?.population?)))
            .map(|(weeks, people)| {
                let limits = limits_of(date, horizon, people)?;
                Some(Past { weeks, limits, population: Some(people) })
            })
            .collect();
        Some(climate(pasts?, base_week(date), i64::from(horizon) + 1))
    }
}
