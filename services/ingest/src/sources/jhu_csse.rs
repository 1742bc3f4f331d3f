//! `jhu-csse`: COVID-19 cases and deaths by country and day, collected by Johns Hopkins University.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::NaiveDate;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "jhu-csse",
    publisher: "Johns Hopkins University, Center for Systems Science and Engineering",
    title: "COVID-19 Data Repository: confirmed cases and deaths by country and day (countries without their overseas territories)",
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
    steps: &[Step::Difference, Step::EndOfDay],
    rules: Rules {
        // The cumulative counts fall where a country took cases back; the difference is then negative and stays.
        corrections: true,
        min_places: 10,
        first_day: (2020, 1, 22),
        week_ends: None,
        complete: false,
        least_share: 0.3,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "time_series_confirmed_global.csv",
            url: "",
            parse: |b, c| cumulative(b, c, "covid_cases"),
        },
        Feed {
            name: "time_series_deaths_global.csv",
            url: "",
            parse: |b, c| cumulative(b, c, "covid_deaths"),
        },
        Feed { name: "incident_cases.csv", url: "", parse: |b, c| incident(b, c, "covid_cases") },
        Feed { name: "incident_deaths.csv", url: "", parse: |b, c| incident(b, c, "covid_deaths") },
    ],
    recordings: &[
        global("time_series_confirmed_global.csv", "time_series_covid19_confirmed_global_", ".csv"),
        global("time_series_confirmed_global.csv", "time_series_covid19_confirmed_global_", ".csv.gz"),
        global("time_series_deaths_global.csv", "time_series_covid19_deaths_global_", ".csv"),
        global("time_series_deaths_global.csv", "time_series_covid19_deaths_global_", ".csv.gz"),
        europe("incident_cases.csv", "truth_JHU-Incident_Cases"),
        europe("incident_deaths.csv", "truth_JHU-Incident_Deaths"),
    ],
};

const fn global(feed: &'static str, prefix: &'static str, suffix: &'static str) -> Recording {
    Recording { feed, folder: "data/global/jhu", prefix, suffix, issued: Issued::Recorded }
}

const fn europe(feed: &'static str, prefix: &'static str) -> Recording {
    Recording { feed, folder: "data/eu/jhu-covid", prefix, suffix: ".csv.gz", issued: Issued::Recorded }
}

/// The publisher's table: a row a country, a column a day, cumulative. A country with provinces of its own rows has
/// one row without a province: its mainland, which is what the European copy calls the country too.
fn cumulative(bytes: &[u8], context: &Context<'_>, id: &'static str) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (province, country) = (table.column(&["Province/State"])?, table.column(&["Country/Region"])?);
    let days: Vec<_> = table
        .columns()
        .filter_map(|c| Some((NaiveDate::parse_from_str(c.name(), "%m/%d/%y").ok()?, c)))
        .collect();
    let signal = signal(id)?;
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        if !line.text(province).is_empty() {
            skips.add("a province or an overseas territory");
            continue;
        }
        let Some(place) = places::by_name("nation", line.text(country)) else {
            skips.add("no place of this platform");
            continue;
        };
        for pair in days.windows(2) {
            let [(yesterday, before), (today, now)] = pair else { continue };
            // A missing day would put two days' cases on one.
            let value = match (line.number(*before)?, line.number(*now)?) {
                (Some(a), Some(b)) if yesterday.succ_opt() == Some(*today) => Some(b - a),
                _ => None,
            };
            rows.push(Row::new(&signal, place, *today, context.issued_at, value));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// The copy of the European forecast hub: 32 countries, already by day.
fn incident(bytes: &[u8], context: &Context<'_>, id: &'static str) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, date, value) =
        (table.column(&["location"])?, table.column(&["date"])?, table.column(&["value"])?);
    let signal = signal(id)?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_id(line.text(location)) else {
            skips.add("no place of this platform");
            continue;
        };
        let value = line.number(value)?;
        rows.push(Row::new(&signal, place, line.date(date, &["%Y-%m-%d"])?, context.issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
