//! `foph-idd-weekly`: laboratory-confirmed influenza and COVID-19 in Switzerland by canton and week, from the Infectious Disease
//! Dashboard of the Swiss Federal Office of Public Health. No payload of these two tables could be recorded: the columns are
//! those that the dashboard documents and that its recorded tables have.

use crate::parsed::{Skips, signal};
use crate::places;
use crate::source::{Cadence, Feed, Rules, Source, Terms};
use crate::table::{COMMA, Table};
use crate::{Context, Parsed, Refusal, Row};
use chrono::Weekday;
use domain::{EpiWeek, PlaceId, Status, WeekSystem};

/// The declaration.
pub const SOURCE: Source = Source {
    id: "foph-idd-weekly",
    publisher: "Federal Office of Public Health (FOPH/BAG/OFSP/UFSP)",
    title: "Infectious Disease Dashboard: influenza and COVID-19, mandatory reporting, by week",
    page_url: "https://idd.bag.admin.ch/",
    cadence: Cadence::Weekly,
    terms: Terms::ReuseWithCredit,
    licence: "Open use. Must provide the source.",
    licence_url: "https://opendata.swiss/en/terms-of-use",
    credit: "Federal Office of Public Health FOPH, Infectious Disease Dashboard",
    redistributable: true,
    left_out: Some("no payload could be recorded: it is fetched live only"),
    issue_time: "The time of the retrieval.",
    repositories: &[],
    steps: &[],
    rules: Rules {
        corrections: false,
        min_places: 20,
        first_day: (2012, 12, 31),
        week_ends: Some(Weekday::Sun),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    },
    feeds: &[
        Feed {
            name: "INFLUENZA_oblig.csv",
            url: "https://api.idd.bag.admin.ch/api/v1/export/latest/INFLUENZA_oblig/csv",
            parse: |bytes, context| cases(bytes, context, "flu_cases_weekly"),
        },
        Feed {
            name: "COVID19_oblig.csv",
            url: "https://api.idd.bag.admin.ch/api/v1/export/latest/COVID19_oblig/csv",
            parse: |bytes, context| cases(bytes, context, "covid_cases_weekly"),
        },
    ],
    recordings: &[],
};

/// Columns that split the cases; not every table has each. A total is `all` in every one of them.
const SUBGROUPS: [&str; 3] = ["type", "agegroup", "sex"];

/// Cases by ISO week. Other cadences, subgroups and Liechtenstein stand in the same table. A week whose reports are not all in
/// is provisional.
fn cases(bytes: &[u8], context: &Context<'_>, id: &'static str) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (category, value) = (table.column(&["valueCategory"])?, table.column(&["value"])?);
    let (period, cadence) = (table.column(&["temporal"])?, table.column(&["temporal_type"])?);
    let (region, complete) = (table.column(&["georegion"])?, table.find("dataComplete"));
    let groups: Vec<_> = SUBGROUPS.iter().filter_map(|name| table.find(name)).collect();
    let (cases, mut rows, mut skips) = (signal(id)?, Vec::new(), Skips::default());
    for line in table.lines() {
        if line.text(category) != "cases" || groups.iter().any(|g| line.text(*g) != "all") {
            skips.add("another measure, or a subgroup");
            continue;
        }
        if line.text(cadence) != "iso_week" {
            skips.add("another cadence");
            continue;
        }
        let Some(place) = place(line.text(region)) else {
            skips.add("Liechtenstein, alone or together with Switzerland, or no canton");
            continue;
        };
        let week = EpiWeek::parse(line.text(period), WeekSystem::Iso);
        let week = week.map_err(|_| line.refuse(period, "a year and an ISO week"))?;
        let mut row = Row::new(&cases, place, week.end(), context.issued_at, line.number(value)?);
        if row.value.is_some() && complete.is_some_and(|c| line.text(c) == "FALSE") {
            row.status = Status::Provisional;
        }
        rows.push(row);
    }
    Ok(Parsed { rows, skipped: skips.into_list(), ..Parsed::default() })
}

/// `CH`, or a canton by its two letters.
fn place(region: &str) -> Option<&'static PlaceId> {
    if region == "CH" { places::by_id(region) } else { places::by_id(&format!("CH-{region}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written for this test by the documented columns: not a payload of the publisher.
    const TABLE: &str = "valueCategory,temporal,temporal_type,georegion,georegion_type,agegroup,agegroup_type,sex,type,value,pop,incValue,dataComplete
cases,2025-W05,iso_week,CHFL,CHFL,all,all,all,all,412,9092000,4.5,TRUE
cases,2025-W05,iso_week,CH,country,all,all,all,all,410,9052000,4.5,TRUE
cases,2025-W05,iso_week,ZH,canton,all,all,all,all,70,1605000,4.4,TRUE
cases,2025-W06,iso_week,ZH,canton,all,all,all,all,31,1605000,1.9,FALSE
cases,2025-W06,iso_week,FL,canton,all,all,all,all,2,40000,5,FALSE
cases,2025-W05,iso_week,ZH,canton,65+,agegroup,all,all,20,280000,7.1,TRUE
cases,2025-W05,iso_week,ZH,canton,all,all,all,A,60,1605000,3.7,TRUE
cases,2025-W06,iso_week,GE,canton,all,all,all,all,NA,520000,NA,TRUE
cases,2025,year,CH,country,all,all,all,all,9000,9052000,99,FALSE
detections,2025-W05,iso_week,CH,country,all,all,all,all,5,NA,NA,TRUE
";

    fn read(text: &str) -> Result<Parsed, Refusal> {
        let context = Context { issued_at: "2025-02-12T10:00:00Z".parse().unwrap(), file: "" };
        cases(text.as_bytes(), &context, "flu_cases_weekly")
    }

    #[test]
    fn totals_of_iso_weeks_are_read_for_the_country_and_its_cantons() {
        let parsed = read(TABLE).unwrap();
        let shown: Vec<_> = parsed
            .rows
            .iter()
            .map(|r| format!("{} {} {:?} {}", r.place, r.reference_date, r.value, r.status))
            .collect();
        assert_eq!(
            shown,
            [
                "CH 2025-02-02 Some(410.0) observed",
                "CH-ZH 2025-02-02 Some(70.0) observed",
                "CH-ZH 2025-02-09 Some(31.0) provisional",
                "CH-GE 2025-02-09 None missing",
            ]
        );
        assert_eq!(
            parsed.skipped.iter().map(|(_, rows)| rows).sum::<u64>(),
            6,
            "nothing is dropped in silence"
        );
    }

    #[test]
    fn a_renamed_column_or_another_way_to_write_weeks_is_refused() {
        let missing = read(&TABLE.replace("temporal_type", "cadence")).unwrap_err().to_string();
        assert!(missing.contains("temporal_type"), "{missing}");
        let week = read(&TABLE.replace("2025-W05", "05/2025")).unwrap_err().to_string();
        assert!(week.contains("a year and an ISO week"), "{week}");
    }
}
