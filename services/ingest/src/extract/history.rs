//! `history/ili_plus_us_2010_2020.csv.gz`: what the models of the United States learn seasons from.

use super::files::csv;
use super::gather::Gathered;
use crate::body::pack;
use crate::places;
use crate::sources::cdc_fluview_history::{ILI, POSITIVE};
use std::collections::BTreeMap;

/// Where it lies in the extract.
pub(super) const PATH: &str = "history/ili_plus_us_2010_2020.csv.gz";

/// One row a state and week, both percentages side by side, by FIPS code as the forecast hubs name places.
pub(super) fn table(found: &Gathered) -> anyhow::Result<Vec<u8>> {
    let codes: BTreeMap<_, _> = places::all().iter().map(|p| (&p.id, p.code.clone())).collect();
    let mut weeks: BTreeMap<_, [String; 2]> = BTreeMap::new();
    for ((signal, place, date), issues) in &found.cells {
        let value = issues.last().and_then(|i| i.value).map_or_else(String::new, |v| v.to_string());
        let code = codes.get(place).cloned().unwrap_or_default();
        let [ili, positive] = weeks.entry((code, *date)).or_default();
        match signal.as_str() {
            ILI => *ili = value,
            POSITIVE => *positive = value,
            _ => {}
        }
    }
    let row = |((code, date), [ili, positive]): ((String, chrono::NaiveDate), [String; 2])| {
        [code, date.to_string(), ili, positive]
    };
    let header = ["location", "target_end_date", "ili_pct", "flu_positive_pct"];
    Ok(pack(&csv(&header, weeks.into_iter().map(row))?))
}
