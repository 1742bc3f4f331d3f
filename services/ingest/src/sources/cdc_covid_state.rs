//! `cdc-covid-state`: COVID-19 cases and deaths of the US states by day, as CDC published them until 2022.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-covid-state",
    publisher: "CDC COVID-19 Response",
    title: "United States COVID-19 Cases and Deaths by State over Time (9mfq-cb36)",
    page_url: "https://data.cdc.gov/d/9mfq-cb36",
    cadence: Cadence::Ended,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, COVID-19 Response: United States COVID-19 Cases and Deaths by State over Time",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the copy, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        // States take cases and deaths back by a negative day: a few dozen in every vintage.
        corrections: true,
        min_places: 10,
        first_day: (2020, 1, 22),
        week_ends: None,
        complete: true,
        least_share: 0.9,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "9mfq-cb36.csv",
        url: "https://data.cdc.gov/resource/9mfq-cb36.csv?$limit=200000",
        parse,
    }],
    recordings: &[Recording {
        feed: "9mfq-cb36.csv",
        folder: "data/us/cdc-covid-state",
        prefix: "9mfq-cb36_",
        suffix: ".csv.gz",
        issued: Issued::Recorded,
    }],
};

/// New cases and deaths by state and day, rows in no order. CDC lists New York City apart from the rest of the state:
/// `NY` here is the state **without** the city, and the city is no state. Adding the two would be our figure, not
/// CDC's, so the place `US-NY` is left out with both of its parts.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (date, state) = (table.column(&["submission_date"])?, table.column(&["state"])?);
    let signals = [
        (signal("covid_cases")?, table.column(&["new_case"])?),
        (signal("covid_deaths")?, table.column(&["new_death"])?),
    ];
    let (mut rows, mut skips) = (Vec::with_capacity(2 * table.len()), Skips::default());
    for line in table.lines() {
        let code = line.text(state);
        if code == "NY" || code == "NYC" {
            skips.add("New York is published as two parts, of which neither is the state");
            continue;
        }
        let Some(place) = places::by_id(&format!("US-{code}")) else {
            skips.add("a territory or associated state without a page");
            continue;
        };
        // Later Socrata exports write timestamps; a spreadsheet drops leading zeros, which the same format reads.
        let reference_date = line.date(date, &["%m/%d/%Y", "%Y-%m-%dT%H:%M:%S%.f"])?;
        for (signal, column) in &signals {
            let value = line.number(*column)?;
            rows.push(Row::new(signal, place, reference_date, context.issued_at, value));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
