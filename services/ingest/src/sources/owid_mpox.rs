//! `owid-mpox`: mpox cases and deaths by country and day, collected by Our World in Data from WHO.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "owid-mpox",
    publisher: "Our World in Data",
    title: "Mpox: daily confirmed cases and deaths by country",
    page_url: "https://ourworldindata.org/mpox",
    cadence: Cadence::Daily,
    terms: Terms::CcBy,
    licence: "CC BY 4.0",
    licence_url: "https://creativecommons.org/licenses/by/4.0/",
    credit: "Our World in Data, from World Health Organization (before 2022-09-23: Global.health)",
    redistributable: true,
    left_out: None,
    issue_time: "The time of the commit that published the file.",
    repositories: &["owid/monkeypox"],
    steps: &[],
    rules: Rules {
        // A negative daily value takes back cases counted before.
        corrections: true,
        min_places: 10,
        first_day: (2022, 1, 1),
        week_ends: None,
        complete: true,
        least_share: 0.9,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "owid-monkeypox-data.csv",
        url: "https://catalog.ourworldindata.org/explorers/who/latest/monkeypox/monkeypox.csv",
        parse,
    }],
    recordings: &[
        Recording {
            feed: "owid-monkeypox-data.csv",
            folder: "data/global/owid-mpox",
            prefix: "owid-monkeypox-data_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "owid-monkeypox-data.csv",
            folder: "data/global/owid-mpox",
            prefix: "owid-monkeypox-data_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
    ],
};

/// One vintage: all countries and their aggregates, a row a day. The first vintages name countries without a code.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (name, code, date) = (table.column(&["location"])?, table.find("iso_code"), table.column(&["date"])?);
    let signals = [
        (signal("mpox_cases")?, table.column(&["new_cases"])?),
        (signal("mpox_deaths")?, table.column(&["new_deaths"])?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let iso = code.map(|c| line.text(c));
        if iso.is_some_and(|c| c.starts_with("OWID_")) || AGGREGATES.contains(&line.text(name)) {
            skips.add("an aggregate of countries");
            continue;
        }
        let found =
            iso.map_or_else(|| places::by_name("nation", line.text(name)), |c| places::by_code("nation", c));
        let Some(place) = found else {
            skips.add("no place of this platform");
            continue;
        };
        let reference_date = line.date(date, &["%Y-%m-%d"])?;
        for (signal, column) in &signals {
            let value = line.number(*column)?;
            rows.push(Row::new(signal, place, reference_date, context.issued_at, value));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// Rows of the vintages without codes that are no country.
const AGGREGATES: [&str; 7] =
    ["World", "Africa", "Asia", "Europe", "North America", "South America", "Oceania"];
