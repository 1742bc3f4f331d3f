//! `ecdc-covid`: weekly COVID-19 cases, deaths and admissions by country, from ECDC as the European hub archived them.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "ecdc-covid",
    publisher: "ECDC, via the European COVID-19 Forecast Hub",
    title: "Weekly COVID-19 cases, deaths, hospital and intensive care admissions by country",
    page_url: "https://github.com/covid19-forecast-hub-europe/covid19-forecast-hub-europe",
    cadence: Cadence::Ended,
    terms: Terms::ReuseWithCredit,
    licence: "Reuse with credit (ECDC)",
    licence_url: "https://www.ecdc.europa.eu/en/copyright",
    credit: "European Centre for Disease Prevention and Control, via the European COVID-19 Forecast Hub",
    redistributable: true,
    left_out: Some(
        "cases and deaths of France come from jhu-csse by day, admissions from ecdc-erviss-covid in more vintages; the last snapshot counts fewer hospitals under the same names",
    ),
    issue_time: "The date of the snapshot, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2020, 1, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.3,
        tolerates: &[],
    },
    feeds: &[Feed { name: "covid-cases-deaths.csv", url: "", parse }],
    recordings: &[
        Recording {
            feed: "covid-cases-deaths.csv",
            folder: "data/eu/ecdc-covid",
            prefix: "covid-cases-deaths_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "covid-cases-deaths.csv",
            folder: "data/eu/ecdc-covid",
            prefix: "covid-cases-deaths_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
    ],
};

/// The last snapshot mixes numbers of patients present with new ones, and tests: those are not read.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, target) = (table.column(&["location"])?, table.column(&["target_variable"])?);
    let (date, value) = (table.column(&["date"])?, table.column(&["value"])?);
    let signals = [
        ("inc case", signal("covid_cases_weekly")?),
        ("inc death", signal("covid_deaths_weekly")?),
        ("inc hospitalization", signal("covid_hosp_admissions")?),
        ("ICUadmissions", signal("covid_icu_admissions")?),
    ];
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let Some((_, signal)) = signals.iter().find(|(name, _)| *name == line.text(target)) else {
            skips.add("patients present, or tests");
            continue;
        };
        let Some(place) = places::by_id(line.text(location)) else {
            skips.add("no place of this platform");
            continue;
        };
        let (week, value) = (line.date(date, &["%Y-%m-%d"])?, line.number(value)?);
        rows.push(Row::new(signal, place, week, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
