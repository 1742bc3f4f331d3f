//! `who-fluid`: weekly consultation rates of the countries that report to WHO FluID and not to ERVISS (Switzerland).

use super::europe_log;
use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Defect, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Step;

const SNAPSHOTS: &str = "https://raw.githubusercontent.com/european-modelling-hubs/RespiCast-SyndromicIndicators/main/target-data/latest-ILI_incidence.csv";

/// The declaration.
pub const SOURCE: Source = Source {
    id: "who-fluid",
    publisher: "WHO, Global Influenza Programme (FluID)",
    title: "FluID: influenza-like illness consultations, as republished by RespiCast",
    page_url: "https://www.who.int/teams/global-influenza-programme/surveillance-and-monitoring/fluid",
    cadence: Cadence::Weekly,
    terms: Terms::ReuseWithCredit,
    licence: "Reuse with credit",
    licence_url: "https://www.who.int/about/policies/terms-of-use",
    credit: "World Health Organization, FluID; republished by the European modelling hubs (RespiCast)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the weekly snapshot, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2014, 10, 1),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.3,
        tolerates: &[Defect::Weekday],
    },
    feeds: &[
        Feed { name: "latest-ILI_incidence.csv", url: SNAPSHOTS, parse: snapshot },
        Feed {
            name: "ili-ari_revisions.parquet",
            url: "",
            parse: |bytes, _| europe_log::read(bytes, "FluID"),
        },
    ],
    recordings: &[Recording {
        feed: "ili-ari_revisions.parquet",
        folder: "flusight/aux",
        prefix: "europe_ili-ari_revisions",
        suffix: ".parquet",
        issued: Issued::Inside,
    }],
};

/// A hub's snapshot of influenza-like illness. The newest one mixes both data sources; only FluID's countries are ours.
fn snapshot(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, date, value) =
        (table.column(&["location"])?, table.column(&["truth_date"])?, table.column(&["value"])?);
    let ili = signal("ili_incidence")?;
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let id = line.text(location);
        if !COUNTRIES.contains(&id) {
            skips.add("a country that is read from ERVISS");
            continue;
        }
        let Some(place) = places::by_id(id) else {
            skips.add("no place of this platform");
            continue;
        };
        let value = line.number(value)?;
        rows.push(Row::new(&ili, place, line.date(date, &["%Y-%m-%d"])?, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// Those whose figures the hubs take from FluID.
const COUNTRIES: [&str; 5] = ["CH", "GB-ENG", "GB-NIR", "GB-SCT", "GB-WLS"];
