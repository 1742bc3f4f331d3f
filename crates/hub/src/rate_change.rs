//! FluSight's target `wk flu hosp rate change`: by which of five classes the weekly rate will have changed since the
//! week before the reference date.

use chrono::{Duration, NaiveDate};
use epimodels::Quantiles;
use epimodels::recipe::season;
use epimodels::trend::{Thresholds, Trend, flusight, limits, trend};

use crate::model_output::Task;

/// The week that a change is counted from: the last that ended before the reference date.
pub(crate) fn base_week(reference_date: NaiveDate) -> NaiveDate {
    reference_date - Duration::weeks(1)
}

/// What divides the classes at a horizon, in the season of the reference date; `None` where FluSight defines nothing.
fn thresholds(reference_date: NaiveDate, horizon: i32) -> Option<Thresholds> {
    flusight(season(reference_date).year)?.get(usize::try_from(horizon).ok()?).copied()
}

/// Changes in persons at which "stable" ends and "large" begins.
pub(crate) fn limits_of(reference_date: NaiveDate, horizon: i32, population: f64) -> Option<(f64, f64)> {
    Some(limits(population, thresholds(reference_date, horizon)?))
}

/// Probabilities of the classes from the quantiles of the count, against the count of the base week.
pub(crate) fn of_quantiles(task: &Task, quantiles: &Quantiles, base: f64, population: f64) -> Option<Trend> {
    Some(trend(quantiles, base, population, thresholds(task.reference_date, task.horizon)?))
}
