//! What is not estimated, and why: closed series, old ones, too little.

use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::Signal;
use kit::record::Closed;

/// Why a question has no answer. The words are stable: clients and locale files know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The figures that are kept have come to their end.
    Ended,
    /// The newest figure is too old to say anything of now.
    Stale,
    /// Too few events or weeks.
    TooFew,
    /// No figure of this place is published in a form that could be kept.
    NoData,
    /// No model of this platform answers this question for this signal.
    NoModel,
    /// A model would answer, and has not run yet on what was known then.
    NotComputed,
    /// The publisher's newest table was refused (`kit::record`).
    Quarantined,
    /// The model has failed the rule that takes it off the pages (`kit::record`).
    Withdrawn,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ended,
        Self::Stale,
        Self::TooFew,
        Self::NoData,
        Self::NoModel,
        Self::NotComputed,
        Self::Quarantined,
        Self::Withdrawn,
    ];

    /// Its word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Stale => "stale",
            Self::TooFew => "too_few",
            Self::NoData => "no_data",
            Self::NoModel => "no_model",
            Self::NotComputed => "not_computed",
            Self::Quarantined => "quarantined",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

impl From<Closed> for Reason {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Quarantined => Self::Quarantined,
            Closed::Withdrawn => Self::Withdrawn,
        }
    }
}

/// The day of a time, as figures count it.
pub(crate) fn day(at: DateTime<Utc>) -> NaiveDate {
    at.date_naive()
}

/// May anything be said of the present of a series whose newest figure is about `last`?
///
/// # Errors
/// The reason why not. Both limits count from `as_of`: a series that ended after it was alive then.
pub(crate) fn alive(
    signal: &Signal,
    last: Option<NaiveDate>,
    as_of: DateTime<Utc>,
) -> Result<NaiveDate, Reason> {
    let today = day(as_of);
    if signal.ended_by(today, last).is_some() {
        return Err(Reason::Ended);
    }
    let last = last.ok_or(Reason::NoData)?;
    if (today - last).num_days() > i64::from(signal.stale_after_days) {
        return Err(Reason::Stale);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::CountryProfile;

    fn signal(id: &str) -> Signal {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clusters/ch/profile/profile.toml");
        let profile = CountryProfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        profile.signal(&id.parse().unwrap()).unwrap().clone()
    }

    #[test]
    fn the_gate_counts_from_the_time_asked_for() {
        let at = |text: &str| format!("{text}T23:59:59Z").parse::<DateTime<Utc>>().unwrap();
        let date = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        let deaths = signal("covid_deaths");
        assert_eq!(alive(&deaths, date("2021-07-09"), at("2025-02-21")), Err(Reason::Ended));
        assert_eq!(alive(&deaths, None, at("2025-02-21")), Err(Reason::Ended));
        assert!(alive(&deaths, date("2021-05-19"), at("2021-05-20")).is_ok());
        assert_eq!(alive(&deaths, date("2021-05-01"), at("2021-05-20")), Err(Reason::Stale));
        assert_eq!(alive(&deaths, None, at("2021-05-20")), Err(Reason::NoData));
        let ili = signal("ili_incidence");
        assert!(alive(&ili, date("2025-02-16"), at("2025-02-21")).is_ok());
        assert_eq!(alive(&ili, date("2025-02-16"), at("2026-11-24")), Err(Reason::Stale));
    }

    #[test]
    fn every_word_is_read_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::read(reason.as_str()), Some(reason));
        }
    }
}
