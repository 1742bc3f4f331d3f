//! Which place a publisher means: FIPS, INSEE and ISO codes and names, from one table.

use domain::PlaceId;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// A place as the project names it; populations are added by the extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Our id.
    pub id: PlaceId,
    /// `nation`, `state`, `region`, `departement`, `canton`, `county`.
    pub level: String,
    /// Where it lies; empty for most nations.
    pub parent: String,
    /// The national code: FIPS, INSEE, BFS; ISO 3166 alpha-3 for nations.
    pub code: String,
    /// Language to name.
    pub names: BTreeMap<String, String>,
    /// Other names that publishers use.
    pub aliases: Vec<String>,
    /// Inhabitants, of counties only: those of other places are added by the extract, from the recording.
    pub population: Option<i64>,
}

impl Place {
    /// As the database keeps it, without population.
    #[must_use]
    pub fn to_stored(&self) -> store::places::Place {
        store::places::Place {
            id: self.id.to_string(),
            level: self.level.clone(),
            parent: Some(self.parent.clone()).filter(|p| !p.is_empty()),
            population: self.population,
            names: sqlx::types::Json(self.names.clone()),
        }
    }
}

/// The columns that hold names, by language.
pub const LANGUAGES: [&str; 4] = ["en", "fr", "de", "it"];

static TABLE: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("places.csv").as_bytes());
    let rows = reader.records().flatten();
    rows.filter_map(|r| {
        let cell = |i: usize| r.get(i).unwrap_or("").to_owned();
        let names = LANGUAGES.iter().zip(4..).map(|(l, i)| ((*l).to_owned(), cell(i)));
        Some(Place {
            id: PlaceId::new(cell(0)).ok()?,
            level: cell(1),
            parent: cell(2),
            code: cell(3),
            names: names.filter(|(_, name)| !name.is_empty()).collect(),
            aliases: cell(8).split('|').filter(|a| !a.is_empty()).map(str::to_owned).collect(),
            population: None,
        })
    })
    .collect()
});

/// US counties with their populations of 2019 (Census estimate), named as the Census names them: thirty are called
/// Washington County, so the state stands behind.
static COUNTIES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("places_counties.csv").as_bytes());
    let rows = reader.records().flatten();
    let states: HashMap<&str, &Place> = TABLE.iter().map(|p| (p.id.as_str(), p)).collect();
    rows.filter_map(|r| {
        let cell = |i: usize| r.get(i).unwrap_or("").to_owned();
        let state = states.get(r.get(1)?)?.names.get("en")?;
        Some(Place {
            id: PlaceId::new(cell(0)).ok()?,
            level: cell(2),
            parent: cell(1),
            code: cell(0).trim_start_matches("US:").to_owned(),
            names: BTreeMap::from([("en".to_owned(), format!("{}, {state}", cell(3)))]),
            aliases: Vec::new(),
            population: cell(4).parse().ok(),
        })
    })
    .collect()
});

static BY_ID: LazyLock<HashMap<&'static str, &'static Place>> =
    LazyLock::new(|| TABLE.iter().chain(COUNTIES.iter()).map(|p| (p.id.as_str(), p)).collect());

static BY_CODE: LazyLock<HashMap<(&'static str, &'static str), &'static Place>> = LazyLock::new(|| {
    let coded = TABLE.iter().filter(|p| !p.code.is_empty());
    coded.map(|p| ((p.level.as_str(), p.code.as_str()), p)).collect()
});

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), &'static Place>> = LazyLock::new(|| {
    let names = |p: &'static Place| p.names.get("en").into_iter().chain(&p.aliases).map(move |n| (n, p));
    TABLE.iter().flat_map(names).map(|(n, p)| ((p.level.as_str(), n.as_str()), p)).collect()
});

/// All places but counties, by id.
#[must_use]
pub fn all() -> &'static [Place] {
    &TABLE
}

/// The counties, by id.
#[must_use]
pub fn counties() -> &'static [Place] {
    &COUNTIES
}

/// All that is known of the place with our id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Place> {
    BY_ID.get(id).copied()
}

