//! `nyt-counties`: cumulative COVID-19 cases and deaths by US county and state, from The New York Times. Not for commercial use:
//! parsed for operators who may fetch it, never carried.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::{PlaceId, Step};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "nyt-counties",
    publisher: "The New York Times",
    title: "Coronavirus (Covid-19) data in the United States: counties and states",
    page_url: "https://github.com/nytimes/covid-19-data",
    cadence: Cadence::Ended,
    terms: Terms::NonCommercial,
    licence: "Non-commercial use only, with credit",
    licence_url: "https://github.com/nytimes/covid-19-data/blob/master/LICENSE",
    credit: "The New York Times, based on reports from state and local health agencies",
    redistributable: false,
    left_out: None,
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 5,
        first_day: (2020, 1, 20),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed { name: "us-counties.csv", url: "", parse: |b, c| parse(b, c, places::us_county) },
        Feed { name: "us-states.csv", url: "", parse: |b, c| parse(b, c, places::us_location) },
    ],
    recordings: &[
        Recording {
            feed: "us-counties.csv",
            folder: "data/us/nyt-counties",
            prefix: "us-counties_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "us-states.csv",
            folder: "data/us/nyt-counties",
            prefix: "us-states_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
    ],
};

/// Cumulative counts. Rows without a code are `Unknown` or join counties (New York City, Kansas City): no place of ours.
fn parse(
    bytes: &[u8],
    context: &Context<'_>,
    find: fn(&str) -> Option<&'static PlaceId>,
) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (date, fips) = (table.column(&["date"])?, table.column(&["fips"])?);
    let signals = [
        (signal("covid_cases_cumulative")?, table.column(&["cases"])?),
        (signal("covid_deaths_cumulative")?, table.column(&["deaths"])?),
    ];
    let (mut rows, mut skips) = (Vec::with_capacity(2 * table.len()), Skips::default());
    for line in table.lines() {
        let Some(place) = find(line.text(fips)) else {
            skips.add("of an unknown place, of several counties together, or a territory without a page");
            continue;
        };
        let day = line.date(date, &["%Y-%m-%d"])?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, day, context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
