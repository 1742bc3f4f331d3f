//! `owid-hosp`: COVID-19 hospital admissions in Europe, collected by Our World in Data.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{Datelike as _, Weekday};
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "owid-hosp",
    publisher: "Our World in Data, via the European COVID-19 Forecast Hub",
    title: "Weekly new hospital admissions with COVID-19, rolling by day",
    page_url: "https://ourworldindata.org/covid-hospitalizations",
    cadence: Cadence::Ended,
    terms: Terms::CcBy,
    licence: "CC BY 4.0",
    licence_url: "https://creativecommons.org/licenses/by/4.0/",
    credit: "Our World in Data, via the European COVID-19 Forecast Hub",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the snapshot, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 5,
        first_day: (2020, 1, 1),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "covid-hospitalizations.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "covid-hospitalizations.csv",
        folder: "data/eu/owid-hosp",
        prefix: "covid-hospitalizations_",
        suffix: ".csv.gz",
        issued: Issued::Recorded,
    }],
};

/// Each day holds the admissions of the seven days that end on it: those of a Sunday are the week's, the days between
/// share six days with them.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, indicator) = (table.column(&["location"])?, table.column(&["indicator"])?);
    let (date, value) = (table.column(&["date"])?, table.column(&["value"])?);
    let admissions = signal("covid_hosp_admissions")?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len() / 7), Skips::default());
    for line in table.lines() {
        if line.text(indicator) != "Weekly new hospital admissions" {
            skips.add("another indicator");
            continue;
        }
        let Some(place) = places::by_id(line.text(location)) else {
            skips.add("no place of this platform");
            continue;
        };
        let (day, value) = (line.date(date, &["%Y-%m-%d"])?, line.number(value)?);
        if day.weekday() != Weekday::Sun {
            skips.add("seven days that end within a week");
            continue;
        }
        rows.push(Row::new(&admissions, place, day, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
