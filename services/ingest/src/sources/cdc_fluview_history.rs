//! `cdc-fluview-history`: influenza-like illness and positive specimens of US sites, 2010 to 2020: what the models of
//! the United States learn seasons from. Final values without vintages, so it is a table of its own and no observation.

use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::sources::us_sites;
use crate::{Context, Parsed, Refusal};
use chrono::Weekday;
use domain::Step;

/// Visits for influenza-like illness, percent of all visits, unweighted.
pub const ILI: &str = "ili_visits_unweighted";
/// Specimens positive for influenza, percent.
pub const POSITIVE: &str = "flu_specimens_positive";

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-fluview-history",
    publisher: "CDC, Influenza Division",
    title: "FluView: ILINet and NREVSS by state, 2010-2020",
    page_url: "https://gis.cdc.gov/grasp/fluview/fluportaldashboard.html",
    cadence: Cadence::Ended,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, FluView (ILINet; WHO/NREVSS collaborating laboratories)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the copy, counted from the end of that day; these are final values without vintages.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2010, 10, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "fluview-states.csv", url: "", parse }],
    recordings: &[Recording {
        feed: "fluview-states.csv",
        folder: "flusight/aux",
        prefix: "fluview-states_ili-and-positivity_",
        suffix: ".csv",
        issued: Issued::Inside,
    }],
};

/// When the copy was made (its last commit): it says so nowhere inside.
const COPIED: (i32, u32, u32) = (2020, 3, 8);

/// New York reports as two sites, the city and the rest: each column is their mean.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    us_sites::means(bytes, &[(ILI, "ili_unweighted_pct"), (POSITIVE, "flu_positive_pct")], COPIED)
}
