//! `sentinelles`: influenza-like illness seen by French general practitioners, from the Réseau Sentinelles. Not for
//! commercial use, and the newest weeks only after the bulletin: parsed for operators who may fetch it, never carried.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{Dialect, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::{EpiWeek, Step, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "sentinelles",
    publisher: "Réseau Sentinelles, Inserm and Sorbonne Université",
    title: "Incidence of influenza-like illness in general practice (indicator 3)",
    page_url: "https://www.sentiweb.fr/",
    cadence: Cadence::Weekly,
    terms: Terms::NonCommercial,
    licence: "Free for non-commercial use with credit; the last three weeks only after the bulletin of that week",
    licence_url: "https://www.sentiweb.fr/france/fr/?page=legal",
    credit: "Réseau Sentinelles, INSERM/Sorbonne Université, https://www.sentiweb.fr",
    redistributable: false,
    left_out: Some(
        "not for commercial use; the national rate comes from ecdc-erviss, whose revisions are recorded",
    ),
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (1984, 10, 1),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "incidence-PAY-3.csv",
        url: "https://www.sentiweb.fr/datasets/incidence-PAY-3.csv",
        parse,
    }],
    recordings: &[Recording {
        feed: "incidence-PAY-3.csv",
        folder: "data/fr/sentinelles",
        prefix: "incidence-PAY-3_",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// The national table, newest week first; the live file begins with a comment line, `-` stands for no value.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &Dialect { delimiter: b',', missing: &["-", "NA"], comment: Some(b'#') })?;
    let (week, indicator) = (table.column(&["week"])?, table.column(&["indicator"])?);
    let (geo, rate) = (table.column(&["geo_insee"])?, table.column(&["inc100"])?);
    let ili = signal("ili_incidence")?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let place = places::by_id(line.text(geo)).filter(|p| p.is_nation());
        let (Some(place), "3") = (place, line.text(indicator)) else {
            skips.add("another indicator or a region");
            continue;
        };
        // `202101`: year and ISO week in one number.
        let label = line.text(week).split_at_checked(4).map(|(year, week)| format!("{year}-W{week}"));
        let week = label
            .and_then(|l| EpiWeek::parse(&l, WeekSystem::Iso).ok())
            .ok_or_else(|| line.refuse(week, "a year and an ISO week"))?;
        let value = line.number(rate)?;
        rows.push(Row::new(&ili, place, week.end(), context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
