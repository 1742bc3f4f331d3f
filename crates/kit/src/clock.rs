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

/// The machine's time, for what is about the machine and not about figures: when a row was computed.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
pub fn wall() -> DateTime<Utc> {
    Utc::now()
}
