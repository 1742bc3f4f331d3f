use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use epimodels::LEVELS;
use epimodels::trend::CLASSES;

use super::{Answer, Outputs, Task};
use crate::{HubError, table};

/// The place of the answer, by model and task.
type Asked = BTreeMap<String, BTreeMap<Task, usize>>;

/// Adds the forecasts of a table, of this model or of those that it names.
pub(super) fn read_table(path: &Path, model: Option<&str>, outputs: &mut Outputs) -> Result<(), HubError> {
    let columns = [
        if model.is_some() { "model?" } else { "model" },
        "reference_date|origin_date",
        "target",
        "horizon",
        "target_end_date",
        "location",
        "output_type?",
        "output_type_id|quantile",
        "value",
    ];
    let mut asked = Asked::default();
    let (file, dated) = (Arc::<Path>::from(path), model.and(date_of_name(path)));
    let mut answers: Vec<Answer> = Vec::new();
    // Rows of one task mostly stand together: what the row before says.
    let mut current = (String::new(), Task::default(), usize::MAX);
    let mut known: Option<Kind> = None;
    let mut level_before = 0;
    table::for_each(path, &columns, |row| {
        let kind = match known {
            Some(kind) if row.repeats(0..KIND + 1) => kind,
            _ => {
                known = None;
                let Some(kind) = Kind::of(row)? else { return Ok(()) };
                kind
            }
        };
        let value = match kind {
            Kind::Class => row.number(8)?,
            Kind::Quantile | Kind::Sample => row.amount(8)?,
        };
        let Some(value) = value else { return Ok(()) };
        if known.is_none() {
            let (reference_date, target) = (row.day(1)?, row.text(2)?);
            let horizon = row.number(3)?.map_or(0, |h| h as i32);
            let (target_end_date, location) = (row.day(WEEK)?, row.text(5)?);
            let name = match model {
                Some(model) => Cow::Borrowed(model),
                None => row.text(0)?,
            };
            let same = current.2 != usize::MAX
                && current.1.reference_date == reference_date
                && current.1.target_end_date == target_end_date
                && current.1.horizon == horizon
                && current.1.location == location
                && current.1.target == target
                && current.0 == name;
            if !same {
                if let Some(dated) = dated.filter(|dated| *dated != reference_date) {
                    return Err(row.refuse(&format!(
                        "the forecast is of {reference_date} and the name of the file says {dated}; correct one of them"
                    )));
                }
                let (target, location) = (target.into_owned(), location.into_owned());
                let task = Task { reference_date, target, horizon, target_end_date, location };
                let of_model = asked.entry(name.clone().into_owned()).or_default();
                let place = *of_model.entry(task.clone()).or_insert(answers.len());
                if place == answers.len() {
                    answers.push(Answer::new(&file, row.number));
                }
                current = (name.into_owned(), task, place);
            }
            known = Some(kind);
        }
        let answer = &mut answers[current.2];
        match kind {
            Kind::Sample => {
                if !row.has(7) {
                    return Err(
                        row.refuse("a sample has no `output_type_id`, which tells it from the others")
                    );
                }
                answer.sample(&row.text(7)?, value).map_err(|what| row.refuse(&what))?;
            }
            Kind::Class => {
                let class = row.text(7)?;
                if !(0.0..=1.0).contains(&value) {
                    return Err(row
                        .refuse(&format!("a class has the probability {value}, one from 0 to 1 is needed")));
                }
                let Some(place) = CLASSES.iter().position(|c| *c == class) else {
                    return Err(row.refuse(&format!(
                        "the class `{class}` is none of {}; correct it or leave the row out",
                        CLASSES.join(", ")
                    )));
                };
                answer.class(place, value).map_err(|what| row.refuse(&what))?;
            }
            Kind::Quantile => {
                let Some(level) = row.number(7)? else { return Err(row.refuse("a quantile has no level")) };
                if !(level > 0.0 && level < 1.0) {
                    return Err(row.refuse(&format!(
                        "the level of a quantile is {level}, one between 0 and 1 is needed"
                    )));
                }
                let Some(place) = place_of(level, level_before) else {
                    return Err(row.refuse(&format!(
                        "the level {level} is none of the 23 that hubs ask for (0.01, 0.025, 0.05, 0.1, 0.15 … 0.95, 0.975, 0.99); leave the row out"
                    )));
                };
                answer.quantile(place, value).map_err(|what| row.refuse(&what))?;
                level_before = place;
            }
        }
        Ok(())
    })?;
    for (model, tasks) in asked {
        let of_model = outputs.entry(model.clone()).or_default();
        for (task, place) in tasks {
            let answer = std::mem::take(&mut answers[place]);
            match of_model.entry(task) {
                Entry::Vacant(free) => {
                    free.insert(answer);
                }
                Entry::Occupied(mut taken) => {
                    let task = taken.key().clone();
                    taken.get_mut().add(answer, &model, &task)?;
                }
            }
        }
    }
    Ok(())
}

