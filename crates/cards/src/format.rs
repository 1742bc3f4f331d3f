//! The files of the folder `model-cards`, and what must stand in them. The build script reads them by the same code,
//! so a program with an incomplete card cannot be built.

use crate::table::{self, Row};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Languages that every text must have.
pub const LANGUAGES: [&str; 4] = ["en", "fr", "de", "it"];
/// What a card says of its own model, in this order.
pub const OWN: [&str; 8] =
    ["intended_use", "not_for", "data", "method", "explanation", "table", "limits", "failure_modes"];
/// What holds for all models of the platform, in this order.
pub const COMMON: [&str; 17] = [
    "standing",
    "notice",
    "provider",
    "users",
    "interpretation",
    "oversight",
    "groups",
    "data_quality",
    "risk",
    "lifecycle",
    "changes",
    "security",
    "resources",
    "maintenance",
    "logs",
    "privacy",
    "engagement",
];
/// What is not written by hand: from the tables of scores, the database and the profile.
pub const GENERATED: [&str; 6] = ["scores", "record", "vintages", "sources", "commit", "signature"];

/// A text of one paragraph, or a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// One paragraph.
    One(String),
    /// Several points.
    Many(Vec<String>),
}

impl Text {
    /// Its paragraphs or points.
    pub fn parts(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Many(all) => all.clone(),
        }
    }

    /// Has it no part, or one without words?
    pub fn is_empty(&self) -> bool {
        let parts = self.parts();
        parts.is_empty() || parts.iter().any(|p| p.trim().len() < 2)
    }
}

/// Which question a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// The weeks ahead, of signals whose plan in a country's profile names the model.
    Forecast,
    /// The reproduction number, of every signal with a plan.
    Transmission,
    /// Deaths ahead, of counts of deaths that follow another signal.
    Mortality,
}

/// A figure that was measured outside the table by season and place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// On what: target, period, number of forecasts, truth.
    pub on: String,
    /// What was measured.
    pub measure: String,
    /// The figures.
    pub value: String,
    /// The day of the measurement; in the English file only.
    pub date: Option<String>,
    /// How to measure it again; in the English file only.
    pub how: Option<String>,
}

/// The texts of a card in one language.
#[derive(Debug, Clone, Deserialize)]
pub struct Texts {
    /// The name of the model for people.
    pub title: String,
    /// What was measured outside the table.
    #[serde(default)]
    pub measured: Vec<Measured>,
    /// The fields of [`OWN`].
    #[serde(flatten)]
    pub fields: BTreeMap<String, Text>,
}

/// The facts of a card, which have no language.
#[derive(Debug, Clone, Deserialize)]
struct Facts {
    id: String,
    version: String,
    answers: Answers,
    #[serde(default)]
    plans: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
}

/// A model card.
#[derive(Debug, Clone)]
pub struct Card {
    /// As in runs.
    pub id: String,
    /// As in runs: raised whenever the same rows would give other numbers.
    pub version: String,
    /// Which question it answers.
    pub answers: Answers,
    /// The names of the model in a country's profile.
    pub plans: Vec<String>,
    /// Ids of the sources that a pool of several countries or times learns from; the other models learn from the signal
    /// itself.
    pub sources: Vec<String>,
    /// By language.
    pub texts: BTreeMap<String, Texts>,
    /// Scores by season and place.
    pub table: Vec<Row>,
}

/// What holds for all models, in one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Headings of [`OWN`], [`COMMON`] and [`GENERATED`].
    pub headings: BTreeMap<String, String>,
    /// The fields of [`COMMON`].
    pub fields: BTreeMap<String, Text>,
}

/// How far a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// What it asks for is there.
    Met,
    /// A part of it is there.
    Partly,
    /// It is not there.
    NotMet,
    /// It does not apply.
    NotApplicable,
}

