//! Identifiers that go into URLs, files and the database.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {rule}")]
pub struct IdError {
    what: &'static str,
    rule: &'static str,
    text: String,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and wraps it.
            ///
            /// # Errors
            /// [`IdError`] with the rule that was broken.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let check: fn(&str) -> bool = $ok;
                if check(&text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { what: $what, rule: $rule, text })
                }
            }

            /// The identifier as it stands in URLs, files and the database.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

fn words(text: &str, separator: char) -> bool {
    !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == separator)
}

text_id!(
    /// A signal, disease first: `flu_hosp_admissions`, `covid_deaths`.
    SignalId,
    "signal",
    "lower-case words joined by `_`, such as flu_hosp_admissions",
    |t| words(t, '_')
);

text_id!(
    /// A publisher's table: `cdc-flusight-nhsn`, `owid-mpox`.
    SourceId,
    "source",
    "lower-case words joined by `-`, such as owid-mpox",
    |t| words(t, '-')
);

text_id!(
    /// A place: ISO 3166 (`US`, `US-CA`, `CH-ZH`), below that `<iso country>:<national code>` (`FR:75`).
    PlaceId,
    "place",
    "an ISO 3166 code such as FR or CH-ZH, or country:code such as FR:75",
    |t| {
        let rest = t.get(2..).unwrap_or("");
        let code = |s: &str, min: usize| s.len() >= min && s.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        t.get(..2).is_some_and(|c| c.chars().all(|c| c.is_ascii_uppercase()))
            && (rest.is_empty()
                || rest.strip_prefix('-').is_some_and(|s| code(s, 1) && s.len() <= 3)
                || rest.strip_prefix(':').is_some_and(|s| code(s, 1)))
    }
);

impl PlaceId {
    /// The national place that this one lies in: `US` for `US-CA`, `FR` for `FR:75`.
    #[must_use]
    pub fn nation(&self) -> Self {
        Self(self.0.get(..2).unwrap_or_default().into())
    }

    /// Is this a whole country?
    #[must_use]
    pub fn is_nation(&self) -> bool {
        self.0.len() == 2
    }
}

/// The two letters of a country's folder: `us`, `fr`, `ch`.
///
/// No enum, and it lends no `&str`: nothing in code can `match` on it. Ask the [`crate::CountryProfile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([char; 2]);

impl std::str::FromStr for CountryCode {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.chars().collect::<Vec<_>>()[..] {
            [a, b] if a.is_ascii_lowercase() && b.is_ascii_lowercase() => Ok(Self([a, b])),
            _ => Err(IdError {
                what: "country",
                rule: "two lower-case letters, the name of a folder of clusters/",
                text: text.to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for CountryCode {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> Self {
        code.to_string()
    }
}

impl std::fmt::Display for CountryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_iso_3166_then_the_national_code() {
        for good in ["US", "US-CA", "FR-IDF", "CH-ZH", "US:06037", "FR:75", "FR:2A", "CH:261"] {
            assert!(PlaceId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "us", "USA", "US-", "FR:", "CH-zh", "75", "FR/75"] {
            assert!(PlaceId::new(bad).is_err(), "{bad}");
        }
        assert_eq!(PlaceId::new("FR:75").unwrap().nation().as_str(), "FR");
    }

    #[test]
    fn a_country_is_two_letters_and_nothing_else() {
        assert_eq!("fr".parse::<CountryCode>().unwrap().to_string(), "fr");
        assert!("../x".parse::<CountryCode>().is_err());
    }
}
