//! Numbers, dates and weeks as each country writes them, from CLDR (ICU4X).

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use domain::{EpiWeek, WeekSystem};
use icu::calendar::Iso;
use icu::collator::{Collator, CollatorBorrowed};
use icu::datetime::fieldsets::enums::{
    CalendarPeriodFieldSet, CompositeDateTimeFieldSet, DateFieldSet, TimeFieldSet,
};
use icu::datetime::input::{Date, DateTime as IcuDateTime, Time};
use icu::datetime::{DateTimeFormatter, fieldsets};
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
    collator: CollatorBorrowed<'static>,
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
        let plurals = PluralRules::try_new_cardinal((&locale).into()).map_err(|e| wrong(e.to_string()))?;
        let collator =
            Collator::try_new((&locale).into(), Default::default()).map_err(|e| wrong(e.to_string()))?;
        Ok(Self { locale, decimal, plurals, collator, time_zone, week_system })
    }

    /// A number with `digits` decimals: `1 234,5`. Nothing but a number: `–`.
    #[must_use]
    pub fn number(&self, value: f64, digits: usize) -> String {
        match format!("{value:.digits$}").parse::<Decimal>() {
            // Versions of CLDR differ in the apostrophe of Switzerland; type has only one for it.
            Ok(decimal) => self.decimal.format_to_string(&decimal).replace('\'', "’"),
            Err(_) => "–".to_owned(),
        }
    }

    /// A number with its sign: `+1.2`, `−3` (U+2212); nothing before a zero.
    #[must_use]
    pub fn signed(&self, value: f64, digits: usize) -> String {
        let size = self.number(value.abs(), digits);
        match value.partial_cmp(&0.0) {
            _ if size == self.number(0.0, digits) => size,
            Some(std::cmp::Ordering::Less) => format!("\u{2212}{size}"),
            Some(std::cmp::Ordering::Greater) => format!("+{size}"),
            _ => size,
        }
    }

    /// A change as a percentage with its sign: `+12 %`, `−3 %` (U+2212); nothing before a zero.
    #[must_use]
    pub fn signed_percent(&self, share: f64) -> String {
        let size = self.percent(share.abs());
        if size == self.percent(0.0) {
            return size;
        }
        let sign = if share < 0.0 { "\u{2212}" } else { "+" };
        format!("{sign}{size}")
    }

    /// A share between 0 and 1 as a percentage with the sign's own spacing: `73 %`, `73%`.
    #[must_use]
    pub fn percent(&self, share: f64) -> String {
        self.with_percent_sign(self.number(share * 100.0, 0))
    }

    /// A number that is a percentage already (0 to 100) with `digits` decimals and the sign: `4,7 %`.
    #[must_use]
    pub fn percentage(&self, value: f64, digits: usize) -> String {
        self.with_percent_sign(self.number(value, digits))
    }

    fn with_percent_sign(&self, number: String) -> String {
        // CLDR: a no-break space before the sign in French; none in English, Italian and Swiss German.
        if self.locale.id.language.as_str() == "fr" {
            format!("{number}\u{a0}%")
        } else {
            format!("{number}%")
        }
    }

    /// A day, long: `25 avril 2025`.
    #[must_use]
    pub fn date(&self, day: NaiveDate) -> String {
        self.formatted(day, CompositeDateTimeFieldSet::Date(DateFieldSet::YMD(fieldsets::YMD::long())))
    }

    /// A day, short, for tables and axes: `25 avr. 2025`.
    #[must_use]
    pub fn short_date(&self, day: NaiveDate) -> String {
        self.formatted(day, CompositeDateTimeFieldSet::Date(DateFieldSet::YMD(fieldsets::YMD::medium())))
    }

    /// A day with its weekday: `Saturday, February 1, 2025`, `samedi 1er février 2025`.
    #[must_use]
    pub fn weekday_date(&self, day: NaiveDate) -> String {
        self.formatted(day, CompositeDateTimeFieldSet::Date(DateFieldSet::YMDE(fieldsets::YMDE::long())))
    }

    /// A month of a year, for axes: `Feb 2025`, `févr. 2025`. CLDR's own short form is `02/2025` in German.
    #[must_use]
    pub fn month(&self, day: NaiveDate) -> String {
        format!("{} {}", self.month_alone(day), day.year())
    }

    /// A month alone, for axes: `Feb`, `févr.`.
    #[must_use]
    pub fn month_alone(&self, day: NaiveDate) -> String {
        let fields = CalendarPeriodFieldSet::M(fieldsets::M::medium());
        self.formatted(day, CompositeDateTimeFieldSet::CalendarPeriod(fields))
    }

    /// A day of a month, for axes: `Feb 1`, `1er févr.`.
    #[must_use]
    pub fn day_month(&self, day: NaiveDate) -> String {
        self.formatted(day, CompositeDateTimeFieldSet::Date(DateFieldSet::MD(fieldsets::MD::medium())))
    }

    fn formatted(&self, day: NaiveDate, fields: CompositeDateTimeFieldSet) -> String {
        let Some(text) = self.written(day.and_time(NaiveTime::MIN), fields) else { return day.to_string() };
        // CLDR writes "1 février"; French writes "1er février".
        if day.day() == 1 && self.locale.id.language.as_str() == "fr" {
            return text
                .split_inclusive(' ')
                .map(|word| if word == "1 " { "1er ".to_owned() } else { word.to_owned() })
                .collect();
        }
        text
    }

    fn written(&self, at: NaiveDateTime, fields: CompositeDateTimeFieldSet) -> Option<String> {
        let small = |n: u32| u8::try_from(n).ok();
        let date = Date::<Iso>::try_new_iso(at.year(), small(at.month())?, small(at.day())?).ok()?;
        let time = Time::try_new(small(at.hour())?, small(at.minute())?, 0, 0).ok()?;
        let formatter = DateTimeFormatter::try_new((&self.locale).into(), fields).ok()?;
        Some(formatter.format(&IcuDateTime { date, time }).to_string())
    }

    /// Is only the day of this moment known? Such a one is stored as the last second of the day, UTC.
    fn is_whole_day(at: DateTime<Utc>) -> bool {
        (at.hour(), at.minute(), at.second()) == (23, 59, 59)
    }

    /// A moment in the country's zone, with the zone's abbreviation: `25 avr. 2025 19:15 CEST`;
    /// of one known by its day only, that day.
    #[must_use]
    pub fn moment(&self, at: DateTime<Utc>) -> String {
        if Self::is_whole_day(at) {
            return self.short_date(at.date_naive());
        }
        let local = at.with_timezone(&self.time_zone);
        let day = self.short_date(local.date_naive());
        let hours = CompositeDateTimeFieldSet::Time(TimeFieldSet::T(fieldsets::T::hm()));
        let clock =
            self.written(local.naive_local(), hours).unwrap_or_else(|| local.format("%H:%M").to_string());
        format!("{day} {clock} {}", local.format("%Z"))
    }

    /// Which of two names comes first in this language's order: `Île-de-France` stands under I.
    #[must_use]
    pub fn compare(&self, a: &str, b: &str) -> std::cmp::Ordering {
        self.collator.compare(a, b)
    }

    /// The day on which a moment falls in the country; of one known by its day only, that day.
    #[must_use]
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        if Self::is_whole_day(at) {
            return at.date_naive();
        }
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
        Self::category(self.plurals.category_for(count))
    }

    /// The same for a number as [`Formats::number`] writes it, decimals included: `1,5` is `one` in French.
    #[must_use]
    pub fn plural_of(&self, value: f64, digits: usize) -> &'static str {
        match format!("{:.digits$}", value.abs()).parse::<Decimal>() {
            Ok(decimal) => Self::category(self.plurals.category_for(&decimal)),
            Err(_) => "other",
        }
    }

    fn category(category: PluralCategory) -> &'static str {
        match category {
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
        assert_eq!(of("fr-CH"), "1’234’567,8");
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

    #[test]
    fn weekdays_months_and_moments_are_written_as_each_country_writes_them() {
        let day: NaiveDate = "2025-02-01".parse().unwrap();
        assert_eq!(formats("en-US").weekday_date(day), "Saturday, February 1, 2025");
        assert_eq!(formats("fr-FR").weekday_date(day), "samedi 1er février 2025");
        assert_eq!(formats("de-CH").weekday_date(day), "Samstag, 1. Februar 2025");
        assert_eq!(formats("it-CH").weekday_date(day), "sabato 1 febbraio 2025");
        assert_eq!(formats("fr-FR").date("2025-02-11".parse().unwrap()), "11 février 2025");
        assert_eq!(formats("en-US").month(day), "Feb 2025");
        assert_eq!(formats("fr-FR").day_month(day), "1er févr.");
        let at = "2025-04-25T17:15:12Z".parse().unwrap();
        assert_eq!(formats("fr-FR").moment(at), "25 avr. 2025 19:15 CEST");
        let whole = "2025-04-25T23:59:59Z".parse().unwrap();
        assert_eq!(formats("fr-FR").moment(whole), "25 avr. 2025");
        assert_eq!(formats("fr-FR").day_of(whole), "2025-04-25".parse().unwrap());
    }

    #[test]
    fn signs_and_percentages_follow_the_language() {
        assert_eq!(formats("fr-FR").signed(-1234.0, 0), "\u{2212}1\u{202f}234");
        assert_eq!(formats("en-US").signed(0.2, 1), "+0.2");
        assert_eq!(formats("en-US").signed(-0.01, 1), "0.0");
        assert_eq!(formats("fr-FR").percentage(4.72, 1), "4,7\u{a0}%");
        let changes = [-0.004, -0.034, 0.12, 0.0].map(|share| formats("en-US").signed_percent(share));
        assert_eq!(changes, ["0%", "\u{2212}3%", "+12%", "0%"]);
        assert_eq!(formats("fr-FR").plural_of(1.5, 1), "one");
        assert_eq!(formats("en-US").plural_of(1.0, 1), "other");
        assert_eq!(formats("fr-FR").compare("Île-de-France", "Jura"), std::cmp::Ordering::Less);
    }
}
