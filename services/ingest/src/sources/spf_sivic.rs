//! `spf-sivic`: new COVID-19 hospital admissions and deaths by French département and day, from Santé publique France.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{Dialect, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "spf-sivic",
    publisher: "Santé publique France",
    title: "Données hospitalières relatives à l'épidémie de COVID-19 : nouveaux (SIVIC)",
    page_url: "https://www.data.gouv.fr/fr/datasets/donnees-hospitalieres-relatives-a-lepidemie-de-covid-19/",
    cadence: Cadence::Ended,
    terms: Terms::LicenceOuverte,
    licence: "Licence Ouverte 2.0",
    licence_url: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    credit: "Santé publique France, données hospitalières (SIVIC)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the file, counted from the end of that day: it came out at about 19:00 Paris time.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2020, 3, 1),
        week_ends: None,
        complete: true,
        least_share: 0.9,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "donnees-hospitalieres-nouveaux-covid19.csv",
        url: "https://www.data.gouv.fr/fr/datasets/r/6fadff46-9efd-4c53-942a-54aca783c30c",
        parse,
    }],
    recordings: &[Recording {
        feed: "donnees-hospitalieres-nouveaux-covid19.csv",
        folder: "data/fr/spf-covid",
        prefix: "donnees-hospitalieres-nouveaux-covid19_",
        suffix: ".csv.gz",
        issued: Issued::Recorded,
    }],
};

/// Semicolons; a whole history by département. National figures are not in it, and sums are not made up here.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &Dialect { delimiter: b';', missing: &["NA"], comment: None })?;
    let (code, date) = (table.column(&["dep"])?, table.column(&["jour"])?);
    let signals = [
        (signal("covid_hosp_admissions_daily")?, table.column(&["incid_hosp"])?),
        (signal("covid_hosp_deaths")?, table.column(&["incid_dc"])?),
    ];
    let (mut rows, mut skips) = (Vec::with_capacity(2 * table.len()), Skips::default());
    for line in table.lines() {
        // `1` for `01`: a copy that went through a spreadsheet lost the zeros.
        let Some(place) = places::by_code("departement", &format!("{:0>2}", line.text(code))) else {
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
