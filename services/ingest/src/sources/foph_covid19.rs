//! `foph-covid19`: COVID-19 in Switzerland by canton and day, as the Federal Office of Public Health published it.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row, Vintage};
use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use domain::{PlaceId, SignalId};
use std::collections::BTreeSet;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "foph-covid19",
    publisher: "Federal Office of Public Health (FOPH/BAG/OFSP/UFSP)",
    title: "COVID-19 Switzerland: cases, admissions and deaths by canton and day",
    page_url: "https://www.covid19.admin.ch/",
    cadence: Cadence::Ended,
    terms: Terms::ReuseWithCredit,
    licence: "Open use. Must provide the source.",
    licence_url: "https://opendata.swiss/en/terms-of-use",
    credit: "Federal Office of Public Health FOPH, covid19.admin.ch",
    redistributable: true,
    left_out: None,
    issue_time: "The version that the files state, which is Swiss local time.",
    repositories: &[],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 20,
        first_day: (2020, 2, 24),
        week_ends: None,
        complete: true,
        least_share: 0.9,
        tolerates: &[],
    },
    feeds: &[
        Feed { name: "geoRegion.csv", url: "", parse: table },
        Feed { name: "revisions_geoRegion.parquet", url: "", parse: revisions },
    ],
    recordings: &[
        Recording {
            feed: "revisions_geoRegion.parquet",
            folder: "data/ch/bag-covid",
            prefix: "revisions_geoRegion",
            suffix: ".parquet",
            issued: Issued::Inside,
        },
        file("COVID19Cases_geoRegion_2"),
        file("COVID19Death_geoRegion_2"),
        file("COVID19Hosp_geoRegion_2"),
    ],
};

const fn file(prefix: &'static str) -> Recording {
    Recording {
        feed: "geoRegion.csv",
        folder: "data/ch/bag-covid",
        prefix,
        suffix: ".csv.gz",
        issued: Issued::Inside,
    }
}

/// The files of one version are found from here; no address of a single version was recorded.
const CONTEXT_URL: &str = "https://www.covid19.admin.ch/api/data/context";

fn counted(series: &str) -> Result<Option<SignalId>, Refusal> {
    let ours = [("Cases", "covid_cases"), ("Hosp", "covid_hosp_admissions_daily"), ("Death", "covid_deaths")];
    ours.iter().find(|(name, _)| *name == series).map(|(_, id)| signal(id)).transpose()
}

/// `2021-07-09_07-48-17`, Swiss local time. In the hour that occurs twice the earlier is meant.
fn version(text: &str) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d_%H-%M-%S").ok()?;
    Some(chrono_tz::Europe::Zurich.from_local_datetime(&local).earliest()?.to_utc())
}

/// `CH` and the cantons. `FL` is Liechtenstein and `CHFL` both together: summing them would count twice.
fn place(region: &str, skips: &mut Skips) -> Option<&'static PlaceId> {
    let found = if region == "CH" { places::by_id("CH") } else { places::by_id(&format!("CH-{region}")) };
    if found.is_none() {
        skips.add("Liechtenstein, alone or together with Switzerland");
    }
    found
}

/// One series of one version, by day.
fn table(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (region, date, entries) =
        (table.column(&["geoRegion"])?, table.column(&["datum"])?, table.column(&["entries"])?);
    let (kind, unit, stated) =
        (table.column(&["type"])?, table.column(&["datum_unit"])?, table.column(&["version"])?);
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        if line.text(unit) != "day" {
            skips.add("a weekly row: days are read");
            continue;
        }
        let Some(signal) = counted(line.text(kind).trim_start_matches("COVID19"))? else {
            skips.add("a series that is not read here");
            continue;
        };
        let Some(place) = place(line.text(region), &mut skips) else { continue };
        let (day, value) = (line.date(date, &["%Y-%m-%d"])?, line.number(entries)?);
        let issued_at = version(line.text(stated)).ok_or_else(|| line.refuse(stated, "a version"))?;
        rows.push(Row::new(&signal, place, day, issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// The log of changed cells of all versions from 2021-02-04 to 2021-07-09.
fn revisions(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let log = Frame::read(bytes)?;
    let (series, stated, region) =
        (log.text(&["series"])?, log.text(&["version"])?, log.text(&["geoRegion"])?);
    let (date, entries) = (log.date(&["datum"])?, log.number(&["entries"])?);
    let (mut rows, mut skips, mut vintages) =
        (Vec::with_capacity(log.len()), Skips::default(), BTreeSet::new());
    for i in 0..log.len() {
        let name = present(stated, i, "version")?;
        let wrong = || Refusal::Cell {
            line: i as u64 + 1,
            column: "version".into(),
            text: name.to_string(),
            expected: "a version",
        };
        let issued_at = version(name).ok_or_else(wrong)?;
        let (name, url) = (name.to_string(), CONTEXT_URL.to_owned());
        vintages.insert(Vintage { issued_at, signal: None, name, url });
        let Some(signal) = counted(present(series, i, "series")?)? else {
            skips.add("a series that is not read here");
            continue;
        };
        let Some(place) = place(present(region, i, "geoRegion")?, &mut skips) else { continue };
        let Some(value) = entries.get(i).copied().flatten() else {
            skips.add("absent from that version: the value known before stands");
            continue;
        };
        rows.push(Row::new(&signal, place, *present(date, i, "datum")?, issued_at, Some(value)));
    }
    let (skipped, vintages) = (skips.into_list(), vintages.into_iter().collect());
    Ok(Parsed { rows, skipped, vintages, changes_only: true, ..Parsed::default() })
}
