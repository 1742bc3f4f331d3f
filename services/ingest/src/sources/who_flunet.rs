//! `who-flunet`: influenza specimens by country and week, from WHO FluNet as its reporting tool exported them. Not for commercial use:
//! parsed for operators who may fetch it, never carried.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{DateTime, NaiveDateTime, Utc, Weekday};
use domain::{EpiWeek, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "who-flunet",
    publisher: "World Health Organization, Global Influenza Surveillance and Response System",
    title: "FluNet: laboratory confirmations of influenza by country and week",
    page_url: "https://www.who.int/tools/flunet",
    cadence: Cadence::Ended,
    terms: Terms::NonCommercial,
    licence: "CC BY-NC-SA 3.0 IGO",
    licence_url: "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
    credit: "World Health Organization, FluNet (GISRS)",
    redistributable: false,
    left_out: None,
    issue_time: "The time that the export states (`generated on 21/02/2018 09:06:26 UTC`).",
    repositories: &[],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (1995, 1, 1),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "FluNetInteractiveReport.csv", url: "", parse }],
    recordings: &[
        Recording {
            feed: "FluNetInteractiveReport.csv",
            folder: "data/global/who-flunet",
            prefix: "FluNetInteractiveReport_",
            suffix: ".csv",
            issued: Issued::Inside,
        },
        Recording {
            feed: "FluNetInteractiveReport.csv",
            folder: "data/global/who-flunet",
            prefix: "FluNetInteractiveReport_",
            suffix: ".csv.gz",
            issued: Issued::Inside,
        },
    ],
};

/// Three lines of prose before the header, one of which states the time. Empty is "not reported". A week is ISO here, also
/// for the United States; both its ends are given and must be those of the week.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    crate::body::sniff(bytes)?;
    let issued_at = generated(&crate::body::text(bytes)?)?;
    let table = Table::below(bytes, "Country,", &COMMA)?;
    let (country, year) = (table.column(&["Country"])?, table.column(&["Year"])?);
    let (week, end) = (table.column(&["Week"])?, table.column(&["EDATE"])?);
    let signals = [
        (signal("flu_specimens")?, table.column(&["SPEC_PROCESSED_NB"])?),
        (signal("flu_detections")?, table.column(&["ALL_INF"])?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_name("nation", line.text(country)) else {
            skips.add("no place of this platform");
            continue;
        };
        let of = line.text(year).parse().ok().zip(line.text(week).parse().ok());
        let of = of.and_then(|(y, w)| EpiWeek::new(y, w, WeekSystem::Iso).ok());
        let last = line.date(end, &["%Y-%m-%d"])?;
        if of.is_none_or(|w| w.end() != last) {
            return Err(line.refuse(end, "the last day of the ISO week beside it"));
        }
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, last, issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

fn generated(text: &str) -> Result<DateTime<Utc>, Refusal> {
    let line = text.lines().take(3).find_map(|l| l.trim().strip_prefix("generated on "));
    let time = line.and_then(|l| NaiveDateTime::parse_from_str(l.trim(), "%d/%m/%Y %H:%M:%S UTC").ok());
    time.map(|t| t.and_utc()).ok_or_else(|| Refusal::Unreadable {
        format: "a FluNet export",
        why: "no line `generated on DD/MM/YYYY HH:MM:SS UTC` stands before its header".to_owned(),
    })
}
