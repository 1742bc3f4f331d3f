//! Model cards: what a model is for, what it is not for, and what was measured.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a model is, in words and measured numbers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Card {
    /// As in runs.
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) title: String,
    pub(crate) intended_use: String,
    pub(crate) not_for: String,
    /// What it learns from.
    pub(crate) data: String,
    pub(crate) method: String,
    pub(crate) limits: String,
    /// What was measured, on what, when.
    pub(crate) scores: Vec<Measured>,
}

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// On what: target, period, number of forecasts, truth.
    pub(crate) on: String,
    /// What was measured.
    pub(crate) measure: String,
    pub(crate) value: String,
    /// The day of the measurement.
    pub(crate) date: String,
    /// How to measure it again.
    pub(crate) how: String,
}

const FILES: [&str; 7] = [
    include_str!("../model-cards/vigie-pool-us.toml"),
    include_str!("../model-cards/vigie-pool-us-covid.toml"),
    include_str!("../model-cards/vigie-pool-us-rsv.toml"),
    include_str!("../model-cards/vigie-pool-us-flu-visits.toml"),
    include_str!("../model-cards/vigie-pool-europe.toml"),
    include_str!("../model-cards/vigie-rt.toml"),
    include_str!("../model-cards/vigie-deaths.toml"),
];

/// All cards.
///
/// # Errors
/// When a card cannot be read; a test reads them all.
pub(crate) fn all() -> anyhow::Result<Vec<Card>> {
    FILES.into_iter().map(|text| Ok(toml::from_str(text)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_card_has_an_empty_field() {
        for card in all().unwrap() {
            assert!(!card.scores.is_empty(), "{}", card.id);
            let json = serde_json::to_value(&card).unwrap();
            for (field, value) in json.as_object().unwrap() {
                assert!(
                    value.as_str().is_none_or(|v| v.trim().len() > 1 || field == "version"),
                    "{}.{field}",
                    card.id
                );
                assert!(value.as_str() != Some(""), "{}.{field}", card.id);
            }
            for measured in json["scores"].as_array().unwrap() {
                for (field, value) in measured.as_object().unwrap() {
                    assert!(!value.as_str().unwrap().trim().is_empty(), "{}.scores.{field}", card.id);
                }
                measured["date"].as_str().unwrap().parse::<chrono::NaiveDate>().unwrap();
            }
        }
    }

    #[test]
    fn a_card_has_no_field_that_is_not_shown() {
        for text in FILES {
            let (written, shown): (toml::Table, Card) =
                (toml::from_str(text).unwrap(), toml::from_str(text).unwrap());
            let shown = serde_json::to_value(shown).unwrap();
            for field in written.keys() {
                assert!(shown.get(field).is_some(), "{field}");
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_a_card_that_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/model-cards");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().to_string_lossy().replace(".toml", ""))
            .collect();
        let mut ids: Vec<String> = all().unwrap().into_iter().map(|c| c.id).collect();
        files.sort();
        ids.sort();
        assert_eq!(files, ids);
    }
}
