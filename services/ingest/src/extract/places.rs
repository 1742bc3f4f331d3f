//! `places.csv`: the project's places with their populations.

use super::files::csv;
use crate::places::{self, LANGUAGES, Place};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the reference tables of the recording and joins their populations to the project's places.
pub(super) fn table(shared: &Path) -> anyhow::Result<Vec<u8>> {
    let populations = populations(shared)?;
    let header: Vec<&str> =
        ["id", "level", "parent", "population", "code"].into_iter().chain(LANGUAGES).collect();
    let row = |p: &Place| {
        let known = populations.get(p.id.as_str()).map(u64::to_string);
        let population = known.or_else(|| p.population.map(|n| n.to_string())).unwrap_or_default();
        let first = [p.id.to_string(), p.level.clone(), p.parent.clone(), population, p.code.clone()];
        let name = |l: &&str| p.names.get(*l).cloned().unwrap_or_default();
        first.into_iter().chain(LANGUAGES.iter().map(name)).collect::<Vec<_>>()
    };
    csv(&header, places::all().iter().chain(places::counties()).map(row))
}

/// Inhabitants by place. France and Switzerland are the sums of their regions and cantons.
fn populations(shared: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut all = BTreeMap::new();
    for (file, level, code, population) in [
        ("us_states.csv", "state", 1, 3),
        ("fr_regions.csv", "region", 0, 3),
        ("fr_departements.csv", "departement", 0, 4),
        ("ch_cantons.csv", "canton", 0, 4),
    ] {
        let path = shared.join("data/reference").join(file);
        let mut reader =
            csv::Reader::from_path(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        for record in reader.records() {
            let record = record.with_context(|| format!("{} is broken", path.display()))?;
            let (code, count) = (record.get(code).unwrap_or(""), record.get(population).unwrap_or(""));
            let place =
                if level == "state" { places::us_location(code) } else { places::by_code(level, code) };
            if let (Some(place), Ok(count)) = (place, count.parse::<u64>()) {
                all.insert(place.to_string(), count);
                if level == "region" || level == "canton" {
                    *all.entry(place.nation().to_string()).or_default() += count;
                }
            }
        }
    }
    Ok(all)
}
