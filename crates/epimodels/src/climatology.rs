//! A seasonal climatology: what this week of the season was like in the other seasons. It knows nothing of the
//! current season, so it tells how much a forecast owes to the calendar alone.

use crate::Error;
use crate::quantile::{Quantiles, Weighted};

/// Quantiles of a series in `week` of the season (1..52), from its values and the season week of each: all
/// values at most `reach` weeks away count, weighted by 1 − distance/(reach + 1).
///
/// # Errors
/// [`Error::Length`] if the slices differ, [`Error::TooFew`] if fewer than three values count.
pub fn climatology(values: &[Option<f64>], weeks: &[u32], week: u32, reach: u32) -> Result<Quantiles, Error> {
    if values.len() != weeks.len() {
        let (left, right) = (values.len(), weeks.len());
        return Err(Error::Length { what: "values and season weeks", left, right });
    }
    let (chosen, weights): (Vec<f64>, Vec<f64>) =
        values.iter().zip(weeks).filter_map(|(v, w)| Some(((*v)?, nearness(*w, week, reach)?))).unzip();
    if chosen.len() < 3 {
        return Err(Error::TooFew { what: "climatology", found: chosen.len(), needed: 3 });
    }
    Ok(Weighted::new(&chosen, &weights)?.hub())
}

/// How often each of `N` classes happened in `week` of the season, from past `events` (season week, class): those at
/// most `reach` weeks away count, weighted as in [`climatology`]. One event, spread evenly over the classes, is added, so
/// that nothing is impossible.
#[must_use]
pub fn frequencies<const N: usize>(events: &[(u32, usize)], week: u32, reach: u32) -> [f64; N] {
    let mut weights = [1.0 / N as f64; N];
    for (then, class) in events {
        if let (Some(weight), Some(sum)) = (nearness(*then, week, reach), weights.get_mut(*class)) {
            *sum += weight;
        }
    }
    let total: f64 = weights.iter().sum();
    weights.map(|w| w / total)
}

/// Weight of a season week beside `week`; the year is a circle.
fn nearness(other: u32, week: u32, reach: u32) -> Option<f64> {
    let apart = other.abs_diff(week);
    let apart = apart.min(52_u32.saturating_sub(apart));
    (apart <= reach).then(|| 1.0 - f64::from(apart) / (f64::from(reach) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_weeks_of_that_time_of_the_year_count() {
        let weeks: Vec<u32> = (0..156).map(|i| 1 + i % 52).collect();
        let values: Vec<Option<f64>> = weeks.iter().map(|w| Some(f64::from(*w))).collect();
        let q = climatology(&values, &weeks, 20, 2).unwrap();
        assert!((q[11] - 20.0).abs() < 1e-9 && q[0] >= 18.0 && q[22] <= 22.0);
        assert!(climatology(&values, &weeks, 1, 1).unwrap()[22] > 51.0, "the year is a circle");
        assert!(climatology(&values[..2], &weeks[..2], 30, 1).is_err());
    }

    #[test]
    fn frequencies_are_those_of_the_time_of_the_year() {
        let events = [(10, 0), (10, 1), (11, 1), (52, 2), (30, 2)];
        let [a, b, c] = frequencies(&events, 10, 1);
        let total = 1.0 + 2.0 + 0.5;
        assert!(
            (a - (1.0 + 1.0 / 3.0) / total).abs() < 1e-12 && (b - (1.5 + 1.0 / 3.0) / total).abs() < 1e-12
        );
        assert!((a + b + c - 1.0).abs() < 1e-12);
        assert_eq!(frequencies::<2>(&[], 5, 2), [0.5, 0.5]);
        assert!(frequencies::<3>(&events, 1, 1)[2] > 0.5, "the year is a circle");
    }
}
