//! What the extract takes of a source that is too large to be carried whole. The rest is counted in `skipped.csv`, and
//! whoever has the payloads has all of it.

use crate::{Parsed, Source};
use chrono::{Datelike as _, Weekday};

/// A part of a source.
pub(super) struct Part {
    source: &'static str,
    /// Its tables that are taken.
    feeds: &'static [&'static str],
    /// Why the others are not.
    others: &'static str,
    /// Of a daily series the values of this day of the week.
    day: Weekday,
}

const PARTS: &[Part] = &[Part {
    source: "jhu-counties",
    feeds: &["time_series_confirmed_US.csv", "time_series_deaths_US.csv", "daily_reports.parquet"],
    others: "one day, which the table of all days has",
    day: Weekday::Sun,
}];

const ANOTHER_DAY: &str = "another day than the Sunday that is carried of each week";

/// The part that is taken of `source`; `None`: everything.
pub(super) fn of(source: &Source) -> Option<&'static Part> {
    PARTS.iter().find(|p| p.source == source.id)
}

impl Part {
    /// Keeps of a payload what is taken, and counts the rest among what was skipped.
    pub(super) fn take(&self, feed: &str, parsed: &mut Parsed) {
        let before = parsed.rows.len();
        let wanted = self.feeds.contains(&feed);
        parsed.rows.retain(|r| wanted && r.reference_date.weekday() == self.day);
        let left = (before - parsed.rows.len()) as u64;
        if left > 0 {
            parsed.skipped.push((if wanted { ANOTHER_DAY } else { self.others }.to_owned(), left));
        }
    }
}
