//! Which rows of the extract a country needs.

use domain::{CountryProfile, PlaceId};
use std::collections::{BTreeMap, BTreeSet};

/// What a model learns from besides the country's own figures: every place of these sources and signals.
struct Training {
    model: &'static str,
    tables: &'static [(&'static str, &'static str)],
}

/// By the model's name in the profile. A model that is not here learns from the country's own figures only.
const TRAINING: &[Training] = &[Training {
    model: "europe",
    tables: &[
        ("ecdc-erviss", "ari_incidence"),
        ("ecdc-erviss", "ili_incidence"),
        ("who-fluid", "ari_incidence"),
        ("who-fluid", "ili_incidence"),
    ],
}];

/// The tables to load, and of each all places or the country's own.
#[derive(Debug)]
pub struct Plan {
    nation: PlaceId,
    files: BTreeMap<(String, String), bool>,
    /// Tables of further sources, of which nothing may have been recorded.
    further: BTreeSet<(String, String)>,
}

impl Plan {
    /// What `profile` asks for.
    #[must_use]
    pub fn of(profile: &CountryProfile) -> Self {
        let (mut files, mut further) = (BTreeMap::new(), BTreeSet::new());
        for signal in &profile.signals {
            for source in signal.all_sources() {
                files.insert((source.to_string(), signal.id.to_string()), false);
            }
            further.extend(signal.further_sources.iter().map(|s| (s.to_string(), signal.id.to_string())));
        }
        for plan in profile.signals.iter().filter_map(|s| s.forecast.as_ref()) {
            for training in TRAINING.iter().filter(|t| t.model == plan.model) {
                for (source, signal) in training.tables {
                    files.insert(((*source).to_owned(), (*signal).to_owned()), true);
                }
            }
        }
        Self { nation: profile.nation.clone(), files, further }
    }

    /// Source and signal of each table that an extract carries. What may not be carried, or could not be recorded, comes
    /// from the publisher or not at all.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .keys()
            .filter(|(source, _)| carried(source))
            .map(|(source, signal)| (source.as_str(), signal.as_str()))
    }

    /// The sources of the tables that an extract carries.
    pub(super) fn carried_sources(&self) -> BTreeSet<&str> {
        self.files().map(|(source, _)| source).collect()
    }

    /// May the extract lack this table? It carries what was recorded, and a further source may have begun later.
    pub(super) fn may_lack(&self, source: &str, signal: &str) -> bool {
        self.further.contains(&(source.to_owned(), signal.to_owned()))
    }

    /// The sources of its tables.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<&str> {
        self.files.keys().map(|(source, _)| source.as_str()).collect()
    }

    /// The nation's code of three letters, by which publishers of many countries name it.
    #[must_use]
    pub fn nation_code(&self) -> &'static str {
        crate::places::find(self.nation.as_str()).map_or("", |place| place.code.as_str())
    }

    fn all_places(&self, source: &str, signal: &str) -> bool {
        self.files.get(&(source.to_owned(), signal.to_owned())).copied().unwrap_or(false)
    }

    /// Is this a place of the country?
    pub(super) fn has(&self, place: &str) -> bool {
        place.starts_with(self.nation.as_str())
            && PlaceId::new(place).is_ok_and(|p| p.nation() == self.nation)
    }

    /// Is a place's row of this table wanted?
    pub(super) fn takes(&self, source: &str, signal: &str, place: &PlaceId) -> bool {
        place.nation() == self.nation || self.all_places(source, signal)
    }

    /// Is this one of the tables, and the place's row wanted?
    #[must_use]
    pub fn wants(&self, source: &str, signal: &str, place: &PlaceId) -> bool {
        self.files.contains_key(&(source.to_owned(), signal.to_owned())) && self.takes(source, signal, place)
    }

    /// Says in a word which rows of a table are taken: another choice is another load.
    pub(super) fn scope(&self, source: &str, signal: &str) -> String {
        if self.all_places(source, signal) { "all".to_owned() } else { self.nation.to_string() }
    }

    /// The same for the small tables.
    pub(super) fn scope_of_records(&self) -> String {
        let sources: Vec<&str> = self.sources().into_iter().collect();
        format!("{}: {}", self.nation, sources.join(" "))
    }
}

/// Is it in the extract? A source that this program does not know is looked for there, so that its absence is an error.
fn carried(source: &str) -> bool {
    crate::sources::find(source).is_none_or(crate::Source::is_carried)
}
