//! `cdc-fluview`: influenza-like illness seen by sentinel providers, and tests of clinical laboratories, of the United States.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{Dialect, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::{EpiWeek, Step, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "cdc-fluview",
    publisher: "CDC, Influenza Division",
    title: "FluView Interactive: ILINet and clinical laboratories (NREVSS)",
    page_url: "https://gis.cdc.gov/grasp/fluview/fluportaldashboard.html",
    cadence: Cadence::Weekly,
    terms: Terms::PublicDomain,
    licence: "Public domain (US Government work)",
    licence_url: "https://www.usa.gov/government-works",
    credit: "Centers for Disease Control and Prevention, FluView (ILINet; WHO/NREVSS collaborating laboratories)",
    redistributable: true,
    left_out: Some("no profile shows its signals yet"),
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (1997, 9, 28),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed { name: "ILINet.csv", url: "", parse: |b, c| parse(b, c, &ILI) },
        Feed { name: "ICL_NREVSS_Clinical_Labs.csv", url: "", parse: |b, c| parse(b, c, &LABORATORIES) },
    ],
    recordings: &[
        Recording {
            feed: "ILINet.csv",
            folder: "data/us/cdc-fluview",
            prefix: "ILINet_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "ILINet.csv",
            folder: "data/us/cdc-fluview",
            prefix: "ILINet_states_",
            suffix: ".csv.gz",
            issued: Issued::Recorded,
        },
        Recording {
            feed: "ICL_NREVSS_Clinical_Labs.csv",
            folder: "data/us/cdc-fluview",
            prefix: "ICL_NREVSS_Clinical_Labs_",
            suffix: ".csv",
            issued: Issued::Recorded,
        },
    ],
};

/// Signals with their columns; all are percent.
type Columns = [(&'static str, &'static str)];
const ILI: [(&str, &str); 2] =
    [("ili_visits_weighted", "% WEIGHTED ILI"), ("ili_visits_unweighted", "%UNWEIGHTED ILI")];
const LABORATORIES: [(&str, &str); 1] = [("flu_specimens_positive", "PERCENT POSITIVE")];

/// The publisher's zip holds CSV with a line of prose before the header; `X` stands for no value. New York City is a
/// "state" beside New York, which is without it: the two are not added up here. Regions are no places of ours.
fn parse(bytes: &[u8], context: &Context<'_>, columns: &Columns) -> Result<Parsed, Refusal> {
    crate::body::sniff(bytes)?;
    let bytes = crate::body::zip::member(bytes, context.file)?;
    let dialect = Dialect { delimiter: b',', missing: &["X"], comment: None };
    let table = Table::below(&bytes, "REGION TYPE", &dialect)?;
    let (kind, region) = (table.column(&["REGION TYPE"])?, table.column(&["REGION"])?);
    let (year, week) = (table.column(&["YEAR"])?, table.column(&["WEEK"])?);
    let mut signals = Vec::new();
    for (id, name) in columns {
        signals.push((signal(id)?, table.column(&[*name])?));
    }
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let found = match (line.text(kind), line.text(region)) {
            ("National", _) => places::by_id("US"),
            ("States", "New York" | "New York City") => None,
            ("States", name) => places::by_name("state", name),
            _ => None,
        };
        let Some(place) = found else {
            skips.add("New York, reported in two parts, a region, or a territory without a page");
            continue;
        };
        let number = |text: &str| text.parse::<u32>().ok();
        let of = number(line.text(year)).and_then(|y| i32::try_from(y).ok()).zip(number(line.text(week)));
        let of = of.and_then(|(y, w)| EpiWeek::new(y, w, WeekSystem::Mmwr).ok());
        let week = of.ok_or_else(|| line.refuse(week, "an MMWR week of the year beside it"))?;
        for (signal, column) in &signals {
            rows.push(Row::new(signal, place, week.end(), context.issued_at, line.number(*column)?));
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
