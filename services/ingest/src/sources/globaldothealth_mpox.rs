//! `globaldothealth-mpox`: confirmed mpox cases by country and day, 2022, counted by Global.health until 2022-09-23.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::SignalId;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "globaldothealth-mpox",
    publisher: "Global.health",
    title: "Monkeypox 2022: confirmed cases by country and day",
    page_url: "https://github.com/globaldothealth/monkeypox",
    cadence: Cadence::Ended,
    terms: Terms::CcBy,
    licence: "CC BY 4.0",
    licence_url: "https://creativecommons.org/licenses/by/4.0/",
    credit: "Global.health, Monkeypox 2022 repository",
    redistributable: true,
    left_out: Some("owid-mpox took the same figures from here until 2022-09-23, and goes on after it"),
    issue_time: "The time of the commit that published the file.",
    repositories: &["globaldothealth/monkeypox"],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2022, 1, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "timeseries-country-confirmed.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "timeseries-country-confirmed.csv",
        folder: "data/global/globaldothealth-mpox",
        prefix: "timeseries-country-confirmed_",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// One vintage: new cases a day, from each country's first case on.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    by_day(bytes, context, ["Date", "Country", "Cases"], &signal("mpox_cases")?)
}

/// A count by country and day; `columns` hold the day, the country's name and the count.
pub(super) fn by_day(
    bytes: &[u8],
    context: &Context<'_>,
    columns: [&'static str; 3],
    cases: &SignalId,
) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let [date, country, count] = columns;
    let (date, country) = (table.column(&[date])?, table.column(&[country])?);
    let count = table.column(&[count])?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_name("nation", line.text(country)) else {
            skips.add("no place of this platform");
            continue;
        };
        let (day, value) = (line.date(date, &["%Y-%m-%d"])?, line.number(count)?);
        rows.push(Row::new(cases, place, day, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
