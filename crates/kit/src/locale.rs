//! Numbers, dates and weeks as each country writes them, from CLDR (ICU4X).

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::{EpiWeek, WeekSystem};
use icu::calendar::Iso;
use icu::datetime::fieldsets;
use icu::datetime::input::Date;
use icu::decimal::DecimalFormatter;
use icu::decimal::input::Decimal;
use icu::locale::Locale;
use icu::plurals::{PluralCategory, PluralRules};

/// Formats for one BCP 47 tag (`fr-CH`).
#[derive(Debug)]
pub struct Formats {
    locale: Locale,
    decimal: DecimalFormatter,
    plurals: PluralRules,
    time_zone: Tz,
    week_system: WeekSystem,
}

/// Why there are no formats for a tag.
#[derive(Debug, thiserror::Error)]
#[error("no formats for the language tag `{tag}`: {why}")]
pub struct LocaleError {
    tag: String,
    why: String,
}

impl Formats {
    /// Loads the formats of `tag`.
    ///
    /// # Errors
    /// [`LocaleError`] when `tag` is no language tag or CLDR has no data for it.
    pub fn new(tag: &str, time_zone: Tz, week_system: WeekSystem) -> Result<Self, LocaleError> {
        let wrong = |why: String| LocaleError { tag: tag.to_owned(), why };
        let locale: Locale = tag.parse().map_err(|e| wrong(format!("{e}")))?;
        let decimal = DecimalFormatter::try_new((&locale).into(), Default::default())
            .map_err(|e| wrong(e.to_string()))?;
        let plurals =
            PluralRules::try_new_cardinal((&locale).into()).map_err(|e| wrong(e.to_string()))?;
        Ok(Self { locale, decimal, plurals, time_zone, week_system })
    }

    /// A number with `digits` decimals: `1 234,5`. Nothing but a number: `–`.
    #[must_use]
    pub fn number(&self, value: f64, digits: usize) -> String {
        match format!("{value:.digits$}").parse::<Decimal>() {
            Ok(decimal) => self.decimal.format_to_string(&decimal),
            Err(_) => "–".to_owned(),
        }
    }

    /// A share between 0 and 1 as a percentage with the sign's own spacing: `73 %`, `73%`.
    #[must_use]
    pub fn percent(&self, share: f64) -> String {
        let number = self.number(share * 100.0, 0);
        // CLDR: a no-break space before the sign in French; none in English, Italian and Swiss German.
        if self.locale.id.language.as_str() == "fr" { format!("{number}\u{a0}%") } else { format!("{number}%") }
    }

    /// A day, long: `25 avril 2025`.
    #[must_use]
    pub fn date(&self, day: NaiveDate) -> String {
        self.formatted(day, true)
    }

    /// A day, short, for tables and axes: `25 avr. 2025`.
    #[must_use]
    pub fn short_date(&self, day: NaiveDate) -> String {
        self.formatted(day, false)
    }

    fn formatted(&self, day: NaiveDate, long: bool) -> String {
        use icu::datetime::DateTimeFormatter;
        let fields = if long { fieldsets::YMD::long() } else { fieldsets::YMD::medium() };
        let month = u8::try_from(day.month()).unwrap_or(1);
        let of_month = u8::try_from(day.day()).unwrap_or(1);
        let date = Date::<Iso>::try_new_iso(day.year(), month, of_month);
        match (DateTimeFormatter::try_new((&self.locale).into(), fields), date) {
            (Ok(formatter), Ok(date)) => formatter.format(&date).to_string(),
            _ => day.to_string(),
        }
    }

    /// The day on which a moment falls in the country.
    #[must_use]
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.time_zone).date_naive()
    }

    /// The week that `day` lies in, by the country's rule: number, year, and its two ends.
    #[must_use]
    pub fn week(&self, day: NaiveDate) -> EpiWeek {
        EpiWeek::of(day, self.week_system)
    }

    /// The CLDR plural category of a count, as the suffix of a locale key: `one`, `many`, `other`.
    #[must_use]
    pub fn plural(&self, count: u64) -> &'static str {
        match self.plurals.category_for(count) {
            PluralCategory::Zero => "zero",
            PluralCategory::One => "one",
            PluralCategory::Two => "two",
            PluralCategory::Few => "few",
            PluralCategory::Many => "many",
            PluralCategory::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(tag: &str) -> Formats {
        Formats::new(tag, chrono_tz::Europe::Zurich, WeekSystem::Iso).unwrap()
    }

    #[test]
    fn numbers_are_written_as_each_country_writes_them() {
        let of = |tag: &str| formats(tag).number(1_234_567.8, 1);
        assert_eq!(of("en-US"), "1,234,567.8");
        assert_eq!(of("fr-FR"), "1\u{202f}234\u{202f}567,8");
        assert_eq!(of("de-CH"), "1’234’567.8");
        assert_eq!(of("it-CH"), "1’234’567.8");
        assert_eq!(of("fr-CH"), "1\u{202f}234\u{202f}567,8");
        assert_eq!(formats("fr-FR").number(f64::NAN, 0), "–");
    }

    #[test]
    fn dates_are_written_as_each_country_writes_them() {
        let day: NaiveDate = "2025-04-25".parse().unwrap();
        assert_eq!(formats("en-US").date(day), "April 25, 2025");
        assert_eq!(formats("fr-FR").date(day), "25 avril 2025");
        assert_eq!(formats("de-CH").date(day), "25. April 2025");
        assert_eq!(formats("it-CH").date(day), "25 aprile 2025");
    }

    #[test]
    fn french_counts_zero_as_one() {
        assert_eq!(formats("fr-FR").plural(0), "one");
        assert_eq!(formats("de-CH").plural(0), "other");
    }
}
