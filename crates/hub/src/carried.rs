//! Series of other diseases that the project carries with every issue: what a model may learn from beside its hub.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use epimodels::recipe::{Issue, Series, as_known};

use crate::{HubError, Locations, table};

/// Issues of one carried signal, by the hub's code of the place.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    group: &'static str,
    issues: BTreeMap<String, Vec<Issue>>,
}

impl Carried {
    /// Reads a file of `data/observations`: `place, reference_date, issued_at, value`. Places that the hub does not
    /// list are left out.
    pub(crate) fn read(path: &Path, group: &'static str, locations: &Locations) -> Result<Self, HubError> {
        let code_of: BTreeMap<&str, &str> =
            locations.iter().map(|l| (l.abbreviation.as_str(), l.code.as_str())).collect();
        let mut issues: BTreeMap<String, Vec<Issue>> = BTreeMap::new();
        table::for_each(path, &["place", "reference_date", "issued_at", "value"], |row| {
            let place = row.text(0)?;
            let abbreviation = place.split_once('-').map_or(place.as_ref(), |(_, rest)| rest);
            if let Some(code) = code_of.get(abbreviation) {
                let issue = Issue { week: row.day(1)?, issued: row.day(2)?, value: row.number(3)? };
                issues.entry((*code).to_owned()).or_default().push(issue);
            }
            Ok(())
        })?;
        Ok(Self { group, issues })
    }

    /// The series as known at the end of `day`, to learn from.
    pub(crate) fn known(&self, locations: &Locations, national: Option<&str>, day: NaiveDate) -> Vec<Series> {
        let series = |(code, issues): (&String, &Vec<Issue>)| {
            let (first, values) = as_known(issues, day)?;
            let mut series = Series::new(format!("{}/{code}", self.group), self.group, first, values);
            series.population = Some(locations.get(code)?.population?);
            series.national = national == Some(code.as_str());
            Some(series)
        };
        self.issues.iter().filter_map(series).collect()
    }
}
