//! The register: what each table and column holds about a person. One file for the page, the export and the check.

use serde::Deserialize;
use std::collections::BTreeMap;

/// `personal-data.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Every table of the database.
    pub table: Vec<Table>,
}

/// A table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// A condition that finds a person's rows; absent where a row is about nobody.
    #[serde(default)]
    pub of: Option<String>,
    /// What an export has in the place of a column: an expression.
    #[serde(default)]
    pub shown: BTreeMap<String, String>,
    /// What it is kept for: a word.
    pub purpose: String,
    /// The legal ground: a word.
    pub basis: String,
    /// For how long: a word.
    pub keep: String,
    /// Whether its rows stay when their person is erased, with a pseudonym that leads to nobody.
    #[serde(default)]
    pub stays: bool,
    /// The category of each column.
    pub columns: BTreeMap<String, String>,
}

impl Table {
    /// The columns that say something about a person.
    pub fn personal(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().filter(|(_, category)| *category != "none").map(|(c, k)| (c.as_str(), k.as_str()))
    }
}

impl Register {
    /// The tables whose rows go with their person, or soon by themselves: those with something about a person but the audit.
    ///
    /// # Errors
    /// As [`Register::read`].
    pub fn erased() -> anyhow::Result<impl Iterator<Item = Table>> {
        Ok(Self::read()?.table.into_iter().filter(|t| !t.stays && t.personal().next().is_some()))
    }

    /// The register that this program was built with.
    ///
    /// # Errors
    /// When it cannot be read, which a test would have said.
    pub fn read() -> anyhow::Result<Self> {
        Ok(toml::from_str(include_str!("../../personal-data.toml"))?)
    }
}
