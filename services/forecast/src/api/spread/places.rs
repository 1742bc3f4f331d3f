//! What is said of each place.

use crate::api::answer::ReasonWord;
use domain::CountryProfile;
use domain::profile::{NATION, Signal};
use serde::Serialize;
use store::forecasts::{Arrival, Trend};
use store::places::Place;
use utoipa::ToSchema;

/// The definition of an arrival, for counts of persons: in a place that was quiet in the last week known, the target week has
/// as many as make it arrived.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ArrivalLimits {
    /// Fewer weekly persons per 100,000 than this: quiet.
    pub(super) quiet_below_per_100k: f64,
    /// So many or more: arrived.
    pub(super) arrived_from_per_100k: f64,
}

/// One place: probabilities that sum to 1, or why there are none.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PlaceTrend {
    pub(super) place: String,
    pub(super) level: String,
    pub(super) trend: Option<Classes>,
    /// Does the disease arrive? `null` where there is no trend.
    pub(super) arrives: Option<Arrives>,
    /// Why there is no trend.
    pub(super) not_estimated: Option<ReasonWord>,
}

/// Probabilities.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Classes {
    pub(super) large_decrease: f64,
    pub(super) decrease: f64,
    pub(super) stable: f64,
    pub(super) increase: f64,
    pub(super) large_increase: f64,
    /// That the value is above the last one known.
    pub(super) rises: f64,
}

/// Whether the disease arrives in the target week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Arrives {
    pub(super) status: ArrivesStatus,
    /// Of a place that is quiet.
    pub(super) probability: Option<f64>,
}

/// What can be said of an arrival.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ArrivesStatus {
    /// The place is quiet: there is a probability.
    Estimated,
    /// Not applicable: the disease is there already, and cannot arrive.
    AlreadyThere,
    /// Not applicable: the signal counts no persons, so that no rate of them is known.
    NotDefined,
    /// The run is from before arrivals were stored.
    NotComputed,
}

impl Arrives {
    /// From what a run stored; nothing is stored of a signal that counts no persons.
    pub(super) fn of(stored: Option<&Arrival>, signal: &Signal, place: &Place) -> Self {
        let counted = signal.counts_persons() && place.population.is_some();
        let status = match stored {
            Some(found) if found.probability.is_some() => ArrivesStatus::Estimated,
            Some(_) => ArrivesStatus::AlreadyThere,
            None if counted => ArrivesStatus::NotComputed,
            None => ArrivesStatus::NotDefined,
        };
        Self { status, probability: stored.and_then(|found| found.probability) }
    }
}

impl From<&Trend> for Classes {
    fn from(t: &Trend) -> Self {
        Self {
            large_decrease: t.large_decrease,
            decrease: t.decrease,
            stable: t.stable,
            increase: t.increase,
            large_increase: t.large_increase,
            rises: t.rises,
        }
    }
}

/// A signal of the same disease that is published for smaller places than the one asked for, and that no model of this platform
/// forecasts there.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Finer {
    signal: String,
    levels: Vec<String>,
}

/// Those of `signal` in its country.
pub(super) fn finer(profile: &CountryProfile, signal: &Signal) -> Vec<Finer> {
    let others = profile.signals.iter().filter(|s| s.disease == signal.disease && s.id != signal.id);
    let found = others.filter(|s| s.ended.is_none()).map(|s| {
        let open = |level: &&String| {
            *level != NATION && signal.source_at(level).is_none() && !s.is_forecast_at(level)
        };
        Finer { signal: s.id.to_string(), levels: s.sources.keys().filter(open).cloned().collect() }
    });
    found.filter(|f| !f.levels.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_for_smaller_places_is_named() {
        let named = |country: &str, signal: &str| {
            let path =
                format!("{}/../../clusters/{country}/profile/profile.toml", env!("CARGO_MANIFEST_DIR"));
            let profile = CountryProfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
            let signal = profile.signal(&signal.parse().unwrap()).unwrap().clone();
            finer(&profile, &signal)
                .into_iter()
                .map(|f| format!("{} {}", f.signal, f.levels.join(" ")))
                .collect::<Vec<_>>()
        };
        assert!(named("fr", "ili_incidence").contains(&"flu_ed_visits departement region".to_owned()));
        assert!(named("ch", "ili_incidence").contains(&"flu_cases_weekly canton".to_owned()));
        assert_eq!(named("us", "flu_hosp_admissions"), ["flu_ed_visits_percent county"]);
    }
}
