//! What a hub takes from a team: a folder with `model-output/` and `model-metadata/`, as FluSight wants them.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use crate::HubError;

/// Longest abbreviation of a team or a model.
const LONGEST_ABBREVIATION: usize = 15;
/// Longest short description of the methods, in characters.
const LONGEST_METHODS: usize = 200;
/// Licences that FluSight accepts.
const LICENCES: [&str; 7] = ["CC0-1.0", "CC-BY-4.0", "CC-BY_SA-4.0", "PPDL", "ODC-by", "ODbL", "OGL-3.0"];

/// Who hands in what, and under which terms.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Folder that gets `model-output/` and `model-metadata/`.
    pub out: PathBuf,
    /// The card of the model (TOML: id, version, data, method, limits).
    pub card: PathBuf,
    /// Who answers for it: the hub wants at least one person or group with an address.
    pub contributors: Vec<Contributor>,
    /// Licence of the forecasts.
    pub licence: String,
}

/// A person or group, as the hub wants them named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contributor {
    /// Name.
    pub name: String,
    /// Institution.
    pub affiliation: String,
    /// Address.
    pub email: String,
}

impl FromStr for Contributor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(';').map(str::trim).collect();
        match parts[..] {
            [name, affiliation, email]
                if !name.is_empty() && !affiliation.is_empty() && is_address(email) =>
            {
                Ok(Self { name: name.into(), affiliation: affiliation.into(), email: email.into() })
            }
            _ => Err(format!("`{text}` is not `NAME; AFFILIATION; E-MAIL`")),
        }
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(who, host)| {
        !who.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}

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
    /// A name or a licence that the hub refuses, nobody who answers for it, a card that cannot be read.
    pub fn write_metadata(&self, model: &str) -> Result<(), HubError> {
        let (team, name) = abbreviations(model)?;
        if !LICENCES.contains(&self.licence.as_str()) {
            let (licence, known) = (&self.licence, LICENCES.join(", "));
            return Err(HubError::Argument(format!(
                "the hub does not take the licence `{licence}`, only: {known}"
            )));
        }
        if self.contributors.is_empty() {
            let what = "the hub wants somebody to write to: name at least one contributor";
            return Err(HubError::Argument(what.to_owned()));
        }
        let text = fs::read_to_string(&self.card).map_err(HubError::file(&self.card))?;
        let card: Card = toml::from_str(&text)
            .map_err(|e| HubError::content(&self.card, format!("is no card of a model: {}", e.message())))?;
        let folder = self.out.join("model-metadata");
        fs::create_dir_all(&folder).map_err(HubError::file(&folder))?;
        let path = folder.join(format!("{model}.yml"));
        fs::write(&path, self.yaml(team, name, &card)).map_err(HubError::file(&path))
    }

    /// In the order that the hub asks for.
    fn yaml(&self, team: &str, model: &str, card: &Card) -> String {
        let people: Vec<String> = self.contributors.iter().map(person).collect();
        let methods_long = format!(
            "{} Limits: {} Places share one pool of rows and a national signal; uncertainty is that of past seasons \
             of the pool, by quantiles.",
            card.method, card.limits
        );
        format!(
            "team_name: {}\nteam_abbr: {}\nmodel_name: {}\nmodel_abbr: {}\nmodel_version: {}\n\
             model_contributors:\n{}license: {}\ndesignated_model: true\ndata_inputs: {}\nmethods: {}\n\
             methods_long: {}\nensemble_of_models: true\nensemble_of_hub_models: false\n",
            quoted(team),
            quoted(team),
            quoted(&card.id),
            quoted(model),
            quoted(&card.version),
            people.concat(),
            quoted(&self.licence),
            quoted(&card.data),
            quoted(short(&card.method)),
            quoted(&methods_long),
        )
    }
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
fn abbreviations(model: &str) -> Result<(&str, &str), HubError> {
    let fits = |part: &str| {
        (1..=LONGEST_ABBREVIATION).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match model.split_once('-') {
        Some((team, name)) if fits(team) && fits(name) => Ok((team, name)),
        _ => Err(HubError::Argument(format!(
            "the hub wants a model named TEAM-MODEL, each of at most {LONGEST_ABBREVIATION} letters, digits and `_`, \
             not `{model}`"
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
    fn a_contributor_is_a_name_a_place_and_an_address() {
        let who: Contributor = "A. Modeller; Institute of Waves; a@waves.example".parse().unwrap();
        assert_eq!((who.name.as_str(), who.email.as_str()), ("A. Modeller", "a@waves.example"));
        for wrong in ["A. Modeller", "A; B; c", "A; ; a@b.example", "A; B; a b@c.example"] {
            assert!(
                wrong.parse::<Contributor>().unwrap_err().contains("NAME; AFFILIATION; E-MAIL"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_description_is_cut_between_clauses() {
        assert_eq!(short("brief"), "brief");
        let long = format!("first clause; {}", "é".repeat(300));
        assert_eq!(short(&long), "first clause");
        assert_eq!(short(&"é".repeat(300)).chars().count(), 200);
    }
}