/// The place with our id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static PlaceId> {
    BY_ID.get(id).map(|p| &p.id)
}

/// The place of a level with a national code: (`state`, `06`), (`region`, `84`), (`nation`, `FRA`).
#[must_use]
pub fn by_code(level: &'static str, code: &str) -> Option<&'static PlaceId> {
    BY_CODE.get(&(level, code)).map(|p| &p.id)
}

/// The place of a level with an English name, or a name that publishers use for it.
#[must_use]
pub fn by_name(level: &'static str, name: &str) -> Option<&'static PlaceId> {
    BY_NAME.get(&(level, name)).map(|p| &p.id)
}

/// The US or one of its states by the hubs' `location`: `US`, or FIPS with its leading zero.
#[must_use]
pub fn us_location(location: &str) -> Option<&'static PlaceId> {
    if location == "US" { by_id("US") } else { by_code("state", location) }
}

/// What [`us_location`] finds the place by.
#[must_use]
pub fn us_code(place: &PlaceId) -> Option<&'static str> {
    let place = all().iter().find(|p| p.id == *place)?;
    Some(if place.parent.is_empty() { place.id.as_str() } else { place.code.as_str() })
}

/// A US county by its FIPS code, also as spreadsheets write it: `06037`, `6037`, `6037.0`.
#[must_use]
pub fn us_county(fips: &str) -> Option<&'static PlaceId> {
    let code = fips.strip_suffix(".0").unwrap_or(fips);
    by_id(&format!("US:{code:0>5}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_its_parents_exist() {
        assert_eq!(all().iter().filter(|p| p.level == "state").count(), 52);
        assert_eq!(all().iter().filter(|p| p.level == "region").count(), 18);
        assert_eq!(all().iter().filter(|p| p.level == "departement").count(), 101);
        assert_eq!(all().iter().filter(|p| p.level == "canton").count(), 26);
        for p in all() {
            assert!(p.parent.is_empty() || by_id(&p.parent).is_some(), "{}", p.id);
            assert!(!p.names.is_empty(), "{}", p.id);
        }
        assert_eq!(BY_ID.len() - COUNTIES.len(), include_str!("places.csv").lines().count() - 1);
        assert_eq!(COUNTIES.len(), include_str!("places_counties.csv").lines().count() - 1);
        assert_eq!(COUNTIES.iter().filter_map(|c| c.population).sum::<i64>(), 328_239_523);
        assert!(COUNTIES.iter().all(|c| c.level == "county" && by_id(&c.parent).is_some()));
        let names: BTreeMap<_, _> = COUNTIES.iter().map(|c| (&c.names["en"], &c.id)).collect();
        assert_eq!(names.len(), COUNTIES.len(), "no two counties have one name");
        assert_eq!(names[&"Washington County, Oregon".to_owned()].as_str(), "US:41067");
    }

    #[test]
    fn a_state_and_the_nation_are_found_by_their_code_again() {
        let states = || all().iter().filter(|p| p.id.as_str() == "US" || p.parent == "US");
        assert_eq!(states().count(), 53);
        for place in states() {
            assert_eq!(us_code(&place.id).and_then(us_location), Some(&place.id));
        }
    }

    #[test]
    fn publishers_codes_find_the_place() {
        assert_eq!(us_location("06").unwrap().as_str(), "US-CA");
        assert_eq!(by_code("region", "84").unwrap().as_str(), "FR-ARA");
        assert_eq!(by_code("departement", "2A").unwrap().as_str(), "FR:2A");
        assert_eq!(by_name("nation", "Czech Republic").unwrap().as_str(), "CZ");
        assert_eq!(by_code("nation", "CHE").unwrap().as_str(), "CH");
        assert!(us_location("60").is_none() && by_code("nation", "").is_none());
        for fips in ["06037", "6037", "6037.0"] {
            assert_eq!(us_county(fips).unwrap().as_str(), "US:06037");
        }
        assert!(us_county("").is_none() && us_county("90006").is_none(), "nobody's county");
    }
}
