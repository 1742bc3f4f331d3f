//! `who-flunet`: influenza specimens by country and week, from WHO FluNet: as its reporting tool exported them, and as its
//! interface answers today. Not for commercial use: parsed for operators who may fetch it, never carried.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Column, Line, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{DateTime, NaiveDateTime, Utc, Weekday};
use domain::{EpiWeek, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "who-flunet",
    publisher: "World Health Organization, Global Influenza Surveillance and Response System",
    title: "FluNet: laboratory confirmations of influenza by country and week",
    page_url: "https://www.who.int/tools/flunet",
    cadence: Cadence::Weekly,
    terms: Terms::NonCommercial,
    licence: "CC BY-NC-SA 3.0 IGO",
    licence_url: "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
    credit: "World Health Organization, FluNet (GISRS)",
    redistributable: false,
    left_out: None,
    issue_time: "The time that an export states (`generated on 21/02/2018 09:06:26 UTC`); of today's table the time of its retrieval.",
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
    feeds: &[
        Feed { name: "FluNetInteractiveReport.csv", url: "", parse },
        // Never recorded. As CSV, of one country, it is one answer: the rows since 1995 are a few thousand, a page holds 120,000.
        Feed {
            name: "VIW_FNT",
            url: "https://xmart-api-public.who.int/FLUMART/VIW_FNT?$format=csv&$filter=COUNTRY_CODE%20eq%20%27{nation}%27",
            parse: today,
        },
    ],
    recordings: &[recording(".csv"), recording(".csv.gz")],
};

const fn recording(suffix: &'static str) -> Recording {
    Recording {
        feed: "FluNetInteractiveReport.csv",
        folder: "data/global/who-flunet",
        prefix: "FluNetInteractiveReport_",
        suffix,
        issued: Issued::Inside,
    }
}

/// The ISO week of two cells.
fn iso_week(line: &Line<'_>, year: Column<'_>, week: Column<'_>) -> Option<EpiWeek> {
    let of = line.text(year).parse().ok().zip(line.text(week).parse().ok());
    of.and_then(|(year, week)| EpiWeek::new(year, week, WeekSystem::Iso).ok())
}

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
        let last = line.date(end, &["%Y-%m-%d"])?;
        if iso_week(&line, year, week).is_none_or(|w| w.end() != last) {
            return Err(line.refuse(end, "the last day of the ISO week beside it"));
        }
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, last, issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// A row a country, week and origin of the specimens. Those of sentinel practices are read; they and the others count
/// different people, and are never summed.
fn today(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (country, origin) = (table.column(&["COUNTRY_CODE"])?, table.column(&["ORIGIN_SOURCE"])?);
    let (year, week) = (table.column(&["ISO_YEAR"])?, table.column(&["ISO_WEEK"])?);
    let start = table.column(&["ISO_WEEKSTARTDATE"])?;
    let signals = [
        (signal("flu_specimens_sentinel")?, table.column(&["SPEC_PROCESSED_NB"])?),
        (signal("flu_detections_sentinel")?, table.column(&["INF_ALL"])?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_code("nation", line.text(country)) else {
            skips.add("no place of this platform");
            continue;
        };
        if line.text(origin) != "SENTINEL" {
            skips.add("specimens of another or an unknown origin");
            continue;
        }
        let monday = line.date(start, &["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])?;
        let of = iso_week(&line, year, week).filter(|w| w.start() == monday);
        let of = of.ok_or_else(|| line.refuse(start, "the Monday of the ISO week beside it"))?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, of.end(), context.issued_at, line.number(*column)?));
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

#[cfg(test)]
mod tests;
