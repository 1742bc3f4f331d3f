//! Epidemiological weeks: MMWR (Sunday to Saturday) and ISO 8601 (Monday to Sunday).

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// Which rule numbers a country's weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeekSystem {
    /// CDC's MMWR week: Sunday to Saturday; week 1 is the first with at least four days in the year.
    Mmwr,
    /// ISO 8601: Monday to Sunday; week 1 holds the first Thursday of the year.
    Iso,
}

impl WeekSystem {
    /// The weekday that ends a week.
    #[must_use]
    pub fn last_day(self) -> Weekday {
        match self {
            Self::Mmwr => Weekday::Sat,
            Self::Iso => Weekday::Sun,
        }
    }

    fn days_from_first(self, day: Weekday) -> u64 {
        u64::from(match self {
            Self::Mmwr => day.num_days_from_sunday(),
            Self::Iso => day.num_days_from_monday(),
        })
    }
}

/// One numbered week of one system, written `2025-W05`. The same label names other days in the other system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpiWeek {
    system: WeekSystem,
    year: i32,
    week: u32,
}

/// Why a text or a date names no week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeekError {
    /// Not written as `2025-W05`.
    #[error("`{0}` is not a week: write it as 2025-W05")]
    Format(String),
    /// The year has no such week.
    #[error("{year} has no week {week}: its last one is {last}")]
    Number {
        /// The year asked for.
        year: i32,
        /// The number asked for.
        week: u32,
        /// The last week of that year.
        last: u32,
    },
}

impl EpiWeek {
    /// The week that `date` lies in.
    #[must_use]
    pub fn of(date: NaiveDate, system: WeekSystem) -> Self {
        // The middle day decides the year: Wednesday in MMWR, Thursday in ISO (both "at least four days").
        let start = date - Days::new(system.days_from_first(date.weekday()));
        let middle = start + Days::new(3);
        Self { system, year: middle.year(), week: middle.ordinal0() / 7 + 1 }
    }

    /// Week `week` of `year`.
    ///
    /// # Errors
    /// [`WeekError::Number`] when that year is shorter.
    pub fn new(year: i32, week: u32, system: WeekSystem) -> Result<Self, WeekError> {
        let last = NaiveDate::from_ymd_opt(year, 12, 28).map_or(52, |d| Self::of(d, system).week);
        if week == 0 || week > last {
            return Err(WeekError::Number { year, week, last });
        }
        Ok(Self { system, year, week })
    }

    /// Reads `2025-W05` (also `2025W05`, and `2024-S49` as France writes it).
    ///
    /// # Errors
    /// [`WeekError`] when the text is no week or the year has none of that number.
    pub fn parse(text: &str, system: WeekSystem) -> Result<Self, WeekError> {
        let bad = || WeekError::Format(text.to_owned());
        let (year, week) = text.split_once(['W', 'S']).ok_or_else(bad)?;
        let year = year.trim_end_matches('-').parse().map_err(|_| bad())?;
        if week.len() != 2 {
            return Err(bad());
        }
        Self::new(year, week.parse().map_err(|_| bad())?, system)
    }

    /// The year that the week is counted in (not always the calendar year of its days).
    #[must_use]
    pub fn year(self) -> i32 {
        self.year
    }

    /// Its number, 1 to 53.
    #[must_use]
    pub fn week(self) -> u32 {
        self.week
    }

    /// Its first day.
    #[must_use]
    pub fn start(self) -> NaiveDate {
        // 4 January is always in week 1 of ISO, and of MMWR too: both rules ask for four days in the year.
        let anchor = NaiveDate::from_ymd_opt(self.year, 1, 4).unwrap_or_default();
        let first = anchor - Days::new(self.system.days_from_first(anchor.weekday()));
        first + Days::new(u64::from(self.week - 1) * 7)
    }

    /// Its last day, by which a week is also always given.
    #[must_use]
    pub fn end(self) -> NaiveDate {
        self.start() + Days::new(6)
    }
}

impl std::fmt::Display for EpiWeek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-W{:02}", self.year, self.week)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_label_means_other_days_in_the_two_systems() {
        // 2020-W01 starts one day apart, 2015-W01 a whole week apart.
        for (year, mmwr, iso) in [(2020, "2019-12-29", "2019-12-30"), (2015, "2015-01-04", "2014-12-29")] {
            assert_eq!(EpiWeek::new(year, 1, WeekSystem::Mmwr).unwrap().start(), day(mmwr));
            assert_eq!(EpiWeek::new(year, 1, WeekSystem::Iso).unwrap().start(), day(iso));
        }
    }

    #[test]
    fn years_with_53_weeks_are_known() {
        for (year, system) in [
            (2014, WeekSystem::Mmwr),
            (2020, WeekSystem::Mmwr),
            (2025, WeekSystem::Mmwr),
            (2015, WeekSystem::Iso),
            (2020, WeekSystem::Iso),
            (2026, WeekSystem::Iso),
        ] {
            assert!(EpiWeek::new(year, 53, system).is_ok(), "{year} {system:?}");
            assert!(EpiWeek::new(year + 1, 53, system).is_err(), "{} {system:?}", year + 1);
        }
    }

    #[test]
    fn odd_spellings_are_read_and_nonsense_is_refused() {
        let week = EpiWeek::parse("2024-S49", WeekSystem::Iso).unwrap();
        assert_eq!(week.to_string(), "2024-W49");
        for bad in ["2024", "2024-W5", "2024-W00", "2024-W54", "W05-2024", ""] {
            assert!(EpiWeek::parse(bad, WeekSystem::Iso).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_day_lies_in_its_week(offset in 0u64..20_000, iso in any::<bool>()) {
            let system = if iso { WeekSystem::Iso } else { WeekSystem::Mmwr };
            let date = day("1990-01-01") + Days::new(offset);
            let week = EpiWeek::of(date, system);
            prop_assert!(week.start() <= date && date <= week.end());
            prop_assert_eq!(week.end().weekday(), system.last_day());
            prop_assert_eq!(EpiWeek::parse(&week.to_string(), system), Ok(week));
        }
    }
}
