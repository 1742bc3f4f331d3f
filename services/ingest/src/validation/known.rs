//! What a vintage must satisfy beside what is known already: no half values, no lost week, no week twice.

use crate::changes::Cell;
use crate::source::Rules;
use crate::{Refusal, Row};
use chrono::{NaiveDate, TimeDelta};
use domain::{PlaceId, SignalId};
use std::collections::{BTreeMap, BTreeSet};

/// Fewer cells than this prove nothing about all of them.
const ENOUGH: usize = 10;
/// The median of new by known may lie between these: larger shifts of whole histories are changes of the unit.
const LOW: f64 = 0.67;
const HIGH: f64 = 1.5;
/// So many known weeks in a row make the next one due.
const STEADY: i64 = 8;
/// A pause longer than this is a season without reports; a shorter one is a week that was lost.
const SHORT_PAUSE: i64 = 5;
/// Places that reported on one of so many newest known dates are expected; who left before was let go.
const LATELY: usize = 3;

/// The values of one signal.
type Table<'r> = BTreeMap<(NaiveDate, &'r PlaceId), Option<f64>>;

/// Compares what a payload says with `known`, the last number known of each cell ([`crate::changes::Log::newest`]).
/// It is for whole tables, after [`super::check`]; a log of changes says nothing about what it does not mention.
/// Of a cell that the payload holds in several vintages, the last counts.
///
/// # Errors
/// [`Refusal::Scale`], [`Refusal::Gap`], [`Refusal::Repeated`] or [`Refusal::PlacesGone`]; nothing of the payload may
/// then be stored.
pub fn against_known(rows: &[Row], rules: &Rules, known: &BTreeMap<Cell, f64>) -> Result<(), Refusal> {
    let mut new: BTreeMap<&SignalId, Table<'_>> = BTreeMap::new();
    let mut in_time: Vec<&Row> = rows.iter().collect();
    in_time.sort_by_key(|r| r.issued_at);
    for row in in_time {
        new.entry(&row.signal).or_default().insert((row.reference_date, &row.place), row.value);
    }
    let mut old: BTreeMap<&SignalId, Table<'_>> = BTreeMap::new();
    for ((signal, place, date), value) in known {
        old.entry(signal).or_default().insert((*date, place), Some(*value));
    }
    for (signal, new) in &new {
        if rules.week_ends.is_some() {
            repeated(signal, new)?;
        }
        let Some(old) = old.get(signal) else { continue };
        scale(signal, new, old)?;
        gap(signal, new, old, rules)?;
        gone(signal, new, old)?;
    }
    Ok(())
}

