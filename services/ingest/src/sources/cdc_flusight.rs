//! `cdc-flusight`: weekly influenza hospital admissions of the United States (NHSN), as CDC's FluSight hub publishes them.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row, Vintage};
use chrono::{NaiveDate, Weekday};
use std::collections::{BTreeSet, HashSet};

const HUB: &str = "FluSight-forecast-hub";

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-flusight",
    publisher: "CDC, Influenza Division",
    title: "FluSight target data: weekly hospital admissions with laboratory-confirmed influenza (NHSN)",
    page_url: "https://github.com/cdcepi/FluSight-forecast-hub",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, National Healthcare Safety Network (NHSN), via the FluSight Forecast Hub",
    redistributable: true,
    left_out: None,
    issue_time: "The time of the commit that published the table.",
    repositories: &["cdcepi/FluSight-forecast-hub", "cdcepi/Flusight-forecast-data"],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2020, 1, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "target-hospital-admissions.csv",
            url: "https://raw.githubusercontent.com/cdcepi/FluSight-forecast-hub/main/target-data/target-hospital-admissions.csv",
            parse: table,
        },
        Feed { name: "target-revisions.parquet", url: "", parse: revisions },
    ],
    recordings: &[
        Recording {
            feed: "target-revisions.parquet",
            folder: "flusight",
            prefix: "target-revisions",
            suffix: ".parquet",
            issued: Issued::Inside,
        },
        Recording {
            feed: "target-hospital-admissions.csv",
            folder: "flusight/raw/incident-vintages",
            prefix: "target-hospital-admissions_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
    ],
};

/// The publisher's table: one vintage.
fn table(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (date, location, value) = (
        table.column(&["date", "target_end_date"])?,
        table.column(&["location"])?,
        table.column(&["value"])?,
    );
    let admissions = signal("flu_hosp_admissions")?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let Some(place) = places::us_location(line.text(location)) else {
            skips.add("a territory without a page");
            continue;
        };
        let value = line.number(value)?;
        rows.push(Row::new(&admissions, place, line.date(date, &["%Y-%m-%d"])?, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// The log of all changes of that table in the history of both repositories (the hub, and the one before it).
/// A null says that the row is absent from that vintage: absence is not deletion, so the known value stands.
fn revisions(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let log = Frame::read(bytes)?;
    let (repository, as_of, commit) =
        (log.text(&["repository"])?, log.time(&["as_of"])?, log.text(&["commit"])?);
    let (date, location, value) =
        (log.date(&["target_end_date"])?, log.text(&["location"])?, log.number(&["value"])?);
    let admissions = signal("flu_hosp_admissions")?;

    // Where both repositories speak, the hub does: of the older one only what came before the hub, and the
    // weeks that the hub never had.
    let mut in_hub: HashSet<(NaiveDate, &str)> = HashSet::new();
    let mut hub_begins = None;
    for i in 0..log.len() {
        if &**present(repository, i, "repository")? == HUB {
            in_hub.insert((*present(date, i, "target_end_date")?, present(location, i, "location")?));
            let at = *present(as_of, i, "as_of")?;
            hub_begins = Some(hub_begins.map_or(at, |b: chrono::DateTime<chrono::Utc>| b.min(at)));
        }
    }
    let (mut rows, mut skips, mut vintages) = (Vec::new(), Skips::default(), BTreeSet::new());
    for i in 0..log.len() {
        let (repository, issued_at) = (present(repository, i, "repository")?, *present(as_of, i, "as_of")?);
        let (day, location) = (*present(date, i, "target_end_date")?, present(location, i, "location")?);
        let hub = &**repository == HUB;
        if !hub && hub_begins.is_some_and(|b| issued_at >= b) && in_hub.contains(&(day, &**location)) {
            skips.add("the older repository, where the hub has the cell");
            continue;
        }
        let path = if hub {
            "target-data/target-hospital-admissions.csv"
        } else {
            "data-truth/truth-Incident%20Hospitalizations.csv"
        };
        let commit = present(commit, i, "commit")?;
        vintages.insert(Vintage {
            issued_at,
            signal: None,
            name: commit.to_string(),
            url: format!("https://github.com/cdcepi/{repository}/raw/{commit}/{path}"),
        });
        let Some(place) = places::us_location(location) else {
            skips.add("a territory without a page");
            continue;
        };
        let Some(value) = value.get(i).copied().flatten() else {
            skips.add("absent from that vintage: the value known before stands");
            continue;
        };
        rows.push(Row::new(&admissions, place, day, issued_at, Some(value)));
    }
    Ok(Parsed {
        rows,
        skipped: skips.into_list(),
        vintages: vintages.into_iter().collect(),
        changes_only: true,
        ..Parsed::default()
    })
}
