use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use epimodels::trend::CLASSES;
use epimodels::{LEVELS, Quantiles};

use super::Task;
use crate::HubError;

/// What a model said of a task.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// NaN where nothing was said.
    quantiles: Quantiles,
    /// Place of the highest level that was said.
    highest: usize,
    classes: [f64; 5],
    pub(crate) samples: Vec<f64>,
    /// Names of the samples.
    drawn: BTreeSet<String>,
    /// The file, and the first row of the task in it.
    stands: Option<(Arc<Path>, usize)>,
    /// Why it is no forecast, with file and row; what else is said of the task does not count then.
    fault: Option<String>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            quantiles: [f64::NAN; 23],
            highest: 0,
            classes: [f64::NAN; 5],
            samples: Vec::new(),
            drawn: BTreeSet::new(),
            stands: None,
            fault: None,
        }
    }
}

impl Answer {
    /// Nothing said yet, in this file from this row on.
    pub(crate) fn new(file: &Arc<Path>, row: usize) -> Self {
        Self { stands: Some((Arc::clone(file), row)), ..Self::default() }
    }

    /// Notes that it is no forecast; the first reason stays.
    #[cold]
    pub(crate) fn spoil(&mut self, error: &HubError) {
        self.fault.get_or_insert_with(|| error.to_string());
    }

    /// Why it is no forecast.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Takes the quantile of a level, by its place among [`LEVELS`].
    ///
    /// # Errors
    /// What is wrong with it: it was said before, or it crosses one that was.
    pub(crate) fn quantile(&mut self, place: usize, value: f64) -> Result<(), String> {
        if !self.quantiles[place].is_nan() {
            return Err(twice(&LEVELS[place]));
        }
        // Levels mostly come in order: then there is none above.
        let above = (place < self.highest).then_some(place + 1..self.highest + 1);
        let said = |p: &usize| !self.quantiles[*p].is_nan();
        let lower = (0..place).rev().find(said).filter(|p| self.quantiles[*p] > value);
        let upper = above.and_then(|mut a| a.find(said)).filter(|p| self.quantiles[*p] < value);
        if let Some(other) = lower.or(upper) {
            return Err(crossing((LEVELS[place], value), (LEVELS[other], self.quantiles[other])));
        }
        self.highest = self.highest.max(place);
        self.quantiles[place] = value;
        Ok(())
    }

    /// Takes the probability of a class, by its place among [`CLASSES`].
    ///
    /// # Errors
    /// It was said before.
    pub(crate) fn class(&mut self, place: usize, probability: f64) -> Result<(), String> {
        if !self.classes[place].is_nan() {
            return Err(twice(&CLASSES[place]));
        }
        self.classes[place] = probability;
        Ok(())
    }

    /// Takes a sample.
    ///
    /// # Errors
    /// One of this name was given before.
    pub(crate) fn sample(&mut self, name: &str, value: f64) -> Result<(), String> {
        if !self.drawn.insert(name.to_owned()) {
            return Err(twice(&format!("sample {name}")));
        }
        self.samples.push(value);
        Ok(())
    }

    /// Whether some of the 23 quantiles are there, and not all.
    pub(crate) fn is_incomplete(&self) -> bool {
        let said = self.quantiles.iter().filter(|q| !q.is_nan()).count();
        self.fault.is_none() && said > 0 && said < self.quantiles.len()
    }

    /// Whether some of the five classes have a probability, and the five together are no forecast.
    pub(crate) fn has_broken_classes(&self) -> bool {
        self.fault.is_none() && self.classes.iter().any(|p| !p.is_nan()) && self.classes().is_none()
    }

    /// Why no probabilities of the five classes follow from what was said of them, with file and row; `None`: they do, or
    /// nothing was said.
    pub(crate) fn classes_fault(&self) -> Option<String> {
        let broken = || self.refuse("the five classes are not all there, or do not sum to 1").to_string();
        self.fault.clone().or_else(|| self.has_broken_classes().then(broken))
    }

    /// The 23 quantiles, if all are there.
    pub(crate) fn complete(&self) -> Option<Quantiles> {
        let whole = self.fault.is_none() && self.quantiles.iter().all(|v| v.is_finite());
        whole.then_some(self.quantiles)
    }

    /// The probabilities of the five classes, in order of [`CLASSES`], if all are there and they sum to 1.
    pub(crate) fn classes(&self) -> Option<[f64; 5]> {
        let all = self.classes;
        let sum: f64 = all.iter().sum();
        (self.fault.is_none() && all.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() < 1e-6).then_some(all)
    }

    /// What both say, if anything: a level, a class or a sample.
    pub(crate) fn clash(&self, other: &Self) -> Option<String> {
        let both = |a: &[f64], b: &[f64]| a.iter().zip(b).position(|(a, b)| !a.is_nan() && !b.is_nan());
        let level = both(&self.quantiles, &other.quantiles).map(|p| LEVELS[p].to_string());
        let class = || both(&self.classes, &other.classes).map(|p| CLASSES[p].to_owned());
        let sample = || self.drawn.intersection(&other.drawn).next().map(|name| format!("sample {name}"));
        level.or_else(class).or_else(sample)
    }

    /// The refusal of a later answer to a task, of which `id` stands in an earlier one.
    #[cold]
    pub(crate) fn said_before(&self, id: &str, model: &str, task: &Task, earlier: &Self) -> HubError {
        let (file, row) = earlier.place();
        let what = format!(
            "`{id}` of the forecast of {} stands in {} already (row {row} or below); keep one of them",
            named(model, task),
            file.display()
        );
        self.refuse(&what)
    }

    /// Adds what a later file says of the same task. Where both say the same, or their quantiles cross, it is no forecast.
    pub(crate) fn add(&mut self, later: Self, model: &str, task: &Task) {
        if let Some(id) = later.clash(self) {
            return self.spoil(&later.said_before(&id, model, task, self));
        }
        for (place, value) in later.quantiles.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            if let Err(what) = self.quantile(place, *value) {
                self.spoil(&later.refuse(&format!("{what} (of {}, in two files)", named(model, task))));
            }
        }
        let classes = self.classes.iter_mut().zip(later.classes);
        classes.filter(|(_, new)| !new.is_nan()).for_each(|(old, new)| *old = new);
        self.samples.extend(later.samples);
        self.drawn.extend(later.drawn);
        self.fault = self.fault.take().or(later.fault);
    }

    #[cold]
    fn refuse(&self, what: &str) -> HubError {
        let (file, row) = self.place();
        HubError::content(file, format!("row {row}: {what}"))
    }

    fn place(&self) -> (&Path, usize) {
        self.stands.as_ref().map_or((Path::new(""), 0), |(file, row)| (file, *row))
    }
}

fn named(model: &str, task: &Task) -> String {
    let Task { reference_date, target, horizon, location, .. } = task;
    format!("`{model}` for {reference_date}, `{target}`, horizon {horizon}, location {location}")
}

#[cold]
fn twice(id: &dyn std::fmt::Display) -> String {
    format!(
        "`{id}` of this model, date, target, horizon, week and location stands in a row before; keep one of them"
    )
}

#[cold]
fn crossing((level, value): (f64, f64), (other, there): (f64, f64)) -> String {
    format!(
        "the quantiles cross: that of level {level} is {value} and that of {other} is {there}; they must not fall while the level rises"
    )
}
