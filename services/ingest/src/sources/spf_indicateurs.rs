//! `spf-indicateurs`: national COVID-19 indicators of France by day: incidence, reproduction number, intensive care, positive tests.

use crate::parsed::signal;
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::Step;
use std::borrow::Cow;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "spf-indicateurs",
    publisher: "Santé publique France",
    title: "Indicateurs de suivi de l'épidémie de COVID-19 (France entière)",
    page_url: "https://www.data.gouv.fr/fr/datasets/indicateurs-de-suivi-de-lepidemie-de-covid-19/",
    cadence: Cadence::Ended,
    terms: Terms::LicenceOuverte,
    licence: "Licence Ouverte 2.0",
    licence_url: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    credit: "Santé publique France, indicateurs de suivi de l'épidémie de COVID-19",
    redistributable: true,
    left_out: Some("no profile shows its signals yet"),
    issue_time: "The date of the file, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2020, 3, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "table-indicateurs-open-data-france.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "table-indicateurs-open-data-france.csv",
        folder: "data/fr/spf-covid",
        prefix: "table-indicateurs-open-data-france_",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// The first cell of the header lost its closing quotation mark: a strict reader sees one column fewer.
const BROKEN: &[u8] = b"\"extract_date,";

/// One row a day, `NA` for no value; the reproduction number is not computed every day.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let bytes = match bytes.strip_prefix(BROKEN) {
        Some(rest) => Cow::Owned([&b"\"extract_date\","[..], rest].concat()),
        None => Cow::Borrowed(bytes),
    };
    let table = Table::read(&bytes, &COMMA)?;
    let date = table.column(&["extract_date"])?;
    let signals = [
        (signal("covid_incidence_rate")?, table.column(&["tx_incid"])?),
        (signal("covid_reproduction_number")?, table.column(&["R"])?),
        (signal("covid_icu_occupancy")?, table.column(&["taux_occupation_sae"])?),
        (signal("covid_tests_positive")?, table.column(&["tx_pos"])?),
    ];
    let Some(place) = places::by_id("FR") else { return Err(Refusal::NoRows) };
    let mut rows = Vec::with_capacity(4 * table.len());
    for line in table.lines() {
        let day = line.date(date, &["%Y-%m-%d"])?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, day, context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, ..Parsed::default() })
}
