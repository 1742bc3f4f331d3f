use chrono::{Datelike, Duration, NaiveDate};
use serde::{Deserialize, Serialize};

/// Place of a week in its season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Season {
    /// Year in which the season began.
    pub year: i32,
    /// 1 for the week of the first Saturday on or after 1 August.
    pub week: u32,
}

/// The season of the week that is named by `saturday`.
#[must_use]
pub fn season(saturday: NaiveDate) -> Season {
    let year = if saturday.month() >= 8 { saturday.year() } else { saturday.year() - 1 };
    let august = NaiveDate::from_ymd_opt(year, 8, 1).unwrap_or(saturday);
    let wait = (6 - i64::from(august.weekday().num_days_from_sunday())).rem_euclid(7);
    let first = august + Duration::days(wait);
    let weeks = (saturday - first).num_days().div_euclid(7);
    Season { year, week: u32::try_from(weeks + 1).unwrap_or(1) }
}

/// Number of the week that ends on `date`: consecutive weeks that end on the same weekday differ by 1.
pub(crate) fn number(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce()).div_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_saturday_of_august_is_week_one() {
        let of = |y, m, d| season(NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert_eq!(of(2024, 8, 3), Season { year: 2024, week: 1 });
        assert_eq!(of(2024, 7, 27), Season { year: 2023, week: 52 });
        assert_eq!(of(2026, 8, 1), Season { year: 2026, week: 1 });
        assert_eq!(of(2024, 12, 28), Season { year: 2024, week: 22 });
    }
}
