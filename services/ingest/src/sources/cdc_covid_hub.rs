//! `cdc-covid-hub`: weekly COVID-19 hospital admissions (NHSN) and emergency visits (NSSP) of the United States, as CDC's COVID-19
//! hub publishes them.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, end_of_day, percent, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-covid-hub",
    publisher: "CDC, COVID-19 Forecast Hub",
    title: "COVID-19 Forecast Hub target data: weekly hospital admissions with laboratory-confirmed COVID-19 (NHSN), and share of emergency visits (NSSP)",
    page_url: "https://github.com/CDCgov/covid19-forecast-hub",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work); repository under Apache-2.0",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, NHSN and NSSP, via the COVID-19 Forecast Hub",
    redistributable: true,
    left_out: None,
    issue_time: "The time of the commit for the CSV; for the vintages inside the Parquet file the date in `as_of`, counted from the end of that day.",
    repositories: &["CDCgov/covid19-forecast-hub"],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2020, 8, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "time-series.parquet",
            url: "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/target-data/time-series.parquet",
            parse: time_series,
        },
        Feed { name: "covid-hospital-admissions.csv", url: "", parse: table },
    ],
    recordings: &[
        Recording {
            feed: "covid-hospital-admissions.csv",
            folder: "data/us/covid-hub",
            prefix: "covid-hospital-admissions_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
        // The publisher rewrote some dates of vintages: the file of 2025-06-18 has three that the later one lacks
        // (2024-11-18, 2024-11-22, 2025-01-27). Both files say the same wherever both speak, so both are read.
        Recording {
            feed: "time-series.parquet",
            folder: "data/us/covid-hub",
            prefix: "time-series_",
            suffix: ".parquet",
            issued: Issued::Inside,
        },
    ],
};

/// The older table: one vintage, columns in an order that changed in 2025-02.
fn table(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (date, location, value) = (
        table.column(&["date", "target_end_date"])?,
        table.column(&["location"])?,
        table.column(&["value"])?,
    );
    let admissions = signal("covid_hosp_admissions")?;
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

/// All vintages in one table: persons for admissions, a proportion for emergency visits, which becomes percent; `date` was
/// later renamed `target_end_date`.
fn time_series(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let all = Frame::read(bytes)?;
    let (as_of, date) = (all.date(&["as_of"])?, all.date(&["target_end_date", "date"])?);
    let (target, location) = (all.text(&["target"])?, all.text(&["location"])?);
    let value = all.number(&["observation"])?;
    let (admissions, visits) = (signal("covid_hosp_admissions")?, signal("covid_ed_visits_percent")?);
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for i in 0..all.len() {
        let (signal, share) = match &**present(target, i, "target")? {
            "wk inc covid hosp" => (&admissions, false),
            "wk inc covid prop ed visits" => (&visits, true),
            _ => {
                skips.add("another target");
                continue;
            }
        };
        let Some(place) = places::us_location(present(location, i, "location")?) else {
            skips.add("a territory without a page");
            continue;
        };
        let value = value.get(i).copied().flatten();
        let value = if share { value.map(percent) } else { value };
        let (week, issued_at) = (*present(date, i, "date")?, end_of_day(*present(as_of, i, "as_of")?));
        rows.push(Row::new(signal, place, week, issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
