//! `cdc-fluview-history`: influenza-like illness and positive specimens of US sites, 2010 to 2020: what the models of
//! the United States learn seasons from. Final values without vintages, so it is a table of its own and no observation.

use crate::parsed::{Skips, end_of_day, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{NaiveDate, Weekday};
use domain::Step;
use std::collections::BTreeMap;

/// Visits for influenza-like illness, percent of all visits, unweighted.
pub const ILI: &str = "ili_visits_unweighted";
/// Specimens positive for influenza, percent.
pub const POSITIVE: &str = "flu_specimens_positive";

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-fluview-history",
    publisher: "CDC, Influenza Division",
    title: "FluView: ILINet and NREVSS by state, 2010-2020",
    page_url: "https://gis.cdc.gov/grasp/fluview/fluportaldashboard.html",
    cadence: Cadence::Ended,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, FluView (ILINet; WHO/NREVSS collaborating laboratories)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the copy, counted from the end of that day; these are final values without vintages.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2010, 10, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "fluview-states.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "fluview-states.csv",
        folder: "flusight/aux",
        prefix: "fluview-states_ili-and-positivity_",
        suffix: ".csv",
        issued: Issued::Inside,
    }],
};

/// When the copy was made (its last commit): it says so nowhere inside.
const COPIED: (i32, u32, u32) = (2020, 3, 8);

/// One row a site and week. New York reports as two sites, the city and the rest: each column is their mean.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, date) = (table.column(&["location"])?, table.column(&["target_end_date"])?);
    let columns = [
        (signal(ILI)?, table.column(&["ili_unweighted_pct"])?),
        (signal(POSITIVE)?, table.column(&["flu_positive_pct"])?),
    ];
    let mut skips = Skips::default();
    let mut cells: BTreeMap<_, (f64, f64)> = BTreeMap::new();
    for line in table.lines() {
        let Some(place) = places::us_location(line.text(location)) else {
            skips.add("no place of this platform");
            continue;
        };
        let week = line.date(date, &["%Y-%m-%d"])?;
        for (signal, column) in &columns {
            if let Some(value) = line.number(*column)? {
                let cell = cells.entry((signal, place, week)).or_default();
                *cell = (cell.0 + value, cell.1 + 1.0);
            }
        }
    }
    let (year, month, day) = COPIED;
    let issued_at = end_of_day(NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default());
    let row =
        |((signal, place, week), (sum, sites)): ((&domain::SignalId, &domain::PlaceId, _), (f64, f64))| {
            let value = Some(sum / sites);
            Row::new(signal, place, week, issued_at, value)
        };
    Ok(Parsed { rows: cells.into_iter().map(row).collect(), skipped: skips.into_list(), ..Parsed::default() })
}
