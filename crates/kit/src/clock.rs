//! The platform's clock: real, or stopped at the time of the figures that it carries.

use chrono::{DateTime, Utc};

/// What "now" means. Everything that a reader sees is read as of [`Clock::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's time.
    Real,
    /// `VIGIE_CLOCK`: the recorded situation of that time. Pages and APIs say so.
    Recorded(DateTime<Utc>),
}

impl Clock {
    /// The time that figures are read as of.
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Real => wall(),
            Self::Recorded(at) => at,
        }
    }

    /// The recorded time, if this clock is stopped.
    #[must_use]
    pub fn recorded(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Real => None,
            Self::Recorded(at) => Some(at),
        }
    }
}

/// A moment as people write it for a command: RFC 3339.
///
/// # Errors
/// With what to write, when `text` is no such moment.
pub fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let read = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    read.map_err(|_| {
        "a moment has a date, a time and a zone: 2025-04-25T12:00:00Z, or 2025-04-25T14:00:00+02:00"
            .to_owned()
    })
}

/// The machine's time, for what is about the machine and not about figures: when a row was computed.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_without_a_zone_is_refused_with_what_to_write() {
        let noon = moment("2025-04-25T12:00:00Z");
        assert!(noon.is_ok());
        assert_eq!(moment("2025-04-25T14:00:00+02:00"), noon);
        for none in ["2025-04-25T12:00:00", "2025-04-25", "yesterday", ""] {
            assert!(moment(none).is_err_and(|said| said.contains("a zone: 2025-04-25T12:00:00Z")), "{none}");
        }
    }
}
