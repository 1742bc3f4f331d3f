//! Where it rises, where it falls and where it arrives: probabilities of FluSight's five classes, and of an arrival, from
//! the quantiles of a forecast.

use chrono::NaiveDate;
use domain::profile::{Signal, Unit};
use epimodels::arrival::ARRIVAL;
use epimodels::quantile::{Quantiles, linear};
use epimodels::trend::{FLUSIGHT, Thresholds, classes, limits, rise};
use std::collections::BTreeMap;
use store::forecasts::{Arrival, Trend};

/// The height of a season, in weekly persons per 100,000, that FluSight's thresholds are made for: what the recipe
/// assumes of a place that it does not know yet.
const HEIGHT: f64 = 6.0;

/// What a series is measured in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// Persons, in a place of this population: FluSight's thresholds as they are.
    Persons(f64),
    /// Something else: FluSight's thresholds as shares of the height of a season, 5 % to 17 % for "stable" and 28 %
    /// to 83 % for "large", of this height.
    Height(f64),
}

impl Measure {
    /// That of a signal in a place with the population that its model was measured with ([`super::Model::location`]: the
    /// hub's own, by which its thresholds are counts of persons), from what is known of it; `None` of a rate that was never
    /// above nothing.
    pub(crate) fn of(
        signal: &Signal,
        population: Option<f64>,
        weeks: &BTreeMap<NaiveDate, f64>,
    ) -> Option<Self> {
        match (signal.unit, population) {
            (Unit::Persons, Some(population)) => Some(Self::Persons(population)),
            _ => height(&weeks.values().copied().collect::<Vec<_>>()).map(Self::Height),
        }
    }

    /// The population, of a count of persons.
    pub(crate) fn population(self) -> Option<f64> {
        match self {
            Self::Persons(population) => Some(population),
            Self::Height(_) => None,
        }
    }

    /// The changes at which "stable" ends and "large" begins, `step` weeks (1 to 4) after the last value.
    pub(crate) fn limits(self, step: usize) -> Option<(f64, f64)> {
        let thresholds: Thresholds = *FLUSIGHT.get(step.checked_sub(1)?)?;
        Some(match self {
            Self::Persons(population) => limits(population, thresholds),
            Self::Height(height) => {
                let share = height / HEIGHT;
                (thresholds.stable * share, thresholds.large * share)
            }
        })
    }
}

/// The height of the seasons of a series: its 95 % quantile.
fn height(values: &[f64]) -> Option<f64> {
    linear(values, 0.95).filter(|h| *h > 0.0)
}

/// The classes of a forecast `step` weeks (1 to 4) after the `last` observed value.
pub(crate) fn of_forecast(
    place: &str,
    horizon: i32,
    step: usize,
    quantiles: &Quantiles,
    last: f64,
    measure: Measure,
) -> Option<Trend> {
    let (stable, large) = measure.limits(step)?;
    let found = classes(quantiles, last, stable, large);
    Some(Trend {
        place_id: place.to_owned(),
        horizon,
        large_decrease: found.large_decrease,
        decrease: found.decrease,
        stable: found.stable,
        increase: found.increase,
        large_increase: found.large_increase,
        rises: rise(quantiles, last),
    })
}

/// Whether the disease arrives in the week of a forecast after the `last` observed value; `None` for what is no count of
/// persons.
pub(crate) fn arrival(
    place: &str,
    horizon: i32,
    quantiles: &Quantiles,
    last: f64,
    measure: Measure,
) -> Option<Arrival> {
    let population = measure.population()?;
    let probability = ARRIVAL.probability(quantiles, last, population).map(|p| p.clamp(0.0, 1.0));
    let state = if probability.is_some() { "quiet" } else { "present" };
    Some(Arrival { place_id: place.to_owned(), horizon, state: state.to_owned(), probability })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_judged_by_the_height_of_its_seasons() {
        let quantiles: Quantiles = std::array::from_fn(|i| 200.0 + i as f64);
        let low = of_forecast("FR", 1, 1, &quantiles, 100.0, Measure::Height(300.0)).unwrap();
        assert!(low.large_increase > 0.99 && low.rises > 0.99, "{low:?}");
        let high = of_forecast("FR", 1, 1, &quantiles, 210.0, Measure::Height(3000.0)).unwrap();
        assert!(high.stable > 0.99, "{high:?}");
        assert!(arrival("FR", 1, &quantiles, 100.0, Measure::Height(300.0)).is_none());
        let quiet = arrival("FR", 1, &quantiles, 100.0, Measure::Persons(21.1e6)).unwrap();
        assert_eq!(quiet.state, "quiet", "{quiet:?}");
        assert!((quiet.probability.unwrap() - 0.5).abs() < 1e-9, "211 is the median: {quiet:?}");
        let present = arrival("FR", 1, &quantiles, 110.0, Measure::Persons(21.1e6)).unwrap();
        assert_eq!((present.state.as_str(), present.probability), ("present", None));
        assert!(of_forecast("FR", 5, 5, &quantiles, 1.0, Measure::Height(1.0)).is_none());
    }
}
