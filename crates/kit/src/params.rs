//! The query string of a request, read strictly: a misspelt parameter is refused, never ignored.

use crate::Problem;
use chrono::{Datelike as _, NaiveDate};
use std::str::FromStr;

/// The parameters of one request, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a raw query string. Percent-encoding that is no UTF-8 is read as U+FFFD, so it never fails on it.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for a parameter that is not among `allowed`.
    pub fn parse(query: Option<&str>, allowed: &[&str]) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(query.unwrap_or("").as_bytes());
        let pairs: Vec<(String, String)> =
            pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        match pairs.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
            Some((name, _)) => {
                let name: String = name.chars().take(40).collect();
                Err(Problem::invalid("query", format!("holds `{name}`; known here: {}", allowed.join(", "))))
            }
            None => Ok(Self(pairs)),
        }
    }

    /// Refuses a parameter without a value, where a description says what each value looks like.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names it.
    pub fn filled(self) -> Result<Self, Problem> {
        match self.0.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => {
                Err(Problem::invalid("query", format!("holds `{name}` without a value: leave it out")))
            }
            None => Ok(self),
        }
    }

    /// Reads a raw query string for a page: what it does not know is left out. Mail and social networks add
    /// parameters of their own to every link, and the page behind it must still open.
    #[must_use]
    pub fn known(query: Option<&str>, allowed: &[&str]) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or("").as_bytes());
        let known = pairs.filter(|(name, _)| allowed.contains(&name.as_ref()));
        Self(known.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The one value of `name`; an empty one counts as absent.
    ///
    /// # Errors
    /// [`Problem::Invalid`] when it is given more than once.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Problem::invalid(name, "is given more than once")),
            (value, None) => Ok(value),
        }
    }

    /// The one value of `name`, read as `T`; `expected` says in words what it should be.
    ///
    /// # Errors
    /// [`Problem::Invalid`] when it cannot be read or is given more than once.
    pub fn read<T: FromStr>(&self, name: &'static str, expected: &str) -> Result<Option<T>, Problem> {
        let text = self.one(name)?;
        text.map(|t| t.parse().map_err(|_| Problem::invalid(name, format!("is not {expected}")))).transpose()
    }

    /// The one value of `name`, read as a day. Only years from 1 to 9999: others cannot be stored, so nothing is
    /// known of them.
    ///
    /// # Errors
    /// [`Problem::Invalid`] when it cannot be read or is given more than once.
    pub fn day(&self, name: &'static str) -> Result<Option<NaiveDate>, Problem> {
        let expected = "a date such as 2025-01-31";
        match self.read::<NaiveDate>(name, expected)? {
            Some(day) if !(1..=9999).contains(&day.year()) => {
                Err(Problem::invalid(name, format!("is not {expected}")))
            }
            day => Ok(day),
        }
    }

    /// All values of `name`: repeated, or separated by commas. Without duplicates, in order.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        let mut all = Vec::new();
        for (_, values) in self.0.iter().filter(|(n, _)| n == name) {
            for value in values.split(',').map(str::trim).filter(|v| !v.is_empty()) {
                if !all.contains(&value) {
                    all.push(value);
                }
            }
        }
        all
    }

    /// The parameters as a query string again, without those named in `except`.
    #[must_use]
    pub fn encode_without(&self, except: &[&str]) -> String {
        let kept = self.0.iter().filter(|(n, v)| !except.contains(&n.as_str()) && !v.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_may_be_repeated_or_separated_by_commas() {
        let params =
            Params::parse(Some("place=US-CA,US-NY&place=US&place=US-CA&x="), &["place", "x"]).unwrap();
        assert_eq!(params.list("place"), ["US-CA", "US-NY", "US"]);
        assert_eq!(params.one("x").unwrap(), None);
        assert!(params.one("place").is_err());
        assert_eq!(params.encode_without(&["x"]), "place=US-CA%2CUS-NY&place=US&place=US-CA");
    }

    #[test]
    fn a_day_lies_in_a_year_that_can_be_stored() {
        let of = |text: &str| Params::parse(Some(&format!("from={text}")), &["from"]).unwrap().day("from");
        assert_eq!(of("2025-01-31").unwrap(), "2025-01-31".parse().ok());
        assert_eq!(of("").unwrap(), None);
        for bad in ["-262143-01-01", "%2B262142-12-31", "0000-01-01", "2025-02-30", "soon"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_leaves_out_what_it_does_not_know() {
        let params = Params::known(Some("fbclid=x&place=US&utm_source=mail"), &["place"]);
        assert_eq!((params.list("place"), params.encode_without(&[])), (vec!["US"], "place=US".to_owned()));
    }

    #[test]
    fn a_misspelt_parameter_is_refused_with_the_known_ones() {
        let problem = Params::parse(Some("signl=a"), &["signal", "place"]).unwrap_err();
        assert_eq!(problem.to_string(), "`query` holds `signl`; known here: signal, place");
    }

    #[test]
    fn what_is_written_in_percent_twice_is_read_once() {
        for (sent, read) in [
            ("place=US%2DCA", "US-CA"),
            ("place=US%252DCA", "US%2DCA"),
            ("place=%252e%252e%252f", "%2e%2e%2f"),
            ("place=%25253Cscript%25253E", "%253Cscript%253E"),
        ] {
            assert_eq!(Params::parse(Some(sent), &["place"]).unwrap().one("place").unwrap(), Some(read));
        }
    }

    proptest! {
        #[test]
        fn a_value_is_read_as_it_was_before_it_was_encoded_and_no_further(text in "(%[0-9a-f]{2}|[%+&=;é ]|[ -~]){1,30}") {
            let written = form_urlencoded::Serializer::new(String::new()).append_pair("a", &text).finish();
            let params = Params::parse(Some(&written), &["a"]).unwrap();
            prop_assert_eq!(params.one("a").unwrap(), Some(text.as_str()));
        }

        #[test]
        fn no_query_string_panics(text in ".*") {
            let _ = Params::parse(Some(&text), &["a", ""]).map(|p| (p.list("a").len(), p.encode_without(&[])));
        }
    }
}
