use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use crate::{HubError, table};

/// A place of a hub.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// Code in the `location` column.
    pub code: String,
    /// Abbreviation.
    pub abbreviation: String,
    /// Name.
    pub name: String,
    /// Persons, where the file gives them.
    pub population: Option<f64>,
}

/// The places of a hub, by code.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Locations(BTreeMap<String, Location>);

/// Locations and populations of FluSight, season 2024-25 (cdcepi/FluSight-forecast-hub, MIT).
pub(crate) const FLUSIGHT: &str = include_str!("../data/flusight-locations.csv");

impl Locations {
    /// Reads `auxiliary-data/locations.csv` or any table with a column `location`.
    ///
    /// # Errors
    /// A file that cannot be read, has no `location` column or no row.
    pub fn read(path: &Path) -> Result<Self, HubError> {
        let mut all = BTreeMap::new();
        let columns = ["location|iso2_code", "abbreviation?", "location_name?", "population?"];
        table::for_each(path, &columns, |row| {
            let code = row.place(0)?.into_owned();
            let or_code = |column| {
                if row.has(column) { row.text(column).map(Cow::into_owned) } else { Ok(code.clone()) }
            };
            let (abbreviation, name, population) = (or_code(1)?, or_code(2)?, row.number(3)?);
            all.insert(code.clone(), Location { code, abbreviation, name, population });
            Ok(())
        })?;
        if all.is_empty() {
            return Err(HubError::content(path, "lists no location"));
        }
        Ok(Self(all))
    }

    /// Locations and populations of FluSight, season 2024-25, which this program carries.
    #[must_use]
    pub fn flusight() -> Self {
        let mut all = BTreeMap::new();
        for line in FLUSIGHT.lines().skip(1) {
            if let [abbreviation, code, name, population] = line.split(',').collect::<Vec<_>>()[..] {
                let place = Location {
                    code: code.to_owned(),
                    abbreviation: abbreviation.to_owned(),
                    name: name.to_owned(),
                    population: population.parse().ok(),
                };
                all.insert(place.code.clone(), place);
            }
        }
        Self(all)
    }

    /// The places of a hub: those of its `auxiliary-data/locations.csv`; without that file those of FluSight, where the
    /// targets have a national place (as [`Profile`](crate::Profile) says), else `None`: all that the target data has. And
    /// what there is to say of it.
    ///
    /// # Errors
    /// As [`Locations::read`], of the file that is there.
    pub(crate) fn of_hub(
        hub: &Path,
        national: Option<&str>,
    ) -> Result<(Option<Self>, Option<String>), HubError> {
        let path = hub.join("auxiliary-data").join("locations.csv");
        if path.is_file() {
            return Ok((Some(Self::read(&path)?), None));
        }
        let (listed, instead) = match national {
            Some(_) => (Some(Self::flusight()), "the places and populations of FluSight, 2024-25"),
            None => (None, "every place of the target data"),
        };
        Ok((listed, Some(format!("no auxiliary-data/locations.csv: {instead}"))))
    }

    /// Fills in populations that are missing and that FluSight's list has, and says of which places.
    pub(crate) fn complete(&mut self) -> Option<String> {
        let known = Self::flusight();
        let mut filled = Vec::new();
        for place in self.0.values_mut().filter(|p| p.population.is_none_or(|n| n <= 0.0)) {
            if let Some(population) = known.get(&place.code).and_then(|k| k.population) {
                place.population = Some(population);
                filled.push(place.code.clone());
            }
        }
        let places = filled.join(", ");
        (!filled.is_empty()).then(|| {
            format!(
                "auxiliary-data/locations.csv gives no population of {places}: those of FluSight, 2024-25, are used"
            )
        })
    }

    /// Places without names or populations.
    pub(crate) fn bare(codes: impl IntoIterator<Item = String>) -> Self {
        let place = |code: String| {
            let (abbreviation, name) = (code.clone(), code.clone());
            (code.clone(), Location { code, abbreviation, name, population: None })
        };
        Self(codes.into_iter().map(place).collect())
    }

    /// The place of this code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Location> {
        self.0.get(code)
    }

    /// All places, in order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &Location> {
        self.0.values()
    }

    pub(crate) fn csv(&self) -> String {
        let mut text = String::from("abbreviation,location,location_name,population\n");
        for place in self.iter() {
            let population = place.population.map(|p| p.to_string()).unwrap_or_default();
            let name = if place.name.contains([',', '"']) {
                format!("\"{}\"", place.name.replace('"', "\"\""))
            } else {
                place.name.clone()
            };
            text += &format!("{},{},{name},{population}\n", place.abbreviation, place.code);
        }
        text
    }
}
