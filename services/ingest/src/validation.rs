//! What a vintage must satisfy before anything of it is stored.

mod known;

pub use known::against_known;

use crate::source::{Defect, Rules};
use crate::{Parsed, Refusal, Row};
use chrono::{Datelike as _, NaiveDate};
use std::collections::{BTreeMap, HashSet};

/// Checks what a parser read. `known` is the number of cells known before of the same signals: it tells a
/// truncated file from a short one. Rows with a defect that the source tolerates are set aside and counted.
///
/// # Errors
/// [`Refusal`] with the first reason found; nothing of the payload may then be stored.
pub fn check(mut parsed: Parsed, rules: &Rules, known: usize) -> Result<Parsed, Refusal> {
    if parsed.rows.is_empty() {
        return Err(Refusal::NoRows);
    }
    if let Some(row) = parsed.rows.iter().find(|r| r.value.is_some_and(|v| !v.is_finite())) {
        return Err(Refusal::NotFinite { key: key(row) });
    }
    one_place(&parsed.rows, rules)?;
    duplicates(&parsed.rows)?;
    if !parsed.changes_only {
        long_enough(parsed.rows.len(), rules, known)?;
    }
    let (year, month, day) = rules.first_day;
    let first = NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    let mut set_aside: BTreeMap<String, u64> = BTreeMap::new();
    let mut kept = Vec::with_capacity(parsed.rows.len());
    for row in parsed.rows {
        match defect(&row, rules, first) {
            None => kept.push(row),
            Some(d) if rules.tolerates.contains(&d) => {
                *set_aside.entry(reason(d, first).to_string()).or_default() += 1;
            }
            Some(d) => return Err(refusal(d, &row, first)),
        }
    }
    parsed.rows = kept;
    parsed.quarantined.extend(set_aside);
    if parsed.rows.is_empty() { Err(Refusal::NoRows) } else { Ok(parsed) }
}

/// Is a table of `rows` rows plausible where `known` cells are known?
///
/// # Errors
/// [`Refusal::Fewer`] when it is a truncated one.
pub fn long_enough(rows: usize, rules: &Rules, known: usize) -> Result<(), Refusal> {
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows stay far below 2^53")]
    let truncated = (rows as f64) < rules.least_share * known as f64;
    if truncated { Err(Refusal::Fewer { rows, known }) } else { Ok(()) }
}

fn one_place(rows: &[Row], rules: &Rules) -> Result<(), Refusal> {
    let places: HashSet<&str> = rows.iter().map(|r| r.place.as_str()).collect();
    match rows.first() {
        // A handful of rows may well be about one place.
        Some(row) if places.len() < rules.min_places && rows.len() > 10 * rules.min_places => {
            Err(Refusal::OnePlace { place: row.place.to_string(), rows: rows.len() })
        }
        _ => Ok(()),
    }
}

fn duplicates(rows: &[Row]) -> Result<(), Refusal> {
    let mut seen = HashSet::with_capacity(rows.len());
    let mut repeated =
        rows.iter().filter(|r| !seen.insert((&r.signal, &r.place, r.reference_date, r.issued_at)));
    let Some(first) = repeated.next() else { return Ok(()) };
    Err(Refusal::Duplicate { key: key(first), count: 1 + repeated.count() })
}

fn key(row: &Row) -> String {
    format!(
        "{} of {} on {}, issued {}",
        row.signal,
        row.place,
        row.reference_date,
        row.issued_at.format("%F %TZ")
    )
}

fn defect(row: &Row, rules: &Rules, first: NaiveDate) -> Option<Defect> {
    if row.reference_date > row.issued_at.date_naive() {
        return Some(Defect::Future);
    }
    if row.reference_date < first {
        return Some(Defect::Early);
    }
    if rules.week_ends.is_some_and(|day| day != row.reference_date.weekday()) {
        return Some(Defect::Weekday);
    }
    (!rules.corrections && row.value.is_some_and(|v| v < 0.0)).then_some(Defect::Negative)
}

