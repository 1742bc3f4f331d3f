//! `cdc-nhsn`: weekly hospital admissions of the United States with COVID-19, influenza and RSV, as hospitals report them to NHSN.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Status;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-nhsn",
    publisher: "CDC, National Healthcare Safety Network",
    title: "Weekly Hospital Respiratory Data (HRD) by jurisdiction: the preliminary table (Wednesdays) and the official one (Fridays)",
    page_url: "https://data.cdc.gov/Public-Health-Surveillance/Weekly-Hospital-Respiratory-Data-HRD-Metrics-by-Ju/ua7e-t2fy",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, National Healthcare Safety Network (NHSN)",
    redistributable: true,
    left_out: None,
    issue_time: "The time of the retrieval.",
    repositories: &[],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 2,
        first_day: (2020, 8, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "ua7e-t2fy",
            url: "https://data.cdc.gov/resource/ua7e-t2fy.json?$select=weekendingdate,jurisdiction,totalconfc19newadm,totalconfflunewadm,totalconfrsvnewadm&$order=:id&$limit=50000",
            parse: |b, c| parse(b, c, Status::Observed),
        },
        Feed {
            name: "mpgq-jmmr",
            url: "https://data.cdc.gov/resource/mpgq-jmmr.json?$select=weekendingdate,jurisdiction,totalconfc19newadm,totalconfflunewadm,totalconfrsvnewadm&$order=:id&$limit=50000",
            parse: |b, c| parse(b, c, Status::Provisional),
        },
    ],
    recordings: &[
        Recording {
            feed: "ua7e-t2fy",
            folder: "data/us/cdc-nhsn",
            prefix: "ua7e-t2fy_page",
            suffix: ".json",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "mpgq-jmmr",
            folder: "data/us/cdc-nhsn",
            prefix: "mpgq-jmmr_page",
            suffix: ".json",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "ua7e-t2fy",
            folder: "data/us/cdc-nhsn",
            prefix: "backup_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
    ],
};

const FORMATS: &[&str] = &["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%.f"];

/// JSON with every value a text and empty cells left out, or the same table as CSV. Of the preliminary table only the newest
/// week is read, as provisional: older weeks are in the official table, and reading both would say "provisional" on
/// Wednesdays and "observed" on Fridays of the same number. RSV came later than the other two, so its column may be absent.
fn parse(bytes: &[u8], context: &Context<'_>, published: Status) -> Result<Parsed, Refusal> {
    let table = Table::any(bytes, &COMMA)?;
    let (week, jurisdiction) = (table.column(&["weekendingdate"])?, table.column(&["jurisdiction"])?);
    let mut signals = vec![
        (signal("covid_hosp_admissions")?, table.column(&["totalconfc19newadm"])?),
        (signal("flu_hosp_admissions")?, table.column(&["totalconfflunewadm"])?),
    ];
    if let Some(column) = table.find("totalconfrsvnewadm") {
        signals.push((signal("rsv_hosp_admissions")?, column));
    }
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    let preliminary = published == Status::Provisional;
    let mut newest = None;
    for line in table.lines().filter(|_| preliminary) {
        newest = newest.max(Some(line.date(week, FORMATS)?));
    }
    for line in table.lines() {
        let week = line.date(week, FORMATS)?;
        if newest.is_some_and(|newest| week < newest) {
            skips.add("an older week of the preliminary table, which the official table has");
            continue;
        }
        let found = match line.text(jurisdiction) {
            "USA" => places::by_id("US"),
            state => places::by_id(&format!("US-{state}")),
        };
        let Some(place) = found else {
            skips.add("a region of several states, or a territory without a page");
            continue;
        };
        for (signal, column) in &signals {
            let mut row = Row::new(signal, place, week, context.issued_at, line.number(*column)?);
            if row.value.is_some() {
                row.status = published;
            }
            rows.push(row);
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), changes_only: preliminary, ..Parsed::default() })
}
