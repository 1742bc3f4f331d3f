//! The chart as numbers.

use super::outlook::Outlook;
use super::series::{Cell, Series};
use crate::i18n::{Lang, column_digits, digits};
use domain::quantiles::{BANDS, MEDIAN};

/// Rows of a table on a page; the CSV has them all.
pub const MOST_ROWS: usize = 60;

/// A published value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The day, or the week's last day.
    pub date: String,
    /// `2025-W05`, where values are weekly.
    pub week: Option<String>,
    /// The number, or the word for why there is none.
    pub value: String,
    /// A word when it is not simply observed.
    pub note: Option<String>,
    /// Where it comes from.
    pub why: String,
}

/// A week that is forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The week's last day.
    pub date: String,
    /// `2025-W06`.
    pub week: String,
    /// The middle.
    pub median: String,
    /// 50, 80 and 95 % intervals.
    pub bands: Vec<String>,
}

/// The newest rows first, at most [`MOST_ROWS`]; and how many there are in all.
#[must_use]
pub fn rows(lang: &Lang, series: &Series<'_>) -> (Vec<Row>, usize) {
    let rows = series.cells.iter().rev().take(MOST_ROWS).map(|c| row(lang, series, c)).collect();
    (rows, series.cells.len())
}

fn row(lang: &Lang, series: &Series<'_>, c: &Cell) -> Row {
    let unit = series.signal.unit;
    let word = lang.t(&format!("status.{}", c.status));
    let weekly = series.signal.cadence == domain::profile::Cadence::Week;
    Row {
        date: lang.formats.short_date(c.date),
        week: weekly.then(|| lang.formats.week(c.date).to_string()),
        value: c.value.map_or_else(|| "–".to_owned(), |v| lang.cell(v, column_digits(unit), unit)),
        note: match c.status {
            domain::Status::Observed if !series.settled(c.date) => Some(lang.t("table.incomplete")),
            domain::Status::Observed => None,
            _ => Some(word),
        },
        why: format!("/why/{}", c.id),
    }
}

/// The forecast, nearest week first.
#[must_use]
pub fn ahead(lang: &Lang, series: &Series<'_>, outlook: &Outlook) -> Vec<Ahead> {
    let unit = series.signal.unit;
    let weeks = outlook.weeks.as_deref().unwrap_or_default();
    // One precision for the whole table, by its largest number: as the sentences have it, and short on a phone.
    let largest = weeks.iter().filter_map(|f| f.quantiles.get(BANDS[2].2)).copied().fold(0.0, f64::max);
    let shown = digits(largest, unit);
    let show = |q: &[f64], n: usize| q.get(n).map_or_else(|| "–".to_owned(), |v| lang.cell(*v, shown, unit));
    weeks
        .iter()
        .map(|f| Ahead {
            date: lang.formats.short_date(f.target_end_date),
            week: lang.formats.week(f.target_end_date).to_string(),
            median: show(&f.quantiles, MEDIAN),
            bands: BANDS
                .iter()
                .map(|(_, low, high)| {
                    lang.f(
                        "range_short",
                        &[("low", &show(&f.quantiles, *low)), ("high", &show(&f.quantiles, *high))],
                    )
                })
                .collect(),
        })
        .collect()
}
