//! What is done to a publisher's figure on its way to a value, as words.

use serde::{Deserialize, Serialize};

/// One step from the bytes of a payload to a value. Each service words it for its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The cell of this place, period and indicator is taken; shares of it (ages, sexes) and sums of places are not.
    Cell,
    /// The publisher gives a running total: the value is the total of the day less that of the day before.
    Difference,
    /// The number is the publisher's: not rounded, smoothed, filled in or added up.
    AsPublished,
    /// The publisher's week becomes the date of its last day.
    WeekEnd,
    /// The publisher states, or the copy tells, only the day of the issue: it counts from the end of that day (UTC).
    EndOfDay,
    /// A later issue that repeats the value is not kept a second time.
    FirstIssue,
    /// The cell was in the tables before and is not in this one, which is complete: it was taken back.
    Withdrawn,
    /// The checks had refused the payload; an operator accepted it.
    Released,
}

/// A word that is no [`Step`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no step from a payload to a value")]
pub struct StepError(String);

impl Step {
    /// All of them, in the order in which they are done.
    pub const ALL: [Self; 8] = [
        Self::Cell,
        Self::Difference,
        Self::AsPublished,
        Self::WeekEnd,
        Self::EndOfDay,
        Self::FirstIssue,
        Self::Withdrawn,
        Self::Released,
    ];

    /// Its word in files, the database, the APIs and the locale files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Difference => "difference",
            Self::AsPublished => "as_published",
            Self::WeekEnd => "week_end",
            Self::EndOfDay => "end_of_day",
            Self::FirstIssue => "first_issue",
            Self::Withdrawn => "withdrawn",
            Self::Released => "released",
        }
    }
}

impl std::str::FromStr for Step {
    type Err = StepError;
    fn from_str(text: &str) -> Result<Self, StepError> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| StepError(text.to_owned()))
    }
}
