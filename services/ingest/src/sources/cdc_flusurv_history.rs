//! `cdc-flusurv-history`: admissions with laboratory-confirmed influenza per 100,000 at the sites of FluSurv-NET, 2003 to 2020:
//! what the model of US admissions learns seasons from. Final values without vintages, so it is a table of its own and no
//! observation.

use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::sources::us_sites;
use crate::{Context, Parsed, Refusal};
use chrono::Weekday;
use domain::Step;

/// Admissions a week per 100,000 of the site, all ages.
pub const RATE: &str = "flu_hosp_rate_sites";

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-flusurv-history",
    publisher: "CDC, Influenza Division",
    title: "FluSurv-NET: laboratory-confirmed influenza hospitalizations by site, 2003-2020",
    page_url: "https://gis.cdc.gov/GRASP/Fluview/FluHospRates.html",
    cadence: Cadence::Ended,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, FluSurv-NET (Influenza Hospitalization Surveillance Network)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the copy, counted from the end of that day; these are final values without vintages.",
    repositories: &["midas-network/flu-scenario-modeling-hub_resources"],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2003, 10, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "flusurv-net_sites.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "flusurv-net_sites.csv",
        folder: crate::recorded::KEPT,
        prefix: "flusurv-net_sites_",
        suffix: ".csv.gz",
        issued: Issued::Inside,
    }],
};

/// When the copy was published (its commit): it says so nowhere inside.
const COPIED: (i32, u32, u32) = (2022, 7, 28);

/// New York has two sites, Albany and Rochester: the rate is their mean. The nation is the whole network, before September 2009
/// its older part.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let mut parsed = us_sites::means(bytes, &[(RATE, "weekly_rate")], COPIED)?;
    for row in &mut parsed.rows {
        // Rates have one decimal: a mean that should be equal to another is.
        row.value = row.value.map(|mean| (mean * 1e4).round() / 1e4);
    }
    Ok(parsed)
}
