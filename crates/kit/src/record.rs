//! How far forecasts were right, in a sentence's worth of numbers, and the rule that takes a model off the pages.
//! The rule and its numbers stand in `docs/forecast/method.md` §11; they were fixed before any score was looked at.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use store::scores::{self, Held, Week};

/// Target weeks that the rule looks at. With fewer it says nothing.
pub const RULE_WEEKS: u32 = 8;
/// Least share of figures inside their 80 % intervals.
pub const LEAST_COVERAGE_80: f64 = 0.5;
/// Largest weighted interval score, as a multiple of the persistence baseline's.
pub const LARGEST_RELATIVE_WIS: f64 = 1.0;
/// Weeks that the sentence beside a chart tells of, and how many there must be for it.
pub const RECORD_WEEKS: u32 = 20;
/// Fewer tell nothing.
pub const LEAST_WEEKS: usize = 4;

/// The past of one place's forecasts of the week to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Weeks that were forecast and have a figure.
    pub weeks: usize,
    /// In how many the 80 % interval held it.
    pub held: usize,
    /// How many of these forecasts were computed after the figure was out, from what was known before.
    pub replayed: usize,
}

impl Record {
    /// `None` for fewer than [`LEAST_WEEKS`].
    #[must_use]
    pub fn of(held: &[Held]) -> Option<Self> {
        let count = |f: fn(&Held) -> bool| held.iter().filter(|h| f(h)).count();
        (held.len() >= LEAST_WEEKS).then(|| Self {
            weeks: held.len(),
            held: count(|h| h.covered_80),
            replayed: count(|h| h.replayed),
        })
    }

    /// Reads that of `signal` in `place`, by the figures known at `as_of`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(
        conn: &mut PgConnection,
        signal: &str,
        place: &str,
        as_of: DateTime<Utc>,
    ) -> sqlx::Result<Option<Self>> {
        Ok(Self::of(&scores::held(conn, signal, place, as_of, RECORD_WEEKS).await?))
    }
}

/// What the rule saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recent {
    /// Weeks that it looked at.
    pub weeks: usize,
    /// Share of the figures inside their 80 % intervals.
    pub coverage_80: f64,
    /// Weighted interval score over that of the baseline; `None` without a baseline.
    pub relative_wis: Option<f64>,
}

impl Recent {
    /// From the newest weeks; `None` without any.
    #[must_use]
    pub fn of(weeks: &[Week]) -> Option<Self> {
        let all = weeks.iter().map(|w| w.forecasts).sum::<i64>();
        let (ours, theirs) = weeks.iter().fold((0.0, 0.0), |(a, b), w| (a + w.wis, b + w.baseline_wis));
        (all > 0).then(|| Self {
            weeks: weeks.len(),
            coverage_80: weeks.iter().map(|w| w.held_80).sum::<i64>() as f64 / all as f64,
            relative_wis: (theirs > 0.0).then(|| ours / theirs),
        })
    }

    /// Reads that of all places of `signal`, by the figures known at `as_of`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(
        conn: &mut PgConnection,
        signal: &str,
        as_of: DateTime<Utc>,
    ) -> sqlx::Result<Option<Self>> {
        Ok(Self::of(&scores::weeks(conn, signal, as_of, RULE_WEEKS).await?))
    }

    /// Does the rule take the model off the pages? It goes on being computed and scored, and comes back when this is false.
    #[must_use]
    pub fn withdraws(&self) -> bool {
        self.weeks >= RULE_WEEKS as usize
            && (self.coverage_80 < LEAST_COVERAGE_80
                || self.relative_wis.is_some_and(|r| r > LARGEST_RELATIVE_WIS))
    }
}

/// Why nothing is said about `signal` in `place`, whatever is computed and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The newest table of the publisher was refused: nobody knows what it would have changed.
    Quarantined,
    /// The rule of this module has taken the model off the pages. What was can still be told.
    Withdrawn,
}

impl Closed {
    /// Its word in the API and in locale files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads it as of a time; `source` is the one of the place's level.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(
        conn: &mut PgConnection,
        signal: &str,
        source: &str,
        place: &str,
        as_of: DateTime<Utc>,
    ) -> sqlx::Result<Option<Self>> {
        if store::sources::input_refused(conn, signal, source, place, as_of).await? {
            return Ok(Some(Self::Quarantined));
        }
        let recent = Recent::read(conn, signal, as_of).await?;
        Ok(recent.is_some_and(|recent| recent.withdraws()).then_some(Self::Withdrawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Days, NaiveDate};

    fn weeks(count: u64, held_80: i64, wis: f64, baseline_wis: f64) -> Vec<Week> {
        let end: NaiveDate = "2025-02-16".parse().unwrap();
        let week =
            |n| Week { target_end_date: end - Days::new(7 * n), forecasts: 10, held_80, wis, baseline_wis };
        (0..count).map(week).collect()
    }

    #[test]
    fn half_of_the_figures_inside_and_no_worse_than_the_baseline_is_just_enough() {
        let withdraws = |w: &[Week]| Recent::of(w).unwrap().withdraws();
        assert!(!withdraws(&weeks(8, 5, 3.0, 3.0)));
        assert!(withdraws(&weeks(8, 4, 1.0, 3.0)), "too few held");
        assert!(withdraws(&weeks(8, 8, 3.1, 3.0)), "worse than the baseline");
        assert!(!withdraws(&weeks(7, 0, 9.0, 3.0)), "seven weeks say nothing");
        assert!(!withdraws(&weeks(8, 8, 0.0, 0.0)), "without a baseline only the coverage counts");
        assert!(Recent::of(&[]).is_none());
    }

    #[test]
    fn a_record_of_three_weeks_is_none() {
        let held =
            |n: usize| vec![Held { target_end_date: NaiveDate::MIN, covered_80: true, replayed: false }; n];
        assert_eq!(Record::of(&held(3)), None);
        assert_eq!(Record::of(&held(4)), Some(Record { weeks: 4, held: 4, replayed: 0 }));
    }
}
