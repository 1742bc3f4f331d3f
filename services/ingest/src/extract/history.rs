//! `history/`: what the models of the United States learn seasons from.

use super::files::csv;
use super::gather::Gathered;
use crate::body::pack;
use crate::changes::{Cell, Issue};
use crate::places;
use crate::sources::cdc_fluview_history::{ILI, POSITIVE};
use crate::sources::{cdc_flusurv_history, cdc_fluview_history};
use anyhow::Context as _;
use std::collections::BTreeMap;

/// A table of history: where it lies in the extract, and how it is made.
pub(super) struct History {
    pub(super) path: &'static str,
    pub(super) table: fn(&Gathered) -> anyhow::Result<Vec<u8>>,
}

/// The table of a source that is a history and no observations.
pub(super) fn of(source: &str) -> Option<History> {
    match source {
        id if id == cdc_fluview_history::SOURCE.id => {
            Some(History { path: "history/ili_plus_us_2010_2020.csv.gz", table: ili_plus })
        }
        id if id == cdc_flusurv_history::SOURCE.id => {
            Some(History { path: "history/flusurv_us_2003_2020.csv.gz", table: rates })
        }
        _ => None,
    }
}

/// One row a state and week, by FIPS code as the forecast hubs name places.
fn rates(found: &Gathered) -> anyhow::Result<Vec<u8>> {
    let row = |((_, place, date), issues): (&Cell, &Vec<Issue>)| {
        let value = issues.last().and_then(|i| i.value).map_or_else(String::new, |v| v.to_string());
        let code = places::us_code(place).with_context(|| format!("{place} has no code"))?;
        Ok([code.to_owned(), date.to_string(), value])
    };
    let mut rows: Vec<[String; 3]> = found.cells.iter().map(row).collect::<anyhow::Result<_>>()?;
    rows.sort();
    Ok(pack(&csv(&["location", "target_end_date", "rate"], rows)?))
}

/// One row a state and week, both percentages side by side, by FIPS code as the forecast hubs name places.
fn ili_plus(found: &Gathered) -> anyhow::Result<Vec<u8>> {
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