/// Both the median ratio and the ratio of the sums must be far from 1: days whose cases were put on other days change
/// every cell and not the sum.
fn scale(signal: &SignalId, new: &Table<'_>, old: &Table<'_>) -> Result<(), Refusal> {
    let both = old.iter().filter_map(|(key, known)| Some((new.get(key).copied().flatten()?, (*known)?)));
    let (mut sums, mut ratios) = ((0.0, 0.0), Vec::new());
    for (now, then) in both {
        sums = (sums.0 + now, sums.1 + then);
        if now != 0.0 && then != 0.0 {
            ratios.push(now / then);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let usual = LOW..=HIGH;
    match ratios.get(ratios.len() / 2) {
        Some(median)
            if ratios.len() >= ENOUGH && !usual.contains(median) && !usual.contains(&(sums.0 / sums.1)) =>
        {
            Err(Refusal::Scale { signal: signal.to_string(), factor: *median, cells: ratios.len() })
        }
        _ => Ok(()),
    }
}

fn dates(table: &Table<'_>) -> BTreeSet<NaiveDate> {
    table.keys().map(|(date, _)| *date).collect()
}

fn gap(signal: &SignalId, new: &Table<'_>, old: &Table<'_>, rules: &Rules) -> Result<(), Refusal> {
    let (has, knew) = (dates(new), dates(old));
    let (Some(first), Some(last)) = (has.first(), has.last()) else { return Ok(()) };
    let missing = |date| Err(Refusal::Gap { signal: signal.to_string(), date });
    // A date that stood alone may well be corrected away; one between its neighbours may not.
    let step = TimeDelta::days(if rules.week_ends.is_some() { 7 } else { 1 });
    let between = |d: NaiveDate| knew.contains(&(d - step)) && knew.contains(&(d + step));
    if let Some(date) = knew.iter().find(|d| *d > first && *d < last && !has.contains(*d) && between(**d)) {
        return missing(*date);
    }
    // The week after the newest known one, when weeks came without a pause until then.
    let (true, Some(newest)) = (rules.week_ends.is_some(), knew.last()) else { return Ok(()) };
    let steady = (0..STEADY).all(|n| knew.contains(&(*newest - TimeDelta::weeks(n))));
    let mut before = *newest;
    for date in has.range(*newest..).skip_while(|d| *d == newest) {
        let weeks = (*date - before).num_weeks();
        if steady && weeks > 1 && weeks <= SHORT_PAUSE {
            return missing(before + TimeDelta::weeks(1));
        }
        before = *date;
    }
    Ok(())
}

fn repeated(signal: &SignalId, new: &Table<'_>) -> Result<(), Refusal> {
    let weeks = dates(new);
    let mut back = weeks.iter().rev();
    let (Some(date), Some(before)) = (back.next(), back.next()) else { return Ok(()) };
    let of = |week: NaiveDate| {
        let one = new.iter().filter(move |((d, _), v)| *d == week && v.is_some_and(|v| v != 0.0));
        one.map(|((_, place), value)| (*place, *value)).collect::<BTreeMap<_, _>>()
    };
    let (this, previous) = (of(*date), of(*before));
    if this.len() >= ENOUGH && this == previous {
        return Err(Refusal::Repeated { signal: signal.to_string(), date: *date, cells: this.len() });
    }
    Ok(())
}

fn gone(signal: &SignalId, new: &Table<'_>, old: &Table<'_>) -> Result<(), Refusal> {
    let newest: BTreeSet<_> = dates(old).into_iter().rev().take(LATELY).collect();
    let lately: BTreeSet<_> = old.keys().filter(|(d, _)| newest.contains(d)).map(|(_, p)| *p).collect();
    let here: BTreeSet<_> = new.keys().map(|(_, p)| *p).collect();
    let gone: Vec<_> = lately.difference(&here).collect();
    match gone.first() {
        // One or two may leave; a file that ends too early loses more.
        Some(place) if gone.len() >= 3 && gone.len() * 20 > lately.len() => Err(Refusal::PlacesGone {
            signal: signal.to_string(),
            place: place.to_string(),
            count: gone.len(),
            known: lately.len(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::end_of_day;
    use chrono::Weekday;
    use domain::Status;

    const WEEKLY: Rules = Rules {
        corrections: false,
        min_places: 1,
        first_day: (2020, 1, 1),
        week_ends: Some(Weekday::Sat),
        complete: false,
        least_share: 0.5,
        tolerates: &[],
    };

    fn week(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 1, 6).unwrap() + TimeDelta::weeks(n)
    }

    /// Twelve départements, a value of each for each of these weeks.
    fn table(weeks: impl IntoIterator<Item = i64>, factor: f64) -> Vec<Row> {
        let places = (10..22).map(|p| PlaceId::new(format!("FR:{p}")).unwrap());
        let places: Vec<_> = places.collect();
        let row = |n: i64, p: &PlaceId, i: usize| Row {
            signal: SignalId::new("x").unwrap(),
            place: p.clone(),
            reference_date: week(n),
            issued_at: end_of_day(week(60)),
            value: Some(factor * (100 + n * 7 + i as i64) as f64),
            status: Status::Observed,
        };
        weeks
            .into_iter()
            .flat_map(|n| places.iter().enumerate().map(move |(i, p)| row(n, p, i)).collect::<Vec<_>>())
            .collect()
    }

    fn known() -> BTreeMap<Cell, f64> {
        let cell = |r: Row| ((r.signal, r.place, r.reference_date), r.value.unwrap());
        table(0..20, 1.0).into_iter().map(cell).collect()
    }

    #[test]
    fn what_is_like_before_or_revised_a_little_is_accepted() {
        assert_eq!(against_known(&table(0..21, 1.0), &WEEKLY, &BTreeMap::new()), Ok(()));
        assert_eq!(against_known(&table(0..21, 0.8), &WEEKLY, &known()), Ok(()));
        assert_eq!(against_known(&table(5..20, 1.0), &WEEKLY, &known()), Ok(()), "a window that moved");
        assert_eq!(
            against_known(&table((0..20).chain([40]), 1.0), &WEEKLY, &known()),
            Ok(()),
            "a new season"
        );
    }

    #[test]
    fn halves_gaps_and_repeats_are_refused() {
        for factor in [0.5, 2.0, 100.0] {
            let refused = against_known(&table(0..21, factor), &WEEKLY, &known());
            assert_eq!(refused, Err(Refusal::Scale { signal: "x".into(), factor, cells: 240 }));
        }
        let missing = |n| Err(Refusal::Gap { signal: "x".into(), date: week(n) });
        assert_eq!(
            against_known(&table((0..7).chain(8..21), 1.0), &WEEKLY, &known()),
            missing(7),
            "a known week is gone"
        );
        assert_eq!(
            against_known(&table((0..20).chain([21]), 1.0), &WEEKLY, &known()),
            missing(20),
            "a new week is skipped"
        );
        let mut twice = table(0..20, 1.0);
        twice.extend(table([19], 1.0).into_iter().map(|r| Row { reference_date: week(20), ..r }));
        let refused = against_known(&twice, &WEEKLY, &known());
        assert_eq!(refused, Err(Refusal::Repeated { signal: "x".into(), date: week(20), cells: 12 }));
    }

    #[test]
    fn a_table_that_ends_too_early_lost_places() {
        let mut rows = table(0..21, 1.0);
        rows.retain(|r| r.place.as_str() < "FR:19");
        let refused = against_known(&rows, &WEEKLY, &known()).unwrap_err().to_string();
        assert!(
            refused.contains("3 of 12 places") && refused.contains("FR:19") && refused.contains("truncated"),
            "{refused}"
        );
    }
}
