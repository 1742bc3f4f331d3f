//! One published value, with everything that tells it apart from its revisions.

use crate::stamp::{Day, Text};
use crate::{IdError, PlaceId, SignalId, SourceId};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// What kind of value a cell holds. Never a sentinel number: the kind says why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A value, as published.
    Observed,
    /// A value that its publisher marks as preliminary.
    Provisional,
    /// The publisher lists the cell and has no value for it.
    Missing,
    /// The publisher withholds the value (small cell).
    Suppressed,
    /// The question makes no sense for this cell.
    NotApplicable,
    /// The publisher took a value back.
    Withdrawn,
}

/// A word that is no [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status: observed, provisional, missing, suppressed, not_applicable or withdrawn")]
pub struct StatusError(String);

impl Status {
    /// Its word in files, the database and the APIs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Provisional => "provisional",
            Self::Missing => "missing",
            Self::Suppressed => "suppressed",
            Self::NotApplicable => "not_applicable",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Does a cell of this kind carry a number?
    #[must_use]
    pub fn has_value(self) -> bool {
        matches!(self, Self::Observed | Self::Provisional)
    }
}

impl std::str::FromStr for Status {
    type Err = StatusError;
    fn from_str(text: &str) -> Result<Self, StatusError> {
        [
            Self::Observed,
            Self::Provisional,
            Self::Missing,
            Self::Suppressed,
            Self::NotApplicable,
            Self::Withdrawn,
        ]
        .into_iter()
        .find(|s| s.as_str() == text)
        .ok_or_else(|| StatusError(text.to_owned()))
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a value is: its permanent identity. A revision has another `issued_at`, so another key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationKey {
    /// What is counted.
    pub signal: SignalId,
    /// Who published it.
    pub source: SourceId,
    /// Where.
    pub place: PlaceId,
    /// What the value is about: the day, or the last day of the week.
    pub reference_date: NaiveDate,
    /// When the publisher issued it, to the second.
    pub issued_at: DateTime<Utc>,
}

/// Why a text is no observation id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not five parts, or a date that is none.
    #[error("`{0}` is not an observation id: signal~source~place~date~issue time")]
    Format(String),
    /// A part breaks its own rule.
    #[error(transparent)]
    Id(#[from] IdError),
}

const ISSUED: &str = "%Y%m%dT%H%M%SZ";

impl ObservationKey {
    /// The permanent id of the value, as `/why/{id}` takes it:
    /// `flu_hosp_admissions~cdc-flusight~US-NY~2025-01-04~20250108T171512Z`.
    #[must_use]
    pub fn id(&self) -> String {
        let Self { signal, source, place, reference_date, issued_at } = self;
        let (signal, source, place) = (signal.as_str(), source.as_str(), place.as_str());
        ObservationId { signal, source, place, reference_date: *reference_date, issued_at: *issued_at }
            .to_string()
    }
}

/// The id of a value whose words are known to be right, written where it is needed: an answer has thousands.
#[derive(Debug, Clone, Copy)]
pub struct ObservationId<'a> {
    /// What is counted.
    pub signal: &'a str,
    /// Who published it.
    pub source: &'a str,
    /// Where.
    pub place: &'a str,
    /// What the value is about.
    pub reference_date: NaiveDate,
    /// When the publisher issued it, to the second.
    pub issued_at: DateTime<Utc>,
}

impl std::fmt::Display for ObservationId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { signal, source, place, reference_date, issued_at: at } = self;
        for part in [signal, source, place] {
            f.write_str(part)?;
            f.write_str("~")?;
        }
        write!(f, "{}~", Day(*reference_date))?;
        match Text::compact(*at) {
            Some(text) => f.write_str(text.as_str()),
            None => write!(f, "{}", at.format(ISSUED)),
        }
    }
}

impl Serialize for ObservationId<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl std::str::FromStr for ObservationKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError::Format(text.chars().take(200).collect());
        let parts: Vec<&str> = text.split('~').collect();
        let [signal, source, place, reference_date, issued_at] = parts[..] else { return Err(bad()) };
        let reference_date: NaiveDate = reference_date.parse().map_err(|_| bad())?;
        let issued_at = NaiveDateTime::parse_from_str(issued_at, ISSUED).map_err(|_| bad())?.and_utc();
        // Other years can be written and not stored; nothing was published in them.
        if ![reference_date.year(), issued_at.year()].iter().all(|year| (1..=9999).contains(year)) {
            return Err(bad());
        }
        Ok(Self {
            signal: signal.parse()?,
            source: source.parse()?,
            place: place.parse()?,
            reference_date,
            issued_at,
        })
    }
}

/// One published value.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its identity.
    pub key: ObservationKey,
    /// The number, present exactly when [`Status::has_value`] says so.
    pub value: Option<f64>,
    /// What kind of value it is.
    pub status: Status,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_the_key_it_names() {
        let id = "mpox_cases~owid-mpox~FR~2022-08-09~20220809T154229Z";
        let key: ObservationKey = id.parse().unwrap();
        assert_eq!(key.id(), id);
        for bad in [
            "",
            "a~b~c",
            "mpox_cases~owid-mpox~FR~2022-13-09~20220809T154229Z",
            "x~y~z~2022-01-01~now",
            "x~y~FR~-9999-01-01~20220809T154229Z",
        ] {
            assert!(bad.parse::<ObservationKey>().is_err(), "{bad}");
        }
    }
}
