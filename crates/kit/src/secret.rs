//! A text that opens something: it is passed on, and shown by nothing.

use std::convert::Infallible;
use std::str::FromStr;

/// An address with a password, a token. Its `Debug` does not show it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for whom it is meant.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Any text is one: arguments of commands are read by it.
impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_passed_on_and_not_shown() {
        let secret: Secret = "postgres://vigie:canary@db/vigie".parse().unwrap();
        assert_eq!(secret.as_str(), "postgres://vigie:canary@db/vigie");
        assert_eq!(
            format!("{secret:?} {:?}", Some(Secret::from("canary".to_owned()))),
            "Secret(…) Some(Secret(…))"
        );
    }
}