impl Status {
    /// Its word in files and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Partly => "partly",
            Self::NotMet => "not_met",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// One line of a requirement of WHO or of the AI Act, and where its answer stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Unique.
    pub id: String,
    /// The area or article.
    pub group: String,
    /// Its place in the text: `13(3)(b)(ii)`.
    pub reference: String,
    /// How far it is met.
    pub status: Status,
    /// Fields of the card that answer it.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Pages that answer it, as paths without a language.
    #[serde(default)]
    pub pages: Vec<String>,
    /// Tests that prove the answer: `file::name`.
    #[serde(default)]
    pub tests: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirements {
    requirement: Vec<Requirement>,
}

/// The words of the requirements in one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Names of the groups.
    pub groups: BTreeMap<String, String>,
    /// Words for each [`Status`].
    pub statuses: BTreeMap<String, String>,
    /// By id of the requirement.
    pub rows: BTreeMap<String, Asked>,
}

/// What a line asks for, in our words, and what we answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What is asked for.
    pub asks: String,
    /// The answer.
    pub says: String,
}

/// Everything in the folder.
#[derive(Debug, Clone)]
pub struct Library {
    /// By id.
    pub cards: Vec<Card>,
    /// By language.
    pub common: BTreeMap<String, Common>,
    /// In order.
    pub requirements: Vec<Requirement>,
    /// By language.
    pub words: BTreeMap<String, Words>,
}

/// The card that a file is part of, by the file's name; `None` for one that holds for all cards.
#[must_use]
pub fn owner(file: &str) -> Option<&str> {
    let stem = file.trim_start_matches("scores/").split('.').next()?;
    (!["common", "requirements"].contains(&stem)).then_some(stem)
}

/// Reads and checks the files of the folder, by name.
///
/// # Errors
/// Every fault, with file and field.
pub fn library(files: &BTreeMap<String, String>) -> Result<Library, Vec<String>> {
    let mut faults = Vec::new();
    let common = by_language(files, "common", &mut faults);
    let words = by_language(files, "requirements", &mut faults);
    let requirements: Option<Requirements> = parse(files, "requirements.toml", &mut faults);
    let requirements = requirements.map(|r| r.requirement).unwrap_or_default();
    let mut cards = Vec::new();
    for name in files.keys().filter(|name| name.ends_with(".toml") && name.matches('.').count() == 1) {
        if name != "requirements.toml" {
            cards.extend(card(files, name, &mut faults));
        }
    }
    let library = Library { cards, common, requirements, words };
    if faults.is_empty() {
        library.check(files, &mut faults);
    }
    if faults.is_empty() { Ok(library) } else { Err(faults) }
}

fn parse<T: DeserializeOwned>(
    files: &BTreeMap<String, String>,
    name: &str,
    faults: &mut Vec<String>,
) -> Option<T> {
    let Some(text) = files.get(name) else {
        faults.push(format!("{name} is not there"));
        return None;
    };
    toml::from_str(text).map_err(|e| faults.push(format!("{name}: {}", e.to_string().trim()))).ok()
}

fn by_language<T: DeserializeOwned>(
    files: &BTreeMap<String, String>,
    stem: &str,
    faults: &mut Vec<String>,
) -> BTreeMap<String, T> {
    let read =
        |code: &&str| Some(((*code).to_owned(), parse(files, &format!("{stem}.{code}.toml"), faults)?));
    LANGUAGES.iter().filter_map(read).collect()
}

/// The card of the English file `name`, with its other languages and its table.
fn card(files: &BTreeMap<String, String>, name: &str, faults: &mut Vec<String>) -> Option<Card> {
    let stem = name.trim_end_matches(".toml");
    let facts: Facts = parse(files, name, faults)?;
    let mut texts = BTreeMap::new();
    for code in LANGUAGES {
        let file = if code == "en" { name.to_owned() } else { format!("{stem}.{code}.toml") };
        let mut found: Texts = parse(files, &file, faults)?;
        if code == "en" {
            found.fields.retain(|field, _| {
                !["id", "version", "answers", "plans", "sources"].contains(&field.as_str())
            });
        }
        texts.insert(code.to_owned(), found);
    }
    let scores = format!("scores/{stem}.csv");
    let table = files.get(&scores).map_or(Ok(Vec::new()), |text| table::read(text));
    let table = table.map_err(|e| faults.push(format!("{scores}: {e}"))).ok()?;
    if facts.id != stem {
        faults.push(format!("{name}: id is `{}`, the file's name is another", facts.id));
    }
    let Facts { id, version, answers, plans, sources } = facts;
    Some(Card { id, version, answers, plans, sources, texts, table })
}