/// The date that a file's name begins with, as the hubs name files: `2025-01-04-Team-Model.csv`.
fn date_of_name(path: &Path) -> Option<NaiveDate> {
    let name = path.file_name()?.to_str()?;
    name.get(10..)?.starts_with(['-', '.']).then(|| name.get(..10)?.parse().ok())?
}

/// The place of a level among [`LEVELS`]; that after the one before is tried first.
fn place_of(level: f64, before: usize) -> Option<usize> {
    let is = |l: &f64| (l - level).abs() < 1e-6;
    if LEVELS.get(before + 1).is_some_and(is) { Some(before + 1) } else { LEVELS.iter().position(is) }
}

const WEEK: usize = 4;
const KIND: usize = 6;

/// What a row says of its task.
#[derive(Clone, Copy)]
enum Kind {
    Quantile,
    Class,
    Sample,
}

impl Kind {
    /// Nothing for what is not read here; also a target without a week (the week of the peak, its height).
    fn of(row: &table::Row<'_>) -> Result<Option<Self>, HubError> {
        let kind = if row.has(KIND) { row.text(KIND)? } else { Cow::Borrowed("quantile") };
        Ok(match kind.as_ref() {
            _ if !row.has(WEEK) => None,
            "quantile" => Some(Self::Quantile),
            "pmf" => Some(Self::Class),
            "sample" => Some(Self::Sample),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::write_parquet;

    /// Rows of two models, several tasks and all kinds, in runs and one by one; some without value, week or known kind.
    fn lines() -> Vec<String> {
        let mut lines = Vec::new();
        for i in 0..9000_usize {
            // Each 23 lines are of a task of their own, so that nothing is said twice.
            let task = i / 23;
            let (model, place) = (["a", "b"][task / 200 % 2], format!("{:02}", task % 50));
            let (kind, id) = match i / 5 % 7 {
                0 => ("pmf", CLASSES[i % 5].to_owned()),
                1 => ("sample", (i % 5).to_string()),
                2 if i % 3 == 0 => ("median", String::new()),
                _ => ("quantile", LEVELS[i % 23].to_string()),
            };
            let week = if i / 11 % 13 == 0 { "" } else { "2024-01-13" };
            let value = match kind {
                _ if i % 17 == 0 => String::new(),
                "pmf" => "0.2".to_owned(),
                _ => i.to_string(),
            };
            let horizon = task / 50 % 4;
            lines.push(format!("{model},2024-01-06,flu,{horizon},{week},{place},{kind},{id},{value}"));
        }
        lines
    }

    #[test]
    fn parquet_says_the_same_as_csv() {
        let header =
            "model,reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value";
        let lines = lines();
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let (csv, parquet) = (path("rows.csv"), path("rows.parquet"));
        std::fs::write(&csv, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
        write_parquet(&parquet, header, &lines.chunks(5000).collect::<Vec<_>>());
        let read = |path: &Path| {
            let mut outputs = Outputs::new();
            read_table(path, None, &mut outputs).unwrap();
            outputs
        };
        let (csv, parquet) = (read(&csv), read(&parquet));
        assert_eq!(csv.values().map(BTreeMap::len).sum::<usize>(), 9000_usize.div_ceil(23));
        // NaN, where nothing was said, is not equal to itself.
        assert!(format!("{csv:?}") == format!("{parquet:?}").replace(".parquet", ".csv"));
    }
}
