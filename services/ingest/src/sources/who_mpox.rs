//! `who-mpox`: mpox cases and deaths by country, from WHO. Not for commercial use: parsed for operators who may fetch it, never
//! carried.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "who-mpox",
    publisher: "World Health Organization",
    title: "Mpox outbreak: cases and deaths by country and day",
    page_url: "https://worldhealthorg.shinyapps.io/mpx_global/",
    cadence: Cadence::Weekly,
    terms: Terms::NonCommercial,
    licence: "CC BY-NC-SA 3.0 IGO",
    licence_url: "https://creativecommons.org/licenses/by-nc-sa/3.0/igo/",
    credit: "World Health Organization, mpox outbreak data",
    redistributable: false,
    left_out: Some("not for commercial use; owid-mpox publishes the same figures under CC BY"),
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: true,
        min_places: 1,
        first_day: (2022, 1, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "V_MPX_VALIDATED_DAILY",
            url: "https://xmart-api-public.who.int/MPX/V_MPX_VALIDATED_DAILY",
            parse: daily,
        },
        Feed { name: "who_data.json", url: "", parse: overview },
        Feed { name: "epicurve.csv", url: "", parse: epicurve },
    ],
    recordings: &[
        Recording {
            feed: "who_data.json",
            folder: "data/global/who-mpox",
            prefix: "who_data_2022-09-20",
            suffix: ".json",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "V_MPX_VALIDATED_DAILY",
            folder: "data/global/who-mpox",
            prefix: "who_data_2023-02-08",
            suffix: ".json.gz",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "epicurve.csv",
            folder: "data/global/who-mpox",
            prefix: "epicurve_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
    ],
};

const NOWHERE: &str = "no place of this platform";
const TIMES: &[&str] = &["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"];

/// OData: new confirmed cases and deaths by country and day.
fn daily(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::json(bytes)?;
    let (country, date) = (table.column(&["ISO3"])?, table.column(&["DATE"])?);
    let signals = [
        (signal("mpox_cases")?, table.column(&["NEW_CONF_CASES"])?),
        (signal("mpox_deaths")?, table.column(&["NEW_CONF_DEATHS"])?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_code("nation", line.text(country)) else {
            skips.add(NOWHERE);
            continue;
        };
        let day = line.date(date, TIMES)?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, day, context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// The table of the first dashboard: totals about the day of the last report; regions stand among the countries. A country
/// that has sent nothing has a zero in it, which is none, and no day.
fn overview(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::json(bytes)?;
    let (country, date) = (table.column(&["ISO3"])?, table.column(&["LASTREPDATE"])?);
    let signals = [
        (signal("mpox_cases_cumulative")?, table.column(&["CasesAll"])?),
        (signal("mpox_deaths_cumulative")?, table.column(&["DeathsAll"])?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_code("nation", line.text(country)) else {
            skips.add(NOWHERE);
            continue;
        };
        if line.text(date).is_empty() {
            skips.add("a country that has reported nothing");
            continue;
        }
        let day = line.date(date, TIMES)?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, day, context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// Cases of one country by the day of onset, of diagnosis or of report.
fn epicurve(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (country, kind) = (table.column(&["iso3"])?, table.column(&["date_type"])?);
    let (date, cases) = (table.column(&["reference_date"])?, table.column(&["cases"])?);
    let kinds = [
        ("Onset", signal("mpox_cases_by_onset")?),
        ("Diagnosis", signal("mpox_cases_by_diagnosis")?),
        ("Reported", signal("mpox_cases_by_report")?),
    ];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_code("nation", line.text(country)) else {
            skips.add(NOWHERE);
            continue;
        };
        let of = kinds.iter().find(|(name, _)| *name == line.text(kind));
        let (_, signal) = of.ok_or_else(|| line.refuse(kind, "`Onset`, `Diagnosis` or `Reported`"))?;
        let (day, value) = (line.date(date, &["%Y-%m-%d"])?, line.number(cases)?);
        rows.push(Row::new(signal, place, day, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
