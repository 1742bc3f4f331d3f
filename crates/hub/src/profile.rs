use chrono::Weekday;
use epimodels::recipe::{Config, europe, us, us_covid, us_flu_visits, us_rsv};

use crate::HubError;
use crate::form::{self, Form};

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
    /// Location that stands for the whole country.
    pub national: Option<&'static str>,
    /// Series whose rows count several times (target, location).
    pub focus: &'static [(&'static str, &'static str)],
    /// Target of the five classes of change, in a file with the counts.
    pub rate_change: Option<&'static str>,
    /// How the hub takes forecasts from a team.
    pub form: &'static Form,
    /// Id of the model's card.
    pub card: &'static str,
    /// Group of the recipe that the history file fills.
    pub history: Option<&'static str>,
    /// Group of the recipe that the file of rates fills.
    pub rates: Option<&'static str>,
    /// Targets of other hubs that are only learnt from.
    pub pools: &'static [Pool],
    /// The recipe.
    pub recipe: fn() -> Config,
}

/// A target of another hub that is only learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// The target, as its hub names it.
    pub target: &'static str,
    /// Group of the recipe that it fills.
    pub group: &'static str,
    /// Where the project carries it with every issue, below its folder of data.
    pub file: &'static str,
}

const FLU: Pool = Pool {
    target: "wk inc flu hosp",
    group: "nhsn",
    file: "observations/cdc-flusight/flu_hosp_admissions.csv.gz",
};

/// What the hubs of the United States beside FluSight's admissions have in common.
const FURTHER: Profile = Profile {
    name: "",
    targets: &[],
    origin: Weekday::Sat,
    lag_days: 2,
    national: Some("US"),
    focus: &[],
    rate_change: None,
    form: &form::FLUSIGHT,
    card: "vigie-pool-us",
    history: Some("ili_plus"),
    rates: None,
    pools: &[FLU],
    recipe: us,
};

const PROFILES: [Profile; 5] = [
    Profile {
        name: "FluSight",
        targets: &[("wk inc flu hosp", "nhsn")],
        origin: Weekday::Sat,
        lag_days: 2,
        national: Some("US"),
        focus: &[],
        rate_change: Some("wk flu hosp rate change"),
        form: &form::FLUSIGHT,
        card: "vigie-pool-us",
        history: Some("ili_plus"),
        rates: Some("flusurv"),
        pools: &[],
        recipe: us,
    },
    Profile {
        name: "COVID-19 Forecast Hub",
        targets: &[("wk inc covid hosp", "covid_hosp"), ("wk inc covid prop ed visits", "covid_visits")],
        form: &form::COVID,
        card: "vigie-pool-us-covid",
        recipe: us_covid,
        ..FURTHER
    },
    Profile {
        name: "RSV Forecast Hub",
        targets: &[("wk inc rsv hosp", "rsv_hosp"), ("wk inc rsv prop ed visits", "rsv_visits")],
        form: &form::RSV,
        card: "vigie-pool-us-rsv",
        recipe: us_rsv,
        ..FURTHER
    },
    Profile {
        name: "FluSight, emergency visits",
        targets: &[("wk inc flu prop ed visits", "flu_visits")],
        card: "vigie-pool-us-flu-visits",
        recipe: us_flu_visits,
        ..FURTHER
    },
    Profile {
        name: "RespiCast",
        targets: &[("ILI incidence", "ili"), ("ARI incidence", "ari")],
        origin: Weekday::Wed,
        lag_days: 0,
        national: None,
        focus: &[("ILI incidence", "FR"), ("ILI incidence", "CH"), ("ARI incidence", "FR")],
        rate_change: None,
        form: &form::RESPICAST,
        card: "vigie-pool-europe",
        history: None,
        rates: None,
        pools: &[],
        recipe: europe,
    },
];

impl Profile {
    /// The group of the recipe that a target belongs to, whether it is forecast or only learnt from.
    #[must_use]
    pub fn group_of(&self, target: &str) -> Option<&'static str> {
        let own = self.targets.iter().find(|(t, _)| *t == target).map(|(_, group)| *group);
        own.or_else(|| self.pools.iter().find(|p| p.target == target).map(|p| p.group))
    }
}

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
