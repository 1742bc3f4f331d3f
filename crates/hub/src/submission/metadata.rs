//! The model's file: who made the forecasts and how, in the entries that the hub asks for.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Contributor, Submission};
use crate::form::{Field, Form, LICENCES, LONGEST_METHODS};
use crate::{HubError, Profile};

/// Where the project has its cards.
const CARDS: &str = "crates/cards/model-cards";

/// What the card says.
#[derive(Debug, Deserialize)]
struct Card {
    id: String,
    version: String,
    data: String,
    method: String,
    limits: String,
}

impl Submission {
    /// Writes `model-metadata/<MODEL>.yml`; `model` is `TEAM-MODEL`.
    ///
    /// # Errors
    /// A name or a licence that the hub refuses, nobody who answers for it, no website where the hub wants one, a card that
    /// cannot be read.
    pub fn write_metadata(&self, model: &str, profile: &Profile) -> Result<(), HubError> {
        let form = profile.form;
        let names = abbreviations(model, form)?;
        self.refuse(form)?;
        let card =
            self.card.clone().unwrap_or_else(|| Path::new(CARDS).join(format!("{}.toml", profile.card)));
        let text = fs::read_to_string(&card).map_err(HubError::file(&card))?;
        let card: Card = toml::from_str(&text)
            .map_err(|e| HubError::content(&card, format!("is no card of a model: {}", e.message())))?;
        let folder: PathBuf = self.out.join("model-metadata");
        fs::create_dir_all(&folder).map_err(HubError::file(&folder))?;
        let path = folder.join(format!("{model}.yml"));
        let yaml: String = form.metadata.iter().map(|field| self.entry(*field, names, &card)).collect();
        fs::write(&path, yaml).map_err(HubError::file(&path))
    }

    fn refuse(&self, form: &Form) -> Result<(), HubError> {
        let argument = |what: String| Err(HubError::Argument(what));
        let hub = form.repository;
        if !LICENCES.contains(&self.licence.as_str()) {
            let known = LICENCES.join(", ");
            return argument(format!("{hub} does not take the licence `{}`, only: {known}", self.licence));
        }
        if self.contributors.is_empty() {
            return argument(format!("{hub} wants somebody to write to: name at least one contributor"));
        }
        match &self.website {
            None if form.wants_website => argument(format!(
                "{hub} wants the address of a website about the model or the team: name one"
            )),
            Some(address) if !is_url(address) => {
                argument(format!("`{address}` is no address of a website: it begins with https://"))
            }
            _ => Ok(()),
        }
    }

    /// An entry as a line of YAML; of the contributors several.
    fn entry(&self, field: Field, (team, model): (&str, &str), card: &Card) -> String {
        let text = |name: &str, value: &str| format!("{name}: {}\n", quoted(value));
        match field {
            Field::TeamName => text("team_name", team),
            Field::TeamAbbreviation => text("team_abbr", team),
            Field::ModelName => text("model_name", &card.id),
            Field::ModelAbbreviation => text("model_abbr", model),
            Field::Version => text("model_version", &card.version),
            Field::Contributors => {
                let people: String = self.contributors.iter().map(person).collect();
                format!("model_contributors:\n{people}")
            }
            Field::Website => self.website.as_ref().map_or_else(String::new, |at| text("website_url", at)),
            Field::Licence => text("license", &self.licence),
            Field::Designated => "designated_model: true\n".to_owned(),
            Field::Primary => text("team_model_designation", "primary"),
            Field::DataInputs => text("data_inputs", &card.data),
            Field::Methods => text("methods", short(&card.method)),
            Field::MethodsLong => text(
                "methods_long",
                &format!(
                    "{} Limits: {} Places share one pool of rows and a national signal; uncertainty is that of past \
                     seasons of the pool, by quantiles.",
                    card.method, card.limits
                ),
            ),
            Field::Ensemble => "ensemble_of_models: true\n".to_owned(),
            Field::EnsembleOfHubModels => "ensemble_of_hub_models: false\n".to_owned(),
        }
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| {
        host.contains('.') && !host.starts_with(['.', '/']) && !text.contains(char::is_whitespace)
    })
}

fn person(one: &Contributor) -> String {
    let Contributor { name, affiliation, email } = one;
    let (name, affiliation, email) = (quoted(name), quoted(affiliation), quoted(email));
    format!("  - name: {name}\n    affiliation: {affiliation}\n    email: {email}\n")
}

/// A YAML text in double quotes.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c if c.is_control() => vec![' '],
            c => vec![c],
        })
        .collect();
    format!("\"{escaped}\"")
}

/// `TEAM-MODEL` as the hub allows it.
fn abbreviations<'a>(model: &'a str, form: &Form) -> Result<(&'a str, &'a str), HubError> {
    let longest = form.longest_abbreviation;
    let fits = |part: &str| {
        (1..=longest).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match model.split_once('-') {
        Some((team, name)) if fits(team) && fits(name) => Ok((team, name)),
        _ => Err(HubError::Argument(format!(
            "{} wants a model named TEAM-MODEL, each of at most {longest} letters, digits and `_`, not `{model}`",
            form.repository
        ))),
    }
}

/// As many clauses from the beginning as the hub has room for.
fn short(text: &str) -> &str {
    if text.chars().count() <= LONGEST_METHODS {
        return text;
    }
    let room = text.char_indices().nth(LONGEST_METHODS).map_or(text.len(), |(end, _)| end);
    let end = [';', '.', ','].into_iter().find_map(|c| text[..room].rfind(c)).unwrap_or(room);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_cut_between_clauses() {
        assert_eq!(short("brief"), "brief");
        let long = format!("first clause; {}", "é".repeat(300));
        assert_eq!(short(&long), "first clause");
        assert_eq!(short(&"é".repeat(300)).chars().count(), 200);
    }

    #[test]
    fn an_address_is_one_of_the_web() {
        assert!(is_url("https://vigie.example/models") && is_url("http://a.example"));
        for wrong in ["vigie.example", "https://", "ftp://a.example", "https://a b.example", "https://host"] {
            assert!(!is_url(wrong), "{wrong}");
        }
    }
}
