//! `cdc-nchs-deaths`: provisional deaths of the United States by week and state, from death certificates.

use crate::parsed::{Skips, end_of_day, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::{Status, Step};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-nchs-deaths",
    publisher: "CDC, National Center for Health Statistics",
    title: "Provisional COVID-19, influenza and pneumonia death counts by week ending date and state",
    page_url: "https://data.cdc.gov/NCHS/Provisional-COVID-19-Death-Counts-by-Week-Ending-D/r8kw-7aab",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, National Center for Health Statistics (NCHS)",
    redistributable: true,
    left_out: None,
    issue_time: "The date that the table states (`data_as_of`), counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2018, 1, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "r8kw-7aab",
        url: "https://data.cdc.gov/resource/r8kw-7aab.json?$order=:id&$limit=50000&$where=%60group%60=%27By%20Week%27",
        parse,
    }],
    recordings: &[Recording {
        feed: "r8kw-7aab",
        folder: "data/us/cdc-nchs-deaths",
        prefix: "r8kw-7aab_",
        suffix: ".csv",
        issued: Issued::Inside,
    }],
};

const TIMES: &[&str] = &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d", "%m/%d/%Y"];

/// By week only; months and years stand in the live table too. A count of 1 to 9 is withheld: the cell is empty and the
/// footnote says so. New York City is not in New York, and the two are not added up here.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::any(bytes, &COMMA)?;
    let (as_of, week) = (table.column(&["data_as_of"])?, table.column(&["end_week", "end_date"])?);
    let (group, state) = (table.column(&["group"])?, table.column(&["state"])?);
    // Without it a withheld count would look like one that is missing.
    let footnote = table.column(&["footnote"])?;
    let signals = [
        (signal("all_deaths_weekly")?, table.column(&["total_deaths"])?),
        (signal("covid_deaths_weekly")?, table.column(&["covid_deaths", "covid_19_deaths"])?),
        (signal("flu_deaths_weekly")?, table.column(&["influenza_deaths"])?),
        (signal("pneumonia_deaths_weekly")?, table.column(&["pneumonia_deaths"])?),
    ];
    let (mut rows, mut skips) = (Vec::with_capacity(4 * table.len()), Skips::default());
    for line in table.lines() {
        if !line.text(group).eq_ignore_ascii_case("by week") {
            skips.add("a month or a year");
            continue;
        }
        let found = match line.text(state) {
            "United States" => places::by_id("US"),
            "New York" | "New York City" => None,
            name => places::by_name("state", name),
        };
        let Some(place) = found else {
            skips.add("New York, reported in two parts, or a territory without a page");
            continue;
        };
        let withheld = line.text(footnote).contains("suppressed");
        let (issued_at, week) = (end_of_day(line.date(as_of, TIMES)?), line.date(week, TIMES)?);
        for (signal, column) in &signals {
            let mut row = Row::new(signal, place, week, issued_at, line.number(*column)?);
            if row.value.is_none() && withheld {
                row.status = Status::Suppressed;
            }
            rows.push(row);
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
