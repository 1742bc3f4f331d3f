//! Which places a backtest forecasts, and what it says of those that it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{Datelike, Duration, NaiveDate, Weekday};
use epimodels::recipe::{Config, Forecast, Panel, Scale, Size};

use crate::profile::Profile;
use crate::series::SeriesKey;
use crate::{HubError, Locations};

/// The places of a hub, and what a series of one must have.
pub(super) struct Places {
    /// As the hub lists them; `None`: all that its target data has.
    pub(super) listed: Option<Locations>,
    /// What to say of the list.
    pub(super) note: Option<String>,
    /// Groups of series that are nothing without a population.
    counted: Vec<String>,
    profile: Profile,
}

impl Places {
    pub(super) fn read(hub: &Path, profile: &Profile, config: &Config) -> Result<Self, HubError> {
        let (mut listed, mut note) = Locations::of_hub(hub, profile.national)?;
        if let (Some(listed), Some(_)) = (&mut listed, profile.national) {
            note = listed.complete().or(note);
        }
        let by_population = |scale| matches!(scale, Scale::Fixed { per_population: true, .. });
        let counted = config.groups.iter().filter(|g| by_population(g.scale) || g.size == Size::LnPopulation);
        let counted = counted.map(|g| g.name.clone()).collect();
        Ok(Self { listed, note, counted, profile: profile.clone() })
    }

    /// The largest figure that there can be of a series, or why it is not used.
    pub(super) fn bound(&self, key: &SeriesKey) -> Result<f64, String> {
        let place = match &self.listed {
            None => None,
            Some(all) => Some(all.get(&key.location).ok_or_else(|| {
                format!("location `{}` is not in auxiliary-data/locations.csv", key.location)
            })?),
        };
        let people = place.and_then(|p| p.population).filter(|p| *p > 0.0);
        let group = self.profile.group_of(&key.target);
        if people.is_none() && self.counted.iter().any(|g| Some(g.as_str()) == group) {
            return Err(format!(
                "location `{}` has no population in auxiliary-data/locations.csv, and a count of persons is nothing without it",
                key.location
            ));
        }
        let form = self.profile.form.targets.iter().find(|t| t.target == key.target);
        let share = form.map(|t| t.most).filter(|most| *most <= 1.0);
        // A rate per 100,000 has no bound: ERVISS published 155,763 consultations (Slovakia), and the model was measured with
        // them in the pool.
        Ok(share.or(people.filter(|_| form.is_none_or(|t| t.most.is_infinite()))).unwrap_or(f64::INFINITY))
    }
}

/// The day on which the weeks of a recipe end.
pub(super) fn last_day_of_week(config: &Config, origin: NaiveDate) -> Weekday {
    (origin + Duration::days(config.horizon_zero_days)).weekday()
}

/// The places that have no forecast of some horizon, with the last week known of each; nothing if all have all.
pub(super) fn without(panel: &Panel, made: &[Forecast], places: &Locations, config: &Config) -> String {
    let wanted = usize::try_from(config.horizons.1 - config.horizons.0 + 1).unwrap_or(0);
    let mut horizons: BTreeMap<&str, usize> = BTreeMap::new();
    made.iter().for_each(|f| *horizons.entry(&f.series).or_default() += 1);
    let mut said = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for series in panel.series.iter().filter(|s| s.forecast) {
        let place = series.id.split_once('/').map_or(series.id.as_str(), |(_, place)| place);
        known.insert(place);
        let found = horizons.get(series.id.as_str()).copied().unwrap_or(0);
        if found < wanted {
            let last = series.last_known().map_or("nothing known".into(), |w| format!("known to {w}"));
            let part = if found > 0 { format!("{found} of {wanted} horizons, ") } else { String::new() };
            said.push(format!("{place} ({part}{last})"));
        }
    }
    let unknown = places.iter().map(|l| l.code.as_str()).filter(|code| !known.contains(code));
    said.extend(unknown.map(|place| format!("{place} (nothing known)")));
    said.join(", ")
}

/// The places of `made` whose last value is older than it is where nothing came late, by its week: it is carried forward, which
/// the bands do not know.
pub(super) fn older(panel: &Panel, made: &[Forecast], config: &Config) -> String {
    let Some(farthest) = made.iter().map(|f| f.target_end_date).max() else { return String::new() };
    let expected = farthest - Duration::weeks(i64::try_from(config.max_step).unwrap_or(0));
    let ids: BTreeSet<&str> = made.iter().map(|f| f.series.as_str()).collect();
    let mut weeks: BTreeMap<NaiveDate, Vec<&str>> = BTreeMap::new();
    for series in panel.series.iter().filter(|s| ids.contains(s.id.as_str())) {
        if let Some(last) = series.last_known().filter(|last| *last < expected) {
            let place = series.id.split_once('/').map_or(series.id.as_str(), |(_, place)| place);
            weeks.entry(last).or_default().push(place);
        }
    }
    let said = weeks.iter().map(|(week, places)| format!("of {week}: {}", places.join(", ")));
    said.collect::<Vec<_>>().join("; ")
}
