//! `cdc-rsv-hub`: weekly RSV hospital admissions and emergency visits of the United States, as CDC's RSV hub publishes them.

use crate::frame::{Frame, present};
use crate::parsed::{Skips, end_of_day, percent, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::Step;

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-rsv-hub",
    publisher: "CDC, RSV Forecast Hub",
    title: "RSV Forecast Hub target data: weekly hospital admissions with laboratory-confirmed RSV (NHSN), and share of emergency visits (NSSP)",
    page_url: "https://github.com/CDCgov/rsv-forecast-hub",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work); repository under Apache-2.0",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, NHSN and NSSP, via the RSV Forecast Hub",
    redistributable: true,
    left_out: None,
    issue_time: "The date in `as_of`, counted from the end of that day.",
    repositories: &["CDCgov/rsv-forecast-hub"],
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
    feeds: &[Feed {
        name: "time-series.parquet",
        url: "https://raw.githubusercontent.com/CDCgov/rsv-forecast-hub/main/target-data/time-series.parquet",
        parse,
    }],
    recordings: &[Recording {
        feed: "time-series.parquet",
        folder: "data/us/rsv-hub",
        prefix: "time-series_",
        suffix: ".parquet",
        issued: Issued::Inside,
    }],
};

/// All vintages in one table: persons for admissions, a proportion for emergency visits, which becomes percent.
fn parse(bytes: &[u8], _: &Context<'_>) -> Result<Parsed, Refusal> {
    let all = Frame::read(bytes)?;
    let (as_of, date) = (all.date(&["as_of"])?, all.date(&["target_end_date", "date"])?);
    let (target, location) = (all.text(&["target"])?, all.text(&["location"])?);
    let value = all.number(&["observation"])?;
    let (admissions, visits) = (signal("rsv_hosp_admissions")?, signal("rsv_ed_visits_percent")?);
    let (mut rows, mut skips) = (Vec::with_capacity(all.len()), Skips::default());
    for i in 0..all.len() {
        let (signal, share) = match &**present(target, i, "target")? {
            "wk inc rsv hosp" => (&admissions, false),
            "wk inc rsv prop ed visits" => (&visits, true),
            _ => {
                skips.add("another target");
                continue;
            }
        };
        let Some(place) = places::us_location(present(location, i, "location")?) else {
            skips.add("a territory without a page");
            continue;
        };
        let (week, issued_at) = (*present(date, i, "date")?, end_of_day(*present(as_of, i, "as_of")?));
        let value = value.get(i).copied().flatten();
        let value = if share { value.map(percent) } else { value };
        rows.push(Row::new(signal, place, week, issued_at, value));
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
