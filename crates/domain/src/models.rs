//! What a country's profile decides about models: who signs their cards, and what deaths follow.

use crate::CountryProfile;
use crate::profile::{Event, Signal, Unit};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Who may sign model cards, and what they signed. `docs/forecast/README.md` says how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCards {
    /// Whose signatures count.
    #[serde(default)]
    pub signers: Vec<Signer>,
    /// One a card.
    #[serde(default)]
    pub signatures: Vec<CardSignature>,
}

impl ModelCards {
    /// What is wrong with the names: each is a line of the text that is signed.
    pub(crate) fn fault(&self) -> Option<String> {
        let bad = |s: &&Signer| s.name.trim().is_empty() || s.name.contains(char::is_control);
        let signer = self.signers.iter().find(bad)?;
        Some(format!("model_cards.signers has a name that is empty or more than one line: {:?}", signer.name))
    }
}

/// Somebody whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// As it is shown: name and function.
    pub name: String,
    /// An Ed25519 public key, as the line inside `openssl pkey -pubout`: `MCowBQYDK2VwAyEA…`.
    pub key: String,
}

/// A signature under a model card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardSignature {
    /// The id of the model.
    pub model: String,
    /// A name among the signers.
    pub by: String,
    /// The day that the signed text states.
    #[serde(deserialize_with = "crate::profile::toml_date")]
    pub on: NaiveDate,
    /// 64 bytes in base64: what `openssl pkeyutl -sign -rawin` makes of the signed text.
    pub signature: String,
}

impl CountryProfile {
    /// What deaths may follow, in the order of choice: admissions before cases of the same disease, since testing changes
    /// cases and not admissions.
    #[must_use]
    pub fn leads(&self, deaths: &Signal) -> Vec<&Signal> {
        let of = |event: Event| {
            let disease = deaths.disease.clone();
            self.signals
                .iter()
                .filter(move |s| s.disease == disease && s.event == event && s.counts_persons())
        };
        of(Event::Admissions).chain(of(Event::Cases)).collect()
    }
}

impl Signal {
    /// Is it a number of persons of its own day or week?
    #[must_use]
    pub fn counts_persons(&self) -> bool {
        self.unit == Unit::Persons && !self.cumulative
    }

    /// Are deaths ahead answered for places of this level?
    #[must_use]
    pub fn deaths_ahead_at(&self, level: &str) -> bool {
        self.deaths_ahead.iter().any(|served| served == level)
    }

    /// What is wrong with the levels where deaths ahead are answered.
    pub(crate) fn deaths_ahead_fault(&self) -> Option<String> {
        let deaths = self.event == Event::Deaths && self.counts_persons();
        if !self.deaths_ahead.is_empty() && !deaths {
            return Some("the signal does not count deaths of persons by day or week".to_owned());
        }
        let without = self.deaths_ahead.iter().find(|level| self.source_at(level).is_none())?;
        Some(format!("no source is named for the level {without}"))
    }
}
