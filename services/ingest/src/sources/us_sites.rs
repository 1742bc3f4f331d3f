//! Weekly tables of US reporting sites, some states with two of them, as one copy has them: FluView's and FluSurv-NET's histories.

use crate::parsed::{Skips, end_of_day, signal};
use crate::places;
use crate::table::{COMMA, Table};
use crate::{Parsed, Refusal, Row};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// One row a site and week, the site's state in `location`: of each signal and its column the mean over a state's sites, issued at
/// the end of the day on which the table was `copied`.
pub(super) fn means(
    bytes: &[u8],
    columns: &[(&'static str, &'static str)],
    copied: (i32, u32, u32),
) -> Result<Parsed, Refusal> {
    let table = Table::read(bytes, &COMMA)?;
    let (location, date) = (table.column(&["location"])?, table.column(&["target_end_date"])?);
    let column =
        |(name, column): &(&'static str, &'static str)| Ok((signal(name)?, table.column(&[*column])?));
    let columns: Vec<_> = columns.iter().map(column).collect::<Result<_, Refusal>>()?;
    let mut skips = Skips::default();
    let mut cells: BTreeMap<_, (f64, f64)> = BTreeMap::new();
    for line in table.lines() {
        let Some(place) = places::us_location(line.text(location)) else {
            skips.add("no place of this platform");
            continue;
        };
        let week = line.date(date, &["%Y-%m-%d"])?;
        for (signal, column) in &columns {
            if let Some(value) = line.number(*column)? {
                let cell = cells.entry((signal, place, week)).or_default();
                *cell = (cell.0 + value, cell.1 + 1.0);
            }
        }
    }
    let (year, month, day) = copied;
    let issued_at = end_of_day(NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default());
    let row =
        |((signal, place, week), (sum, sites)): ((&domain::SignalId, &domain::PlaceId, _), (f64, f64))| {
            Row::new(signal, place, week, issued_at, Some(sum / sites))
        };
    Ok(Parsed { rows: cells.into_iter().map(row).collect(), skipped: skips.into_list(), ..Parsed::default() })
}
