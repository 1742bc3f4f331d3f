//! The models that a profile may name, and which signals feed them.

use hub::Locations;
use store::places::Place;

/// A configuration of the recipe: the hub that it was measured on, and our names for the hub's targets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// The name in a profile.
    pub(crate) name: &'static str,
    /// Id in runs, model cards and the API.
    pub(crate) id: &'static str,
    /// Raised whenever the same rows would give other forecasts.
    pub(crate) version: &'static str,
    /// Target of the hub and signal of this platform.
    pub(crate) targets: &'static [(&'static str, &'static str)],
    /// Do the hub's locations have codes and populations of their own?
    pub(crate) coded: bool,
}

pub(crate) const MODELS: [Model; 2] = [
    Model {
        name: "us",
        id: "vigie-pool-us",
        version: "2",
        targets: &[("wk inc flu hosp", "flu_hosp_admissions")],
        coded: true,
    },
    Model {
        name: "europe",
        id: "vigie-pool-europe",
        version: "2",
        targets: &[("ILI incidence", "ili_incidence"), ("ARI incidence", "ari_incidence")],
        coded: false,
    },
];

impl Model {
    /// The model that a profile names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        MODELS.into_iter().find(|m| m.name == name)
    }

    /// The hub's target for a signal.
    pub(crate) fn target(&self, signal: &str) -> Option<&'static str> {
        self.targets.iter().find(|(_, s)| *s == signal).map(|(target, _)| *target)
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
            for (target, _) in model.targets {
                let profile = hub::profile_of(target).unwrap();
                assert!(profile.targets.iter().any(|(t, _)| t == target), "{target}");
            }
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
                    assert!(model.target(signal.id.as_str()).is_some(), "{}", signal.id);
                }
            }
        }
    }
}
