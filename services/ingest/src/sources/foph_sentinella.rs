//! `foph-sentinella`: consultations for influenza-like illness and COVID-19 in Switzerland by week, from the Sentinella practices.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Issued, Recording, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::TimeDelta;
use domain::{EpiWeek, Status, Step, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "foph-sentinella",
    publisher: "Federal Office of Public Health (FOPH/BAG/OFSP/UFSP)",
    title: "Infectious Disease Dashboard: influenza and COVID-19, Sentinella, by week",
    page_url: "https://idd.bag.admin.ch/",
    cadence: Cadence::Weekly,
    terms: Terms::ReuseWithCredit,
    licence: "Open use. Must provide the source.",
    licence_url: "https://opendata.swiss/en/terms-of-use",
    credit: "Federal Office of Public Health FOPH, Infectious Disease Dashboard",
    redistributable: true,
    left_out: Some("of its exports only the first weeks of one could be recorded: it is fetched live only"),
    issue_time: "The date of the retrieval, counted from the end of that day.",
    repositories: &[],
    steps: &[Step::EndOfDay],
    rules: Rules {
        corrections: false,
        min_places: 1,
        first_day: (2012, 12, 1),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "INFLUENZA_sentinella.csv",
            url: "https://api.idd.bag.admin.ch/api/v1/export/latest/INFLUENZA_sentinella/csv",
            parse: |bytes, context| parse(bytes, context, ["ili_incidence", "ili_consultation_share"]),
        },
        // Never recorded; the columns are those of the table on influenza.
        Feed {
            name: "COVID19_sentinella.csv",
            url: "https://api.idd.bag.admin.ch/api/v1/export/latest/COVID19_sentinella/csv",
            parse: |bytes, context| {
                parse(bytes, context, ["covid_consultations", "covid_consultation_share"])
            },
        },
    ],
    recordings: &[Recording {
        feed: "INFLUENZA_sentinella.csv",
        folder: "data/ch/bag-idd",
        prefix: "INFLUENZA_sentinella_",
        suffix: ".csv",
        issued: Issued::Recorded,
    }],
};

/// The first week that ends on a Sunday: it has nine days, 2024-05-18 to 2024-05-26. The weeks before it ran from Saturday
/// to Friday, those after it are ISO weeks.
const LONG_WEEK: (i32, u32) = (2024, 21);

/// Consultations per 100,000 inhabitants, and their percentage of all consultations: the whole country, all ages. A week
/// whose reports are not all in is provisional.
fn parse(bytes: &[u8], context: &Context<'_>, ids: [&'static str; 2]) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (category, period) = (table.column(&["valueCategory"])?, table.column(&["temporal"])?);
    let (system, region) = (table.column(&["temporal_type"])?, table.column(&["georegion"])?);
    let (age, sex) = (table.column(&["agegroup"])?, table.column(&["sex"])?);
    let (rate, share) = (table.column(&["incValue"])?, table.column(&["prctConsultations"])?);
    let complete = table.column(&["dataComplete"])?;
    let [of_inhabitants, of_consultations] = ids;
    let signals = [(signal(of_inhabitants)?, rate), (signal(of_consultations)?, share)];
    let (mut rows, mut skips) = (Vec::new(), Skips::default());
    for line in table.lines() {
        let all = line.text(age) == "all" && line.text(sex) == "all";
        let Some(place) = places::by_id(line.text(region)).filter(|_| all) else {
            skips.add("a region of the Sentinella, or a subgroup");
            continue;
        };
        if line.text(category) != "consultations" {
            skips.add("another measure");
            continue;
        }
        // Other cadences would put their values on the weeks' days.
        if line.text(system) != "week" {
            return Err(line.refuse(system, "`week`, the Sentinella's own, which changed in 2024-W21"));
        }
        let week = EpiWeek::parse(line.text(period), WeekSystem::Iso)
            .map_err(|_| line.refuse(period, "a year and a week"))?;
        let old = (week.year(), week.week()) < LONG_WEEK;
        let end = if old { week.end() - TimeDelta::days(2) } else { week.end() };
        for (signal, column) in &signals {
            let mut row = Row::new(signal, place, end, context.issued_at, line.number(*column)?);
            if row.value.is_some() && line.text(complete) == "FALSE" {
                row.status = Status::Provisional;
            }
            rows.push(row);
        }
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}
