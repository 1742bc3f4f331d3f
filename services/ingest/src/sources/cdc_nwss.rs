//! `cdc-nwss`: SARS-CoV-2 in the wastewater of US sewersheds, as CDC ranked it until 2025.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::Step;
use std::collections::{BTreeMap, BTreeSet};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-nwss",
    publisher: "CDC, National Wastewater Surveillance System",
    title: "NWSS public SARS-CoV-2 wastewater metric data",
    page_url: "https://data.cdc.gov/Public-Health-Surveillance/NWSS-Public-SARS-CoV-2-Wastewater-Metric-Data/2ew6-ywp6",
    cadence: Cadence::Ended,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, National Wastewater Surveillance System (NWSS)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: true,
        min_places: 1,
        first_day: (2020, 1, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "2ew6-ywp6", url: "", parse }],
    recordings: &[Recording {
        feed: "2ew6-ywp6",
        folder: "data/us/cdc-nwss",
        prefix: "metric_data",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// Numbers that stand for "cannot be computed": a rank is at most 100, a change of 2^31-1 percent is none.
const NO_RANK: f64 = 999.0;
const NO_CHANGE: f64 = 2_147_483_647.0;

/// A row a sewershed and day. A sewershed is no place of ours, its county is: where one plant alone speaks for one whole
/// county, its values are that county's; several plants are not averaged here, since the publisher does not. The table of
/// concentrations (`g653-rqe2`) names no county and is not read. There is no live address: the publisher replaced the table by
/// one of which nothing was recorded, and only the whole table tells which county has one plant.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::any(bytes, &COMMA)?;
    let (site, county) = (table.column(&["key_plot_id"])?, table.column(&["county_fips"])?);
    let date = table.column(&["date_end"])?;
    let signals = [
        (signal("covid_wastewater_percentile")?, table.column(&["percentile"])?, NO_RANK),
        (signal("covid_wastewater_change")?, table.column(&["ptc_15d"])?, NO_CHANGE),
        (signal("covid_wastewater_detections")?, table.column(&["detect_prop_15d"])?, NO_RANK),
    ];
    let mut sites: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in table.lines() {
        sites.entry(line.text(county)).or_default().insert(line.text(site));
    }
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::us_county(line.text(county)) else {
            skips.add("a sewershed of several counties, or of none that is known");
            continue;
        };
        if sites.get(line.text(county)).is_some_and(|s| s.len() > 1) {
            skips.add("one of several sewersheds of a county");
            continue;
        }
        let day = line.date(date, &["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.f"])?;
        for (signal, column, none) in &signals {
            let value = line.number(*column)?.filter(|v| (v - none).abs() > 0.5);
            rows.push(Row::new(signal, place, day, context.issued_at, value));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
