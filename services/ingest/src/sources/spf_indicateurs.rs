//! `spf-indicateurs`: national COVID-19 indicators of France by day: incidence, positive tests, intensive care.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{Datelike as _, Weekday};
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
    left_out: None,
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

/// One row a day, `NA` for no value. Incidence and share of positive tests are of the seven days that end on the day: those
/// of a Sunday are the week's, the days between share six days with them. The reproduction number beside them is not
/// read: it stands there without its band.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let bytes = match bytes.strip_prefix(BROKEN) {
        Some(rest) => Cow::Owned([&b"\"extract_date\","[..], rest].concat()),
        None => Cow::Borrowed(bytes),
    };
    let table = Table::read(&bytes, &COMMA)?;
    let (date, occupied) = (table.column(&["extract_date"])?, table.column(&["taux_occupation_sae"])?);
    let weekly = [
        (signal("covid_incidence_weekly")?, table.column(&["tx_incid"])?),
        (signal("covid_tests_positive_weekly")?, table.column(&["tx_pos"])?),
    ];
    let occupancy = signal("covid_icu_occupancy")?;
    let Some(place) = places::by_id("FR") else { return Err(Refusal::NoRows) };
    let (mut rows, mut skips) = (Vec::with_capacity(2 * table.len()), Skips::default());
    for line in table.lines() {
        let day = line.date(date, &["%Y-%m-%d"])?;
        rows.push(Row::new(&occupancy, place, day, context.issued_at, line.number(occupied)?));
        for (signal, column) in &weekly {
            let value = line.number(*column)?;
            if day.weekday() == Weekday::Sun {
                rows.push(Row::new(signal, place, day, context.issued_at, value));
            } else {
                skips.add("seven days that end within a week");
            }
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
