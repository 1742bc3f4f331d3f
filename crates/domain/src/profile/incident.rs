//! Who must be told when something happened, what they ask, and by when: the table `[incident]` of a profile.

use super::{CountryProfile, ProfileError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A text in each language of the country, by the language's code.
pub type Texts = BTreeMap<String, String>;

/// Incidents in this country.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// What authorities ask, once each.
    #[serde(default)]
    pub field: Vec<Field>,
    /// Whom to tell.
    #[serde(default)]
    pub authority: Vec<Authority>,
}

/// A question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Word by which its answer is given: `nature`.
    pub id: String,
    /// The question.
    pub label: Texts,
    /// The key of `[legal]` that answers it; absent: whoever declares does.
    #[serde(default)]
    pub from: Option<String>,
}

/// An authority, or others whom a law wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Word for files and commands: `cnil`.
    pub id: String,
    /// Its name.
    pub name: Texts,
    /// The rule that asks for it.
    pub law: Texts,
    /// When it must be told, for the person who decides.
    pub when: Texts,
    /// Words for what happened, any of which makes it concerned: `personal_data`.
    pub involves: Vec<String>,
    /// Hours after somebody became aware; absent: without delay, and the law names no number.
    #[serde(default)]
    pub due_hours: Option<u32>,
    /// Hours after which to remind, ascending.
    #[serde(default)]
    pub alert_hours: Vec<u32>,
    /// The ids of its questions, in the order of its form.
    pub fields: Vec<String>,
}

impl Incident {
    /// The words for what can have happened, each once.
    #[must_use]
    pub fn words(&self) -> BTreeSet<&str> {
        self.authority.iter().flat_map(|a| a.involves.iter().map(String::as_str)).collect()
    }

    /// The question `id`.
    #[must_use]
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.field.iter().find(|f| f.id == id)
    }

    pub(super) fn check(&self, profile: &CountryProfile) -> Result<(), ProfileError> {
        let wrong = |what: String| Err(ProfileError::Inconsistent(format!("incident: {what}")));
        let codes: BTreeSet<&str> = profile.languages.iter().map(|l| l.code.as_str()).collect();
        let whole = |texts: &Texts| {
            texts.keys().map(String::as_str).eq(codes.iter().copied())
                && texts.values().all(|t| !t.trim().is_empty())
        };
        let mut seen = BTreeSet::new();
        for field in &self.field {
            if !is_word(&field.id) || !seen.insert(field.id.as_str()) {
                return wrong(format!(
                    "field `{}` is no word of a-z, 0-9, - and _, or there twice",
                    field.id
                ));
            }
            if !whole(&field.label) {
                return wrong(format!("the label of field {} is not in every language", field.id));
            }
            if let Some(key) = field.from.as_ref().filter(|key| !profile.legal.contains_key(*key)) {
                return wrong(format!("field {} is answered by legal.{key}, which is not there", field.id));
            }
        }
        let mut seen = BTreeSet::new();
        for authority in &self.authority {
            let id = &authority.id;
            if !is_word(id) || !seen.insert(id) {
                return wrong(format!("authority `{id}` is no word of a-z, 0-9, - and _, or there twice"));
            }
            if ![&authority.name, &authority.law, &authority.when].into_iter().all(whole) {
                return wrong(format!("a text of authority {id} is not in every language"));
            }
            if authority.involves.is_empty() || !authority.involves.iter().all(|w| is_word(w)) {
                return wrong(format!("authority {id} does not say in words what must have happened"));
            }
            if let Some(field) = authority.fields.iter().find(|f| self.field(f).is_none()) {
                return wrong(format!("authority {id} asks {field}, which is no field"));
            }
            let ascending = authority.alert_hours.is_sorted_by(|a, b| a < b);
            let last = authority.alert_hours.last().copied().unwrap_or(0);
            if authority.fields.is_empty()
                || !ascending
                || authority.due_hours.is_some_and(|due| due == 0 || last >= due)
            {
                return wrong(format!(
                    "authority {id} needs fields, and alert_hours that ascend to before due_hours"
                ));
            }
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
