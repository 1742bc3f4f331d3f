//! Dates and times as texts, for answers that hold thousands: what chrono writes, without its general machinery.

use chrono::{DateTime, NaiveDate, Timelike as _, Utc};
use serde::{Serialize, Serializer};
use std::fmt;

/// Digits and signs one after the other; long enough for a time with nanoseconds.
#[derive(Default)]
pub(crate) struct Text {
    bytes: [u8; 32],
    length: usize,
}

impl Text {
    fn sign(mut self, sign: u8) -> Self {
        if let Some(byte) = self.bytes.get_mut(self.length) {
            *byte = sign;
            self.length += 1;
        }
        self
    }

    /// The last `digits` digits of a number.
    fn number(mut self, number: u32, digits: usize) -> Self {
        let mut rest = number;
        if let Some(place) = self.bytes.get_mut(self.length..self.length + digits) {
            for byte in place.iter_mut().rev() {
                *byte = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            self.length += digits;
        }
        self
    }

    /// `None` outside the years that have four digits.
    pub(crate) fn date(self, day: impl chrono::Datelike, sign: Option<u8>) -> Option<Self> {
        let year = u32::try_from(day.year()).ok().filter(|year| *year <= 9999)?;
        let between = |text: Self| match sign {
            Some(sign) => text.sign(sign),
            None => text,
        };
        Some(between(between(self.number(year, 4)).number(day.month(), 2)).number(day.day(), 2))
    }

    /// `20250108T171512Z`, to the second.
    pub(crate) fn compact(self, at: DateTime<Utc>) -> Option<Self> {
        let text = self.date(at, None)?.sign(b'T').number(at.hour(), 2).number(at.minute(), 2);
        Some(text.number(at.second(), 2).sign(b'Z'))
    }

    fn rfc3339(self, at: DateTime<Utc>) -> Option<Self> {
        let text = self.date(at, Some(b'-'))?.sign(b'T').number(at.hour(), 2).sign(b':');
        let nanos = at.nanosecond();
        // A leap second, which no database holds.
        if nanos > 999_999_999 {
            return None;
        }
        let text = text.number(at.minute(), 2).sign(b':').number(at.second(), 2);
        let text = match (nanos, nanos % 1_000_000, nanos % 1000) {
            (0, ..) => text,
            (_, 0, _) => text.sign(b'.').number(nanos / 1_000_000, 3),
            (_, _, 0) => text.sign(b'.').number(nanos / 1000, 6),
            _ => text.sign(b'.').number(nanos, 9),
        };
        Some(text.sign(b'Z'))
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
        match Text::default().date(self.0, Some(b'-')) {
            Some(text) => f.write_str(text.as_str()),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Text::default().rfc3339(self.0) {
            Some(text) => f.write_str(text.as_str()),
            None => f.write_str(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
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
            if let Some(text) = Text::default().compact(at) {
                prop_assert_eq!(text.as_str(), at.format("%Y%m%dT%H%M%SZ").to_string());
            }
        }
    }
}
