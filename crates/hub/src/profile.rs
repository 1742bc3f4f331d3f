use chrono::Weekday;
use epimodels::recipe::{Config, europe, us};

use crate::HubError;

/// What the forecaster needs to know of a hub: which of its targets it forecasts and how.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Name for people.
    pub name: &'static str,
    /// Targets of the hub that are learnt from, with the group of the recipe that each belongs to.
    pub targets: &'static [(&'static str, &'static str)],
    /// Weekday of a reference date.
    pub origin: Weekday,
    /// Days before the reference date after which nothing is used any more.
    pub lag_days: i64,
    /// Reference dates from one fit to the next.
    pub refit_every: usize,
    /// Location that stands for the whole country.
    pub national: Option<&'static str>,
    /// Series whose rows count several times (target, location).
    pub focus: &'static [(&'static str, &'static str)],
    /// Target of the five classes of change, in a file with the counts.
    pub rate_change: Option<&'static str>,
    /// Group of the recipe that the history file fills.
    pub history: Option<&'static str>,
    /// The recipe.
    pub recipe: fn() -> Config,
}

const PROFILES: [Profile; 2] = [
    Profile {
        name: "FluSight",
        targets: &[("wk inc flu hosp", "nhsn")],
        origin: Weekday::Sat,
        lag_days: 2,
        refit_every: 2,
        national: Some("US"),
        focus: &[],
        rate_change: Some("wk flu hosp rate change"),
        history: Some("ili_plus"),
        recipe: us,
    },
    Profile {
        name: "RespiCast",
        targets: &[("ILI incidence", "ili"), ("ARI incidence", "ari")],
        origin: Weekday::Wed,
        lag_days: 0,
        refit_every: 4,
        national: None,
        focus: &[("ILI incidence", "FR"), ("ILI incidence", "CH"), ("ARI incidence", "FR")],
        rate_change: None,
        history: None,
        recipe: europe,
    },
];

/// The profile that forecasts `target`.
///
/// # Errors
/// A sentence with the known targets.
pub fn profile_of(target: &str) -> Result<Profile, HubError> {
    let found = PROFILES.iter().find(|p| p.targets.iter().any(|(t, _)| *t == target));
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = PROFILES.iter().flat_map(|p| p.targets).map(|(t, _)| *t).collect();
        HubError::Argument(format!(
            "no recipe forecasts the target `{target}`; there is one for: {}",
            known.join(", ")
        ))
    })
}
