//! What a hub takes from a team: a folder with `model-output/` and `model-metadata/`, in the hub's [`Form`].

mod metadata;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::NaiveDate;
use epimodels::Quantiles;
use epimodels::trend::Trend;

use crate::model_output::{self, Task};
use crate::{Form, HubError};

/// Who hands in what, and under which terms.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Folder that gets `model-output/` and `model-metadata/`.
    pub out: PathBuf,
    /// The card of the model (TOML: id, version, data, method, limits); `None`: that of the target's model, where the
    /// project has it.
    pub card: Option<PathBuf>,
    /// Who answers for it: the hub wants at least one person or group with an address.
    pub contributors: Vec<Contributor>,
    /// Where the team or the model is described, for hubs that ask for it.
    pub website: Option<String>,
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

impl Submission {
    /// Writes `model-output/<MODEL>/<date>-<MODEL>.csv`, if the hub would take it. The hub wants all targets of a date in one
    /// file: what an earlier call wrote of other targets stays.
    ///
    /// # Errors
    /// What the hub would refuse; a file that is there and is none of this form; one that cannot be written.
    pub fn write_forecasts(
        &self,
        model: &str,
        form: &Form,
        date: NaiveDate,
        forecasts: &[(Task, Quantiles)],
        trends: &[(Task, Trend)],
    ) -> Result<(), HubError> {
        let path = self.out.join("model-output").join(model).join(format!("{date}-{model}.csv"));
        let mut text = model_output::text(form.date_column, forecasts, trends);
        if path.is_file() {
            let before = fs::read_to_string(&path).map_err(HubError::file(&path))?;
            if !before.starts_with(&form.header()) {
                let what =
                    format!("is no file for {}: move it away, or name another folder", form.repository);
                return Err(HubError::content(&path, what));
            }
            let now = forecasts.iter().map(|(task, _)| task).chain(trends.iter().map(|(task, _)| task));
            let now: BTreeSet<&str> = now.map(|task| task.target.as_str()).collect();
            let stays = |line: &&str| line.split(',').nth(1).is_some_and(|target| !now.contains(target));
            before.lines().skip(1).filter(stays).for_each(|line| text += &format!("{line}\n"));
        }
        form.check(date, &text).map_err(|what| {
            HubError::content(&path, format!("is not written, {} would refuse it: {what}", form.repository))
        })?;
        model_output::write_text(&path, &text)
    }
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
}
