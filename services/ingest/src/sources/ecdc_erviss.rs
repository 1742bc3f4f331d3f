//! `ecdc-erviss`: weekly consultation rates for influenza-like illness and acute respiratory infection in Europe.

use super::europe_log;
use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Defect, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::{EpiWeek, Step, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "ecdc-erviss",
    publisher: "ECDC and WHO Regional Office for Europe",
    title: "European Respiratory Virus Surveillance Summary (ERVISS): ILI and ARI consultation rates",
    page_url: "https://erviss.org/",
    cadence: Cadence::Weekly,
    terms: Terms::ReuseWithCredit,
    licence: "Reuse with credit (ECDC); repository under EUPL 1.2",
    licence_url: "https://www.ecdc.europa.eu/en/copyright",
    credit: "European Centre for Disease Prevention and Control and WHO Regional Office for Europe: European Respiratory Virus Surveillance Summary (ERVISS)",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the weekly snapshot, counted from the end of that day.",
    repositories: &["EU-ECDC/Respiratory_viruses_weekly_data"],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 5,
        first_day: (2014, 10, 1),
        week_ends: Some(Weekday::Sun),
        complete: false,
        // The published history is a window that moves: a third of what is known may have left it.
        least_share: 0.3,
        tolerates: &[Defect::Weekday],
    },
    feeds: &[
        Feed {
            name: "ILIARIRates.csv",
            url: "https://raw.githubusercontent.com/EU-ECDC/Respiratory_viruses_weekly_data/main/data/ILIARIRates.csv",
            parse: rates,
        },
        Feed {
            name: "ili-ari_revisions.parquet",
            url: "",
            parse: |bytes, _| europe_log::read(bytes, "ERVISS"),
        },
    ],
    recordings: &[
        Recording {
            feed: "ili-ari_revisions.parquet",
            folder: "flusight/aux",
            prefix: "europe_ili-ari_revisions",
            suffix: ".parquet",
            issued: Issued::Inside,
        },
        Recording {
            feed: "ILIARIRates.csv",
            folder: "data/eu/ecdc-erviss/snapshots",
            prefix: "2",
            suffix: "_ILIARIRates.csv.gz",
            issued: Issued::Recorded,
        },
    ],
};

/// Countries that publish per 100 consultations; times 1000 they are per 100,000 consultations, as both
/// European hubs give them (Finland does so itself). They are never shown beside rates per inhabitant.
const PER_HUNDRED: [&str; 3] = ["CY", "LU", "MT"];

/// The publisher's table: one snapshot, all ages together.
fn rates(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (country, week) = (table.column(&["countryname"])?, table.column(&["yearweek"])?);
    let (indicator, age, value) =
        (table.column(&["indicator"])?, table.column(&["age"])?, table.column(&["value"])?);
    let signals = [
        ("ILIconsultationrate", signal("ili_incidence")?),
        ("ARIconsultationrate", signal("ari_incidence")?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        if line.text(age) != "total" {
            skips.add("one age group of several");
            continue;
        }
        let Some((_, signal)) = signals.iter().find(|(name, _)| *name == line.text(indicator)) else {
            skips.add("an indicator that is not read here");
            continue;
        };
        let Some(place) = places::by_name("nation", line.text(country)) else {
            skips.add("no place of this platform");
            continue;
        };
        let week =
            EpiWeek::parse(line.text(week), WeekSystem::Iso).map_err(|_| line.refuse(week, "an ISO week"))?;
        let scale = if PER_HUNDRED.contains(&place.as_str()) { 1000.0 } else { 1.0 };
        let value = line.number(value)?.map(|v| v * scale);
        rows.push(Row::new(signal, place, week.end(), context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
