//! `jhu-counties`: cumulative COVID-19 cases and deaths by US county and day, collected by Johns Hopkins University.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, end_of_day, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{DateTime, NaiveDate, Utc};
use domain::Step;
use std::collections::HashSet;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "jhu-counties",
    publisher: "Johns Hopkins University, Center for Systems Science and Engineering",
    title: "COVID-19 Data Repository: confirmed cases and deaths by US county and day",
    page_url: "https://github.com/CSSEGISandData/COVID-19",
    cadence: Cadence::Ended,
    terms: Terms::CcBy,
    licence: "CC BY 4.0",
    licence_url: "https://creativecommons.org/licenses/by/4.0/",
    credit: "COVID-19 Data Repository by the Center for Systems Science and Engineering (CSSE) at Johns Hopkins University",
    redistributable: true,
    left_out: None,
    issue_time: "The date of the copy of the repository, counted from the end of that day.",
    repositories: &["CSSEGISandData/COVID-19"],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2020, 1, 22),
        week_ends: None,
        complete: false,
        least_share: 0.3,
        tolerates: &[],
    },
    feeds: &[
        Feed { name: "time_series_confirmed_US.csv", url: "", parse: |b, c| wide(b, c, CASES) },
        Feed { name: "time_series_deaths_US.csv", url: "", parse: |b, c| wide(b, c, DEATHS) },
        Feed { name: "daily_report.csv", url: "", parse: daily },
        Feed { name: "daily_reports.parquet", url: "", parse: reports },
    ],
    recordings: &[
        recording(
            "time_series_confirmed_US.csv",
            "data/global/jhu",
            "time_series_covid19_confirmed_US_",
            ".csv.gz",
        ),
        recording(
            "time_series_deaths_US.csv",
            "data/global/jhu",
            "time_series_covid19_deaths_US_",
            ".csv.gz",
        ),
        recording("daily_report.csv", "data/global/jhu/daily_reports", "", ".csv.gz"),
        recording("daily_report.csv", "data/global/jhu/daily_reports", "03-22-", ".csv"),
        recording("daily_report.csv", "data/global/jhu/daily_reports", "04-20-", ".csv"),
        Recording {
            issued: Issued::Inside,
            ..recording("daily_reports.parquet", "data/global/jhu", "daily_reports_US-FR-CH_", ".parquet")
        },
    ],
};

const fn recording(
    feed: &'static str,
    folder: &'static str,
    prefix: &'static str,
    suffix: &'static str,
) -> Recording {
    Recording { feed, folder, prefix, suffix, issued: Issued::Recorded }
}

const CASES: &str = "covid_cases_cumulative";
const DEATHS: &str = "covid_deaths_cumulative";
const NO_COUNTY: &str = "no county: `Out of`, `Unassigned`, a territory, another country";
const TWICE: &str = "a county that stands in one day for the second time";
/// When the reports of the Parquet file were copied: its name is its period, and it says so nowhere inside.
const COPIED: (i32, u32, u32) = (2021, 5, 31);

/// One column a day (`1/22/20`). Cumulative counts that fall are the publisher's corrections and stay.
fn wide(bytes: &[u8], context: &Context<'_>, id: &'static str) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (fips, signal) = (table.column(&["FIPS"])?, signal(id)?);
    let day = |name: &str| NaiveDate::parse_from_str(name, "%m/%d/%y").ok();
    let days: Vec<_> = table.columns().filter_map(|c| Some((day(c.name())?, c))).collect();
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::us_county(line.text(fips)) else {
            skips.add(NO_COUNTY);
            continue;
        };
        for (day, column) in &days {
            rows.push(Row::new(&signal, place, *day, context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// One file a day, the day in its name (`03-22-2020.csv`); counties are in it from that day on.
fn daily(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (fips, cases) = (table.column(&["FIPS"])?, table.column(&["Confirmed"])?);
    let deaths = table.column(&["Deaths"])?;
    let name = context.file.get(..10).and_then(|d| NaiveDate::parse_from_str(d, "%m-%d-%Y").ok());
    let day = name.ok_or_else(|| Refusal::Unreadable {
        format: "a daily report",
        why: format!("its name `{}` does not begin with its day", context.file),
    })?;
    let lines =
        table.lines().map(|line| Ok((line.text(fips), day, [line.number(cases)?, line.number(deaths)?])));
    counts(lines.collect::<Result<Vec<_>, Refusal>>()?, context.issued_at)
}

/// All daily reports in one table.
fn reports(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let all = Frame::read(bytes)?;
    let (fips, date) = (all.text(&["fips"])?, all.date(&["report_date"])?);
    let (cases, deaths) = (all.number(&["confirmed"])?, all.number(&["deaths"])?);
    let value = |column: &[Option<f64>], i: usize| column.get(i).copied().flatten();
    let lines = (0..all.len()).map(|i| {
        let code = fips.get(i).and_then(Option::as_deref).unwrap_or("");
        Ok((code, *present(date, i, "report_date")?, [value(cases, i), value(deaths, i)]))
    });
    let (year, month, day) = COPIED;
    let copied = end_of_day(NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default());
    counts(lines.collect::<Result<Vec<_>, Refusal>>()?, copied)
}

fn counts(lines: Vec<(&str, NaiveDate, [Option<f64>; 2])>, at: DateTime<Utc>) -> Result<Parsed, Refusal> {
    let signals = [signal(CASES)?, signal(DEATHS)?];
    let (mut rows, mut skips, mut seen) = (Vec::new(), Skips::default(), HashSet::new());
    for (fips, day, values) in lines {
        let Some(place) = places::us_county(fips) else {
            skips.add(NO_COUNTY);
            continue;
        };
        if !seen.insert((place, day)) {
            skips.add(TWICE);
            continue;
        }
        rows.extend(signals.iter().zip(values).map(|(s, v)| Row::new(s, place, day, at, v)));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
