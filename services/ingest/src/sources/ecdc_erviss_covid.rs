//! `ecdc-erviss-covid`: weekly COVID-19 hospital admissions in Europe, as RespiCast republishes ERVISS.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, end_of_day, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row, Vintage};
use chrono::Weekday;
use domain::Step;
use std::collections::BTreeSet;

const HUB: &str = "RespiCast-Covid19";
const TARGET: &str = "hospital admissions";

/// The declaration.
pub const SOURCE: Source = Source {
    id: "ecdc-erviss-covid",
    publisher: "ECDC and WHO Regional Office for Europe",
    title: "European Respiratory Virus Surveillance Summary (ERVISS): COVID-19 hospital admissions, as republished by RespiCast",
    page_url: "https://erviss.org/",
    cadence: Cadence::Weekly,
    terms: Terms::ReuseWithCredit,
    licence: "Reuse with credit (ECDC)",
    licence_url: "https://www.ecdc.europa.eu/en/copyright",
    credit: "European Centre for Disease Prevention and Control and WHO Regional Office for Europe: ERVISS; republished by RespiCast-Covid19",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the weekly snapshot, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2020, 1, 1),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.3,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "latest-hospital_admissions.csv",
            url: "https://raw.githubusercontent.com/european-modelling-hubs/RespiCast-Covid19/main/target-data/latest-hospital_admissions.csv",
            parse: snapshot,
        },
        Feed { name: "truth-vintages.parquet", url: "", parse: vintages },
    ],
    recordings: &[
        Recording {
            feed: "truth-vintages.parquet",
            folder: "respicast",
            prefix: "truth-vintages-FR-CH",
            suffix: ".parquet",
            issued: Issued::Inside,
        },
        Recording {
            feed: "latest-hospital_admissions.csv",
            folder: "respicast/raw",
            prefix: "Covid19_ERVISS_",
            suffix: "-hospital_admissions.csv",
            issued: Issued::Recorded,
        },
    ],
};

/// One snapshot of all countries.
fn snapshot(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, date, value) =
        (table.column(&["location"])?, table.column(&["truth_date"])?, table.column(&["value"])?);
    let admissions = signal("covid_hosp_admissions")?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_id(line.text(location)) else {
            skips.add("no place of this platform");
            continue;
        };
        let value = line.number(value)?;
        rows.push(Row::new(&admissions, place, line.date(date, &["%Y-%m-%d"])?, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// Every dated snapshot of France and Switzerland, whole, in one table.
fn vintages(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let all = Frame::read(bytes)?;
    let (hub, target, location) = (all.text(&["hub"])?, all.text(&["target"])?, all.text(&["location"])?);
    let (as_of, date, value) = (all.date(&["as_of"])?, all.date(&["truth_date"])?, all.number(&["value"])?);
    let admissions = signal("covid_hosp_admissions")?;
    let (mut rows, mut skips, mut vintages) = (Vec::new(), Skips::default(), BTreeSet::new());
    for i in 0..all.len() {
        if &**present(hub, i, "hub")? != HUB || &**present(target, i, "target")? != TARGET {
            skips.add("another indicator of the same table");
            continue;
        }
        let Some(place) = places::by_id(present(location, i, "location")?) else {
            skips.add("no place of this platform");
            continue;
        };
        let day = *present(as_of, i, "as_of")?;
        vintages.insert(Vintage {
            issued_at: end_of_day(day),
            signal: None,
            name: day.to_string(),
            url: format!("https://github.com/european-modelling-hubs/{HUB}/raw/main/target-data/ERVISS/snapshots/{day}-hospital_admissions.csv"),
        });
        let value = value.get(i).copied().flatten();
        rows.push(Row::new(&admissions, place, *present(date, i, "truth_date")?, end_of_day(day), value));
    }
    Ok(Parsed {
        rows,
        skipped: skips.into_list(),
        vintages: vintages.into_iter().collect(),
        ..Parsed::default()
    })
}
