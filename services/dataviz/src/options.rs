//! What the form offers.

use crate::here::{Lang, Site};
use crate::question::nested;
use domain::CountryProfile;
use domain::profile::Signal;
use store::places::Place;

/// A choice in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
    pub(crate) chosen: bool,
}

/// Choices under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) choices: Vec<Choice>,
}

/// The signals, by disease: those with a source that is there. What is fetched live only has none before it was.
pub(crate) fn signals(site: &Site, lang: &Lang, chosen: &Signal, sources: &[String]) -> Vec<Group> {
    let profile = &site.app.profile;
    let there = |s: &&Signal| {
        s.id == chosen.id || s.sources.values().any(|id| sources.iter().any(|s| s == id.as_str()))
    };
    let group = |disease: &domain::profile::Disease| Group {
        label: lang.t(format!("disease.{}", disease.id)),
        choices: profile
            .signals_of(disease)
            .filter(there)
            .map(|s| Choice {
                value: s.id.to_string(),
                text: lang.t(format!("signal.{}", s.id)),
                chosen: s.id == chosen.id,
            })
            .collect(),
    };
    profile.diseases.iter().map(group).collect()
}

/// The places at which a signal is published, by level, each in the order of the language. Where it is published at a nested
/// level, all that are `all`: the way to a county leads over its state.
pub(crate) fn places(
    profile: &CountryProfile,
    lang: &Lang,
    signal: &Signal,
    all: &[Place],
    chosen: &str,
) -> Vec<Group> {
    let mut levels: Vec<&str> = Vec::new();
    let through = nested(profile, signal).next().is_some();
    for place in all.iter().filter(|p| through || signal.source_at(&p.level).is_some()) {
        if !levels.contains(&place.level.as_str()) {
            levels.push(&place.level);
        }
    }
    // The whole country first.
    levels.sort_by_key(|level| *level != domain::profile::NATION);
    let group = |level: &&str| {
        let mut choices: Vec<Choice> = all
            .iter()
            .filter(|p| p.level == **level)
            .map(|p| Choice { value: p.id.clone(), text: lang.place(p).to_owned(), chosen: p.id == chosen })
            .collect();
        choices.sort_by(|a, b| lang.formats.compare(&a.text, &b.text));
        Group { label: lang.t(format!("level.{level}")), choices }
    };
    levels.iter().map(group).collect()
}
