//! The models that a profile may name, and which signals feed them.

use hub::Locations;
use store::places::Place;

/// A hub's target, and the signal of this platform that has its figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Feed {
    /// The target, as its hub names it.
    pub(crate) target: &'static str,
    /// Our name for it.
    pub(crate) signal: &'static str,
    /// The hub's unit in ours: 100 where the hub has a proportion and we have percent.
    pub(crate) unit: f64,
}

/// A configuration of the recipe: the hub that it was measured on, and where the figures come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// The name in a profile.
    pub(crate) name: &'static str,
    /// Id in runs, model cards and the API.
    pub(crate) id: &'static str,
    /// Raised whenever the same rows would give other forecasts.
    pub(crate) version: &'static str,
    /// What it forecasts and what it learns from.
    pub(crate) feeds: &'static [Feed],
    /// Do the hub's locations have codes and populations of their own?
    pub(crate) coded: bool,
}

const fn same(target: &'static str, signal: &'static str) -> Feed {
    Feed { target, signal, unit: 1.0 }
}

const fn percent(target: &'static str, signal: &'static str) -> Feed {
    Feed { target, signal, unit: 100.0 }
}

const FLU: Feed = same("wk inc flu hosp", "flu_hosp_admissions");

pub(crate) const MODELS: [Model; 5] = [
    Model { name: "us", id: "vigie-pool-us", version: "4", feeds: &[FLU], coded: true },
    Model {
        name: "us-covid",
        id: "vigie-pool-us-covid",
        version: "2",
        feeds: &[
            same("wk inc covid hosp", "covid_hosp_admissions"),
            percent("wk inc covid prop ed visits", "covid_ed_visits_percent"),
            FLU,
        ],
        coded: true,
    },
    Model {
        name: "us-rsv",
        id: "vigie-pool-us-rsv",
        version: "2",
        feeds: &[
            same("wk inc rsv hosp", "rsv_hosp_admissions"),
            percent("wk inc rsv prop ed visits", "rsv_ed_visits_percent"),
            FLU,
        ],
        coded: true,
    },
    Model {
        name: "us-flu-visits",
        id: "vigie-pool-us-flu-visits",
        version: "1",
        feeds: &[percent("wk inc flu prop ed visits", "flu_ed_visits_percent"), FLU],
        coded: true,
    },
    Model {
        name: "europe",
        id: "vigie-pool-europe",
        version: "5",
        feeds: &[same("ILI incidence", "ili_incidence"), same("ARI incidence", "ari_incidence")],
        coded: false,
    },
];

impl Model {
    /// The model that a profile names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        MODELS.into_iter().find(|m| m.name == name)
    }

    /// Does it learn from admission rates of earlier seasons?
    ///
    /// # Errors
    /// When it feeds a target that no hub has.
    pub(crate) fn rates(&self) -> Result<bool, hub::HubError> {
        let first = self.feeds.first().map(|feed| hub::profile_of(feed.target)).transpose()?;
        Ok(first.is_some_and(|profile| profile.rates.is_some()))
    }

    /// Where the figures of a signal go.
    pub(crate) fn feed(&self, signal: &str) -> Option<&'static Feed> {
        self.feeds.iter().find(|feed| feed.signal == signal)
    }

    /// The hub's code of a place and the population that the model was measured with; `None`: no place of the hub.
    pub(crate) fn location(&self, locations: &Locations, place: &Place) -> Option<(String, Option<f64>)> {
        if !self.coded {
            return Some((place.id.clone(), place.population.map(|p| p as f64)));
        }
        let abbreviation = place.id.split_once('-').map_or(place.id.as_str(), |(_, rest)| rest);
        let found = locations.iter().find(|l| l.abbreviation == abbreviation)?;
        Some((found.code.clone(), found.population))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_one_that_the_hubs_know() {
        for model in MODELS {
            let profile = hub::profile_of(model.feeds[0].target).unwrap();
            for feed in model.feeds {
                assert!(profile.group_of(feed.target).is_some(), "{}", feed.target);
            }
            let learnt = profile.targets.len() + profile.pools.len();
            assert_eq!(model.feeds.len(), learnt, "{} leaves out what its hub learns from", model.name);
        }
        assert!(Model::named("mars").is_none());
    }

    #[test]
    fn every_model_of_a_profile_exists_and_forecasts_its_signal() {
        for country in ["us", "fr", "ch"] {
            let path =
                format!("{}/../../clusters/{country}/profile/profile.toml", env!("CARGO_MANIFEST_DIR"));
            let profile = domain::CountryProfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
            for signal in &profile.signals {
                if let Some(plan) = &signal.forecast {
                    let model = Model::named(&plan.model).unwrap();
                    assert!(model.feed(signal.id.as_str()).is_some(), "{}", signal.id);
                }
            }
        }
    }
}
