//! `cdc-mpox`: cumulative mpox cases by US state, as CDC published them in 2022.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Column, Line, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-mpox",
    publisher: "CDC",
    title: "2022 U.S. Map & Case Count: mpox",
    page_url: "https://archive.cdc.gov/www_cdc_gov/poxvirus/mpox/response/2022/us-map.html",
    cadence: Cadence::Ended,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention: 2022 U.S. mpox case count",
    redistributable: true,
    left_out: None,
    issue_time: "The time that the table states in words (`Data as of September 15 2022 at 2:00 pm EDT`).",
    repositories: &[],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 10,
        first_day: (2022, 5, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed { name: "us-map.csv", url: "", parse }],
    recordings: &[recording("cdc_data_"), recording("cdc_latest_")],
};

const fn recording(prefix: &'static str) -> Recording {
    Recording {
        feed: "us-map.csv",
        folder: "data/us/cdc-mpox",
        prefix,
        suffix: ".csv",
        issued: Issued::Inside,
    }
}

/// One vintage: a cumulative count a state, about the day that the table states. New York is the whole state here.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, cases, stated) =
        (table.column(&["Location"])?, table.column(&["Cases"])?, table.column(&["AsOf"])?);
    let cumulative = signal("mpox_cases_cumulative")?;
    let (mut rows, mut skips) = (Vec::with_capacity(table.len()), Skips::default());
    for line in table.lines() {
        let Some(place) = places::by_name("state", line.text(location)) else {
            skips.add("no state: the total, or people who live elsewhere");
            continue;
        };
        let issued_at = as_of(&line, stated)?;
        let value = line.number(cases)?;
        rows.push(Row::new(
            &cumulative,
            place,
            issued_at.with_timezone(&chrono_tz::America::New_York).date_naive(),
            issued_at,
            value,
        ));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// `Data as of September 15 2022 at 2:00 pm EDT`: CDC's local time, Eastern.
fn as_of(line: &Line<'_>, column: Column<'_>) -> Result<DateTime<Utc>, Refusal> {
    let text = line.text(column).trim_start_matches("Data as of ");
    let local = text.trim_end_matches(" EDT").trim_end_matches(" EST").to_uppercase();
    let time = NaiveDateTime::parse_from_str(&local, "%B %d %Y AT %I:%M %p").ok();
    let eastern = time.and_then(|t| chrono_tz::America::New_York.from_local_datetime(&t).earliest());
    eastern.map(|t| t.to_utc()).ok_or_else(|| line.refuse(column, "a time in words"))
}
