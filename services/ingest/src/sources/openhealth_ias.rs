//! `openhealth-ias`: an index of flu medicines sold by French pharmacies, by day, to 2021. Under a share-alike licence: parsed for
//! operators who want it, never mixed into the extract.

use crate::parsed::signal;
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{Column, Dialect, Line, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "openhealth-ias",
    publisher: "OpenHealth Company",
    title: "Indicateur avancé sanitaire IAS: syndrome grippal",
    page_url: "https://www.data.gouv.fr/fr/datasets/indicateur-avance-sanitaire-ias-r-syndrome-grippal/",
    cadence: Cadence::Ended,
    terms: Terms::ShareAlike,
    licence: "ODbL 1.0",
    licence_url: "https://opendatacommons.org/licenses/odbl/1-0/",
    credit: "OpenHealth Company, Indicateur avancé sanitaire (IAS)",
    redistributable: false,
    left_out: Some("its licence asks that what is derived from it be under itself, and it ended in 2021"),
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2009, 7, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "Openhealth_S-Grippal.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "Openhealth_S-Grippal.csv",
        folder: "data/fr/openhealth-ias",
        prefix: "Openhealth_S-Grippal",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// Latin-1, semicolons, decimal commas. The incidence beside the index is another publisher's, under other terms: not read.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &Dialect { delimiter: b';', missing: &["NA"], comment: None })?;
    let date = table.column(&["PERIODE"])?;
    let signals = [
        (signal("flu_medicines_index")?, table.column(&["IAS_brut"])?),
        (signal("flu_medicines_index_smoothed")?, table.column(&["IAS_lissé"])?),
    ];
    let Some(place) = places::by_id("FR") else { return Err(Refusal::NoRows) };
    let mut rows = Vec::with_capacity(2 * table.len());
    for line in table.lines() {
        let day = line.date(date, &["%Y-%m-%d"])?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, day, context.issued_at, french(&line, *column)?));
        }
    }
    Ok(Parsed { rows, ..Parsed::default() })
}

/// `1,7` is one and seven tenths here, so the general reader of numbers (`1,234`) must not see it.
fn french(line: &Line<'_>, column: Column<'_>) -> Result<Option<f64>, Refusal> {
    match line.text(column) {
        "" | "NA" => Ok(None),
        text => {
            let value = text.replacen(',', ".", 1).parse::<f64>().ok().filter(|v| v.is_finite());
            value.map(Some).ok_or_else(|| line.refuse(column, "a number with a decimal comma"))
        }
    }
}
