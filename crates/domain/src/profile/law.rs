//! How soon a person is answered and how long what is about persons is kept: the table `[law]` of a profile.

use super::ProfileError;
use serde::{Deserialize, Serialize};

/// The law's clocks in this country, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Law {
    /// In how many days a request of a person is answered.
    pub answer_days: u32,
    /// After how many days an open request becomes an alarm: earlier than `answer_days`.
    pub warn_days: u32,
    /// How long what is about persons is kept.
    pub keep_days: Keep,
}

/// For how many days after its end something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// A session, after it ended.
    pub session: u32,
    /// An account, after its last login.
    pub account: u32,
    /// An e-mail address without account and without alert, after it was last proven.
    pub contact: u32,
    /// A request of a person and its receipt, after it was answered.
    pub request: u32,
    /// A consent that was withdrawn, after the withdrawal.
    pub consent: u32,
    /// An API key, after it ended.
    pub key: u32,
    /// An entry of the audit.
    pub audit: u32,
    /// A backup of the database, after it was made: whoever was erased meanwhile is in it until then.
    pub backup: u32,
}

impl Default for Law {
    fn default() -> Self {
        Self { answer_days: 28, warn_days: 20, keep_days: Keep::default() }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            session: 7,
            account: 730,
            contact: 30,
            request: 1095,
            consent: 1095,
            key: 90,
            audit: 366,
            backup: 35,
        }
    }
}

impl Law {
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let wrong = |what: String| Err(ProfileError::Inconsistent(what));
        if self.warn_days == 0 || self.warn_days >= self.answer_days {
            let (warn, answer) = (self.warn_days, self.answer_days);
            return wrong(format!("law: an alarm after {warn} days for an answer in {answer}"));
        }
        let k = self.keep_days;
        for (name, days) in [
            ("session", k.session),
            ("account", k.account),
            ("contact", k.contact),
            ("request", k.request),
            ("consent", k.consent),
            ("key", k.key),
            ("audit", k.audit),
            ("backup", k.backup),
        ] {
            // A hundred years: more is a mistake of writing.
            if days == 0 || days > 36_525 {
                return wrong(format!("law.keep_days.{name}: {days}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_comes_before_the_laws_day_and_nothing_is_kept_for_ever_or_not_at_all() {
        assert!(Law::default().check().is_ok());
        let wrong = |change: fn(&mut Law)| {
            let mut law = Law::default();
            change(&mut law);
            law.check().unwrap_err().to_string()
        };
        assert!(wrong(|l| l.warn_days = l.answer_days).contains("law: an alarm after 28 days"));
        assert!(wrong(|l| l.keep_days.audit = 0).contains("law.keep_days.audit: 0"));
        assert!(wrong(|l| l.keep_days.session = 40_000).contains("law.keep_days.session: 40000"));
    }
}
