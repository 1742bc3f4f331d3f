//! `ecdc-mpox`: mpox cases in Europe by country and day of onset, summer 2022, from ECDC.

use super::globaldothealth_mpox;
use crate::parsed::signal;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::{Context, Parsed, Refusal};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "ecdc-mpox",
    publisher: "ECDC, collected by Global.health",
    title: "Mpox cases by date of onset and country, 2022",
    page_url: "https://github.com/globaldothealth/monkeypox",
    cadence: Cadence::Ended,
    terms: Terms::ReuseWithCredit,
    licence: "Reuse with credit (ECDC)",
    licence_url: "https://www.ecdc.europa.eu/en/copyright",
    credit: "European Centre for Disease Prevention and Control, collected by Global.health",
    redistributable: true,
    left_out: Some(
        "its days without a case have no row, so that no week of it can be summed; cases come from owid-mpox, to a later day",
    ),
    issue_time: "The time of the commit that published the file.",
    repositories: &[],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 5,
        first_day: (2022, 1, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "ecdc-by-date-of-onset-country.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "ecdc-by-date-of-onset-country.csv",
        folder: "data/eu/ecdc-mpox",
        prefix: "ecdc-by-date-of-onset-country_",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// Only days with a case have a row: a day without one is no zero that the publisher wrote, and none is made up.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    globaldothealth_mpox::by_day(
        bytes,
        context,
        ["date", "country", "count"],
        &signal("mpox_cases_by_onset")?,
    )
}
