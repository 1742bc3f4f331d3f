//! `who-covid`: weekly COVID-19 cases and deaths by country, from WHO. Not for commercial use: parsed for operators
//! who may fetch it, never carried.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "who-covid",
    publisher: "World Health Organization",
    title: "WHO COVID-19 dashboard: weekly cases and deaths by country",
    page_url: "https://data.who.int/dashboards/covid19/data",
    cadence: Cadence::Weekly,
    terms: Terms::NonCommercial,
    licence: "CC BY-NC-SA 3.0 IGO",
    licence_url: "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
    credit: "World Health Organization, WHO COVID-19 dashboard",
    redistributable: false,
    left_out: None,
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: true,
        min_places: 10,
        first_day: (2019, 12, 29),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "WHO-COVID-19-global-data.csv",
        url: "https://srhdpeuwpubsa.blob.core.windows.net/whdh/COVID/WHO-COVID-19-global-data.csv",
        parse,
    }],
    recordings: &[Recording {
        feed: "WHO-COVID-19-global-data.csv",
        folder: "data/global/who-covid",
        prefix: "WHO-COVID-19-global-data_",
        suffix: ".csv.gz",
        issued: Issued::Recorded,
    }],
};

/// A row a country and week; an empty cell is "not reported", not zero.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (date, country) = (table.column(&["Date_reported"])?, table.column(&["Country_code"])?);
    let signals = [
        (signal("covid_cases_weekly")?, table.column(&["New_cases"])?),
        (signal("covid_deaths_weekly")?, table.column(&["New_deaths"])?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_id(line.text(country)) else {
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
