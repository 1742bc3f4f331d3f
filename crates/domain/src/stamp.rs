//! Dates and times as texts, for answers that hold thousands: what chrono writes, without its general machinery.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use serde::{Serialize, Serializer};
use std::fmt;

/// Digits and signs one after the other; long enough for a time with nanoseconds.
#[derive(Default)]
pub(crate) struct Text {
    bytes: [u8; 32],
    length: usize,
}

impl Text {
    fn sign(&mut self, sign: u8) {
        if let Some(byte) = self.bytes.get_mut(self.length) {
            *byte = sign;
            self.length += 1;
        }
    }

    /// The last two digits of a number.
    fn two(&mut self, number: u32) {
        self.sign(b'0' + (number / 10 % 10) as u8);
        self.sign(b'0' + (number % 10) as u8);
    }

    fn three(&mut self, number: u32) {
        self.sign(b'0' + (number / 100 % 10) as u8);
        self.two(number);
    }

    /// `None` outside the years that have four digits.
    fn date(&mut self, day: NaiveDate, sign: Option<u8>) -> Option<()> {
        let year = u32::try_from(day.year()).ok().filter(|year| *year <= 9999)?;
        self.two(year / 100);
        self.two(year);
        sign.into_iter().for_each(|s| self.sign(s));
        self.two(day.month());
        sign.into_iter().for_each(|s| self.sign(s));
        self.two(day.day());
        Some(())
    }

    fn time(&mut self, at: NaiveDateTime, sign: Option<u8>) {
        let second = at.num_seconds_from_midnight();
        self.sign(b'T');
        self.two(second / 3600);
        sign.into_iter().for_each(|s| self.sign(s));
        self.two(second / 60 % 60);
        sign.into_iter().for_each(|s| self.sign(s));
        self.two(second % 60);
    }

    /// `2025-01-04`
    pub(crate) fn day(day: NaiveDate) -> Option<Self> {
        let mut text = Self::default();
        text.date(day, Some(b'-'))?;
        Some(text)
    }

    /// `20250108T171512Z`, to the second.
    pub(crate) fn compact(at: DateTime<Utc>) -> Option<Self> {
        let (mut text, at) = (Self::default(), at.naive_utc());
        text.date(at.date(), None)?;
        text.time(at, None);
        text.sign(b'Z');
        Some(text)
    }

    fn rfc3339(at: DateTime<Utc>) -> Option<Self> {
        let (mut text, at) = (Self::default(), at.naive_utc());
        let nanos = at.nanosecond();
        // A leap second, which no database holds.
        if nanos > 999_999_999 {
            return None;
        }
        text.date(at.date(), Some(b'-'))?;
        text.time(at, Some(b':'));
        if nanos > 0 {
            text.sign(b'.');
            text.three(nanos / 1_000_000);
        }
        if nanos % 1_000_000 > 0 {
            text.three(nanos / 1000);
        }
        if nanos % 1000 > 0 {
            text.three(nanos);
        }
        text.sign(b'Z');
        Some(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
    }
}

/// A date, `2025-01-04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

/// A time, `2025-01-08T17:15:12Z`, with three, six or nine more digits where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub DateTime<Utc>);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Text::day(self.0) {
            Some(text) => f.write_str(text.as_str()),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Text::rfc3339(self.0) {
            Some(text) => f.write_str(text.as_str()),
            None => f.write_str(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match Text::day(self.0) {
            Some(text) => out.serialize_str(text.as_str()),
            None => out.collect_str(self),
        }
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match Text::rfc3339(self.0) {
            Some(text) => out.serialize_str(text.as_str()),
            None => out.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_what_chrono_writes(second in -80_000_000_000_i64..260_000_000_000, nanos in 0_u32..1_000_000_000, cut in 0_u32..4) {
    let part = 1000_u32.pow(cut);
            let nanos = nanos / part * part;
            let at = DateTime::from_timestamp(second, nanos).unwrap();
            prop_assert_eq!(serde_json::to_value(Stamp(at)).unwrap(), serde_json::to_value(at).unwrap());
            prop_assert_eq!(serde_json::to_value(Day(at.date_naive())).unwrap(), serde_json::to_value(at.date_naive()).unwrap());
            if let Some(text) = Text::compact(at) {
                prop_assert_eq!(text.as_str(), at.format("%Y%m%dT%H%M%SZ").to_string());
            }
        }
    }
}
