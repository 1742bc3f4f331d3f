//! `cdc-nssp`: emergency visits for COVID-19, influenza, RSV and acute respiratory illness by US state and county, percent of all visits.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-nssp",
    publisher: "CDC, National Syndromic Surveillance Program",
    title: "NSSP emergency department visit trajectories by state and county",
    page_url: "https://data.cdc.gov/Public-Health-Surveillance/NSSP-Emergency-Department-Visit-Trajectories-by-St/rdmq-nq56",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, National Syndromic Surveillance Program (NSSP)",
    redistributable: true,
    left_out: Some("its recorded vintages were retrieved after the recorded clock; it comes with LIVE=1"),
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 50,
        first_day: (2022, 10, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[Feed {
        name: "latest.parquet",
        url: "https://raw.githubusercontent.com/CDCgov/covid19-forecast-hub/main/auxiliary-data/nssp-raw-data/latest.parquet",
        parse,
    }],
    recordings: &[Recording {
        feed: "latest.parquet",
        folder: "data/us/cdc-nssp",
        prefix: "nssp-county_",
        suffix: ".parquet",
        issued: Issued::Recorded,
    }],
};

/// Percent of emergency visits, by the publisher's FIPS (`00000` the nation, `06000` a state, `06037` a county). A county
/// repeats the value of its health service area: neighbours are not independent. Names repeat across states.
fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, Refusal> {
    let all = Frame::read(bytes)?;
    let (week, fips) = (all.date(&["week_end"])?, all.text(&["fips"])?);
    let columns = [
        (signal("ari_ed_visits_percent")?, all.number(&["percent_visits_ari"])?),
        (signal("covid_ed_visits_percent")?, all.number(&["percent_visits_covid"])?),
        (signal("flu_ed_visits_percent")?, all.number(&["percent_visits_influenza"])?),
        (signal("rsv_ed_visits_percent")?, all.number(&["percent_visits_rsv"])?),
    ];
    let (mut rows, mut skips) = (Vec::with_capacity(4 * all.len()), Skips::default());
    for i in 0..all.len() {
        let code: &str = present(fips, i, "fips")?;
        let place = match code.strip_suffix("000") {
            Some("00") => places::by_id("US"),
            Some(state) => places::us_location(state),
            None => places::us_county(code),
        };
        let Some(place) = place else {
            skips.add("no place of this platform");
            continue;
        };
        let week = *present(week, i, "week_end")?;
        for (signal, values) in &columns {
            let value = values.get(i).copied().flatten();
            rows.push(Row::new(signal, place, week, context.issued_at, value));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
