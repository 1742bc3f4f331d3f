use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use epimodels::LEVELS;
use epimodels::trend::CLASSES;

use super::{Answer, Outputs, Task};
use crate::table::{self, Row};
use crate::{HubError, Unused};

/// The place of the answer, by model and task.
type Asked = BTreeMap<String, BTreeMap<Task, usize>>;

/// Adds the forecasts of a table, of this model or of those that it names. A row that is no part of a forecast spoils the
/// one that it belongs to, and no other; one that belongs to none is noted.
pub(super) fn read_table(
    path: &Path,
    model: Option<&str>,
    outputs: &mut Outputs,
    unused: &mut Unused,
) -> Result<(), HubError> {
    let columns = [
        if model.is_some() { "model|model_id?" } else { "model|model_id" },
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
            Kind::Class => row.number(8),
            Kind::Quantile | Kind::Sample => row.amount(8),
        };
        if matches!(value, Ok(None)) {
            return Ok(());
        }
        if known.is_none() {
            let found = match Named::of(row, model) {
                Ok(found) => found,
                Err(error) => return unused.take(row, error),
            };
            if current.2 == usize::MAX || !found.is(&current.0, &current.1) {
                let date = found.date;
                let (name, task) = found.owned();
                let of_model = asked.entry(name.clone()).or_default();
                let place = *of_model.entry(task.clone()).or_insert(answers.len());
                if place == answers.len() {
                    answers.push(Answer::new(&file, row.number));
                    if let Some(dated) = dated.filter(|dated| *dated != date) {
                        answers[place].spoil(&row.refuse(&format!(
                            "the forecast is of {date} and the name of the file says {dated}; correct one of them"
                        )));
                    }
                }
                current = (name, task, place);
            }
            known = Some(kind);
        }
        let answer = &mut answers[current.2];
        let taken = value.and_then(|value| match Part::of(kind, row, level_before)? {
            Ok(part) => {
                if let Part::Level(place) = part {
                    level_before = place;
                }
                part.put(answer, value.unwrap_or(f64::NAN)).map_err(|what| row.refuse(&what))
            }
            Err(other) => {
                unused.add(row, other);
                Ok(())
            }
        });
        taken.unwrap_or_else(|error| answer.spoil(&error));
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
                    taken.get_mut().add(answer, &model, &task);
                }
            }
        }
    }
    Ok(())
}

/// The model and the task of a row.
struct Named<'a> {
    model: Cow<'a, str>,
    date: NaiveDate,
    target: Cow<'a, str>,
    horizon: i32,
    week: NaiveDate,
    location: Cow<'a, str>,
}

impl<'a> Named<'a> {
    fn of(row: &Row<'a>, model: Option<&'a str>) -> Result<Self, HubError> {
        Ok(Self {
            model: model.map_or_else(|| row.text(0), |model| Ok(Cow::Borrowed(model)))?,
            date: row.day(1)?,
            target: row.text(2)?,
            horizon: row.number(3)?.map_or(0, |h| h as i32),
            week: row.day(WEEK)?,
            location: row.place(5)?,
        })
    }

    /// Compared before anything is copied: the rows of one task mostly stand together.
    fn is(&self, model: &str, task: &Task) -> bool {
        task.reference_date == self.date
            && task.target_end_date == self.week
            && task.horizon == self.horizon
            && task.location == self.location
            && task.target == self.target
            && model == self.model
    }

    fn owned(self) -> (String, Task) {
        let Self { model, date, target, horizon, week, location } = self;
        let (target, location) = (target.into_owned(), location.into_owned());
        let task = Task { reference_date: date, target, horizon, target_end_date: week, location };
        (model.into_owned(), task)
    }
}

/// What a row says of its task.
enum Part<'a> {
    /// Place among [`LEVELS`].
    Level(usize),
    /// Place among [`CLASSES`].
    Class(usize),
    /// Its name.
    Sample(Cow<'a, str>),
}

impl<'a> Part<'a> {
    /// Inside: what nobody asks for here, which takes nothing from the forecast (another level, classes of another kind).
    fn of(kind: Kind, row: &Row<'a>, before: usize) -> Result<Result<Self, String>, HubError> {
        Ok(match kind {
            Kind::Sample if !row.has(7) => {
                return Err(row.refuse("a sample has no `output_type_id`, which tells it from the others"));
            }
            Kind::Sample => Ok(Self::Sample(row.text(7)?)),
            Kind::Class => {
                let class = row.text(7)?;
                CLASSES.iter().position(|c| *c == class).map(Self::Class).ok_or_else(|| {
                    format!("the class `{class}` is none of {}, and has no score", CLASSES.join(", "))
                })
            }
            Kind::Quantile => {
                let Some(level) = row.number(7)? else { return Err(row.refuse("a quantile has no level")) };
                place_of(level, before).map(Self::Level).ok_or_else(|| {
                    format!(
                        "the level {level} is none of the 23 that hubs ask for (0.01, 0.025, 0.05, 0.1, 0.15 … 0.95, 0.975, 0.99), and has no score"
                    )
                })
            }
        })
    }

    fn put(&self, answer: &mut Answer, value: f64) -> Result<(), String> {
        match self {
            Self::Level(place) => answer.quantile(*place, value),
            Self::Sample(name) => answer.sample(name, value),
            Self::Class(_) if !(0.0..=1.0).contains(&value) => {
                Err(format!("a class has the probability {value}, one from 0 to 1 is needed"))
            }
            Self::Class(place) => answer.class(*place, value),
        }
    }
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

/// How a row says it.
#[derive(Clone, Copy)]
enum Kind {
    Quantile,
    Class,
    Sample,
}

impl Kind {
    /// Nothing for what is not read here; also a target without a week (the week of the peak, its height).
    fn of(row: &Row<'_>) -> Result<Option<Self>, HubError> {
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
            read_table(path, None, &mut outputs, &mut Unused::default()).unwrap();
            outputs
        };
        let (csv, parquet) = (read(&csv), read(&parquet));
        assert_eq!(csv.values().map(BTreeMap::len).sum::<usize>(), 9000_usize.div_ceil(23));
        // NaN, where nothing was said, is not equal to itself.
        assert!(format!("{csv:?}") == format!("{parquet:?}").replace(".parquet", ".csv"));
    }
}
