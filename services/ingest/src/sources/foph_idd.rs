//! `foph-idd`: the Infectious Disease Dashboard of the Swiss Federal Office of Public Health: mpox by year. No profile names it:
//! no page counts by year, and `owid-mpox` has the days.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::NaiveDate;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "foph-idd",
    publisher: "Federal Office of Public Health (FOPH/BAG/OFSP/UFSP)",
    title: "Infectious Disease Dashboard: mpox, mandatory reporting, by year",
    page_url: "https://idd.bag.admin.ch/",
    cadence: Cadence::Yearly,
    terms: Terms::ReuseWithCredit,
    licence: "Open use. Must provide the source.",
    licence_url: "https://opendata.swiss/en/terms-of-use",
    credit: "Federal Office of Public Health FOPH, Infectious Disease Dashboard",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2022, 1, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "MONKEYPOX_oblig.csv",
        url: "https://api.idd.bag.admin.ch/api/v1/export/latest/MONKEYPOX_oblig/csv",
        parse,
    }],
    recordings: &[Recording {
        feed: "MONKEYPOX_oblig.csv",
        folder: "data/ch/bag-idd",
        prefix: "MONKEYPOX_oblig_",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// Cases by year, dated by 31 December. Other cadences can stand in the same export, as can Liechtenstein.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (category, kind) = (table.column(&["valueCategory"])?, table.column(&["type"])?);
    let (period, cadence) = (table.column(&["temporal"])?, table.column(&["temporal_type"])?);
    let (region, value) = (table.column(&["georegion"])?, table.column(&["value"])?);
    let cases = signal("mpox_cases_yearly")?;
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        if line.text(category) != "cases" || line.text(kind) != "all" || line.text(cadence) != "year" {
            skips.add("another measure, subgroup or cadence");
            continue;
        }
        if line.text(region) != "CH" {
            skips.add("Liechtenstein, alone or together with Switzerland");
            continue;
        }
        let Some(place) = places::by_id(line.text(region)) else { continue };
        let last_day = line.text(period).parse().ok().and_then(|year| NaiveDate::from_ymd_opt(year, 12, 31));
        let reference_date = last_day.ok_or_else(|| line.refuse(period, "a year"))?;
        if reference_date > context.issued_at.date_naive() {
            skips.add("a year that is not over");
            continue;
        }
        let value = line.number(value)?;
        rows.push(Row::new(&cases, place, reference_date, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