fn reason(defect: Defect, first: NaiveDate) -> String {
    match defect {
        Defect::Negative => "a count below zero".to_owned(),
        Defect::Future => "about a day after its issue".to_owned(),
        Defect::Early => format!("about a day before {first}, when this series begins"),
        Defect::Weekday => "not dated by the last day of a week".to_owned(),
    }
}

fn refusal(defect: Defect, row: &Row, first: NaiveDate) -> Refusal {
    let key = key(row);
    match defect {
        Defect::Negative => Refusal::Negative { key, value: row.value.unwrap_or_default() },
        Defect::Future => Refusal::Future { key },
        Defect::Early => Refusal::Early { key, first },
        Defect::Weekday => Refusal::Weekday { key },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::end_of_day;
    use domain::{PlaceId, SignalId, Status};

    const RULES: Rules = Rules {
        corrections: false,
        min_places: 2,
        first_day: (2020, 1, 22),
        week_ends: None,
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    };

    fn row(place: &str, day: &str, value: f64) -> Row {
        Row {
            signal: SignalId::new("covid_cases").unwrap(),
            place: PlaceId::new(place).unwrap(),
            reference_date: day.parse().unwrap(),
            issued_at: end_of_day("2021-02-25".parse().unwrap()),
            value: Some(value),
            status: Status::Observed,
        }
    }

    fn checked(rows: Vec<Row>, rules: &Rules, known: usize) -> Result<Parsed, Refusal> {
        check(Parsed { rows, ..Parsed::default() }, rules, known)
    }

    #[test]
    fn each_defect_has_its_sentence() {
        let good = row("FR", "2021-01-01", 1.0);
        let refused = |bad: Row| checked(vec![good.clone(), bad], &RULES, 0).unwrap_err().to_string();
        assert!(refused(good.clone()).contains("repeat a key"));
        assert!(refused(row("CH", "2020-01-01", 1.0)).contains("before 2020-01-22"));
        assert!(refused(row("CH", "2021-02-26", 1.0)).contains("after its issue"));
        assert!(refused(row("CH", "2021-02-01", -1.0)).contains("below zero"));
        assert!(refused(row("CH", "2021-02-01", f64::INFINITY)).contains("not a finite number"));
        assert_eq!(checked(vec![], &RULES, 0), Err(Refusal::NoRows));
        let weekly = Rules { week_ends: Some(chrono::Weekday::Sun), ..RULES };
        assert!(matches!(checked(vec![good], &weekly, 0), Err(Refusal::Weekday { .. })));
    }

    #[test]
    fn a_truncated_or_one_placed_table_is_refused_whole() {
        let days: Vec<String> = (1..=28).map(|d| format!("2021-01-{d:02}")).collect();
        let one: Vec<Row> = days.iter().map(|d| row("FR", d, 1.0)).collect();
        assert!(matches!(checked(one.clone(), &RULES, 28), Err(Refusal::OnePlace { rows: 28, .. })));
        let rules = Rules { min_places: 1, ..RULES };
        assert!(checked(one.clone(), &rules, 56).is_ok());
        assert_eq!(checked(one.clone(), &rules, 57), Err(Refusal::Fewer { rows: 28, known: 57 }));
        let log = Parsed { rows: one, changes_only: true, ..Parsed::default() };
        assert!(check(log, &rules, 10_000).is_ok(), "a log of changes is as long as the changes are many");
    }

    #[test]
    fn a_tolerated_defect_costs_the_row_and_is_counted() {
        let rules = Rules { tolerates: &[Defect::Early], ..RULES };
        let parsed =
            checked(vec![row("FR", "2021-01-01", 1.0), row("CH", "2020-01-01", 1.0)], &rules, 0).unwrap();
        assert_eq!(parsed.rows.len(), 1);
        assert_eq!(
            parsed.quarantined,
            [("about a day before 2020-01-22, when this series begins".to_owned(), 1)]
        );
        let corrections = Rules { corrections: true, ..RULES };
        assert_eq!(checked(vec![row("FR", "2021-01-01", -3.0)], &corrections, 0).unwrap().rows.len(), 1);
    }
}
