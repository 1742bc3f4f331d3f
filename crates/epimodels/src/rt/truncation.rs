//! What is still missing from the newest weeks, learnt from how earlier weeks grew after their first issue.

use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::recipe::{Issue, NowcastConfig, as_known, shrunk};

/// Weeks whose figures are taken as incomplete: the newest and those before it.
pub const INCOMPLETE: usize = 4;
/// Fewest earlier origins, over all places, from which anything is learnt.
const LEAST: usize = 4;
/// Largest deviation of a correction, on the log scale.
const WIDEST: f64 = 0.5;

/// By what the figure of a week is to be multiplied, on the log scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Mean of the logarithm of (final figure/figure known).
    pub log: f64,
    /// Its standard deviation for one further week.
    pub sd: f64,
}

/// ln(value known on `as_of`/value known earlier) of the weeks that had the age 0, 1, … weeks at earlier origins, by
/// age. Origins lie whole weeks before `as_of`, so that an issue has had as many days to be corrected as now. An
/// origin at which another week was the newest one than is expected from today's says nothing.
#[must_use]
pub fn growths(issues: &[Issue], as_of: NaiveDate, config: &NowcastConfig) -> Vec<Vec<f64>> {
    let mut found = vec![Vec::new(); INCOMPLETE];
    let Some((first, now)) = as_known(issues, as_of) else { return found };
    let weeks = |n: usize| Duration::weeks(i64::try_from(n).unwrap_or(0));
    let last = first + weeks(now.len() - 1);
    let at = |(first, values): &(NaiveDate, Vec<Option<f64>>), week: NaiveDate| {
        usize::try_from((week - *first).num_weeks()).ok().and_then(|n| values.get(n).copied().flatten())
    };
    let now = (first, now);
    for back in 1..=config.origins {
        let Some(then) = as_known(issues, as_of - weeks(back)) else { continue };
        if then.0 + weeks(then.1.len() - 1) != last - weeks(back) {
            continue;
        }
        for (age, list) in found.iter_mut().enumerate() {
            let week = last - weeks(back + age);
            if let (Some(before), Some(after)) = (at(&then, week), at(&now, week)) {
                list.push(config.log_ratio(after, before));
            }
        }
    }
    found
}

/// For each place what is missing from its weeks of age 0, 1, …; empty where nothing was to be learnt from.
///
/// The estimator of the recipe's nowcast (`docs/forecast/method.md`, 4): a place's mean, drawn to that of all places,
/// within the bounds of `config`. A week that itself is still young counts with what its present age misses. The
/// deviation is that of one further week: the scatter about the place's mean, drawn to that of all places.
#[must_use]
pub fn missing(places: &[Vec<Vec<f64>>], config: &NowcastConfig) -> Vec<Vec<Missing>> {
    let mut answers = vec![vec![Missing { log: 0.0, sd: 0.0 }; INCOMPLETE]; places.len()];
    let known: usize = places.iter().filter_map(|p| p.first()).map(Vec::len).sum();
    if known < LEAST {
        return vec![Vec::new(); places.len()];
    }
    for age in (0..INCOMPLETE).rev() {
        let grown: Vec<Vec<f64>> = places
            .iter()
            .zip(&answers)
            .map(|(place, learnt)| {
                let of_age = place.get(age).map(Vec::as_slice).unwrap_or_default();
                let later = |back: usize| learnt.get(age + back + 1).map_or(0.0, |m| m.log);
                of_age.iter().enumerate().map(|(back, d)| d + later(back)).collect()
            })
            .collect();
        let (sum, n) = grown.iter().flatten().fold((0.0, 0.0), |(s, n), d| (s + d, n + 1.0));
        let mean = if n > 0.0 { sum / n } else { 0.0 };
        let centres: Vec<f64> = grown.iter().map(|d| shrunk(d, mean, config.shrink)).collect();
        let square = |d: &[f64], centre: f64| d.iter().map(|d| (d - centre).powi(2)).sum::<f64>();
        let all: f64 = grown.iter().zip(&centres).map(|(d, c)| square(d, *c)).sum::<f64>() / f64::max(n, 1.0);
        for ((answer, d), centre) in answers.iter_mut().zip(&grown).zip(centres) {
            let count = d.len() as f64;
            let variance = (square(d, centre) + config.shrink * all) / (count + config.shrink);
            let sd = (variance * (1.0 + 1.0 / (count + config.shrink))).sqrt().min(WIDEST);
            answer[age] = Missing { log: centre.clamp(config.clip.0, config.clip.1), sd };
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: NowcastConfig =
        NowcastConfig { origins: 8, shrink: 6.0, add: 0.0, bound: 1.0, clip: (-0.2, 0.5) };

    /// Weeks of 1000 that are first published as 800, a week later as 900, then whole.
    fn issues(first: NaiveDate, weeks: i64) -> Vec<Issue> {
        let of_week = |w: i64| {
            let week = first + Duration::weeks(w);
            [800.0, 900.0, 1000.0].into_iter().zip(0..).map(move |(v, age)| Issue {
                week,
                issued: week + Duration::days(4 + 7 * age),
                value: Some(v),
            })
        };
        (0..weeks).flat_map(of_week).collect()
    }

    #[test]
    fn what_earlier_weeks_gained_is_what_the_newest_ones_miss() {
        let first = NaiveDate::from_ymd_opt(2025, 1, 4).unwrap();
        let as_of = first + Duration::days(7 * 19 + 4);
        let found = missing(&[growths(&issues(first, 20), as_of, &CONFIG)], &CONFIG);
        let wanted = [(1000.0_f64 / 800.0).ln(), (1000.0_f64 / 900.0).ln(), 0.0, 0.0];
        for (m, w) in found[0].iter().zip(wanted) {
            assert!((m.log - w).abs() < 1e-9 && m.sd < 1e-9, "{m:?} is not {w}");
        }
        let early = growths(&issues(first, 20), first + Duration::days(4), &CONFIG);
        assert_eq!(missing(&[early], &CONFIG), [vec![]], "nothing known of earlier issues");
    }

    #[test]
    fn a_place_without_vintages_takes_the_mean_of_all_and_their_scatter() {
        let of = |logs: &[f64]| vec![logs.to_vec(), vec![0.0; logs.len()], vec![], vec![]];
        let found = missing(&[of(&[0.1, 0.3, 0.1, 0.3]), of(&[0.1, 0.3, 0.1, 0.3]), vec![]], &CONFIG);
        assert!((found[2][0].log - 0.2).abs() < 1e-9);
        assert!((found[2][0].sd - 0.1 * (1.0_f64 + 1.0 / 6.0).sqrt()).abs() < 1e-9);
        assert!(found[0][0].sd < found[2][0].sd, "own weeks make a place surer");
    }
}
