use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

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
                let (target, location) = (target.into_owned(), location.into_owned());
                let task = Task { reference_date, target, horizon, target_end_date, location };
                let of_model = asked.entry(name.clone().into_owned()).or_default();
                let place = *of_model.entry(task.clone()).or_insert(answers.len());
                if place == answers.len() {
                    answers.push(Answer::default());
                }
                current = (name.into_owned(), task, place);
            }
            known = Some(kind);
        }
        let answer = &mut answers[current.2];
        match kind {
            Kind::Sample => answer.samples.push(value),
            Kind::Class => {
                let class = row.text(7)?;
                if !(0.0..=1.0).contains(&value) {
                    return Err(row
                        .refuse(&format!("a class has the probability {value}, one from 0 to 1 is needed")));
                }
                if let Some(place) = CLASSES.iter().position(|c| *c == class) {
                    said_once(row, &mut answer.classes[place], value)?;
                }
            }
            Kind::Quantile => {
                let Some(level) = row.number(7)? else { return Err(row.refuse("a quantile has no level")) };
                if !(level > 0.0 && level < 1.0) {
                    return Err(row.refuse(&format!(
                        "the level of a quantile is {level}, one between 0 and 1 is needed"
                    )));
                }
                if let Some(place) = place_of(level, level_before) {
                    said_once(row, &mut answer.quantiles[place], value)?;
                    level_before = place;
                }
            }
        }
        Ok(())
    })?;
    for (model, tasks) in asked {
        let of_model = outputs.entry(model).or_default();
        for (task, place) in tasks {
            of_model.entry(task).or_default().add(std::mem::take(&mut answers[place]));
        }
    }
    Ok(())
}

/// Takes a value that no other row of the file gives.
fn said_once(row: &table::Row<'_>, place: &mut f64, value: f64) -> Result<(), HubError> {
    if !place.is_nan() {
        let what = format!(
            "`{}` of this model, date, target, horizon and location stands in a row before; keep one of them",
            row.text(7)?
        );
        return Err(row.refuse(&what));
    }
    *place = value;
    Ok(())
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
    fn what_no_forecast_can_be_is_refused_with_its_file_and_row() {
        let path = std::env::temp_dir().join(format!("vigie-refused-{}.csv", std::process::id()));
        let said = |rows: &[&str]| {
            let mut text = String::from(
                "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n",
            );
            for row in rows {
                text += &format!("2024-01-06,flu,0,2024-01-06,01,{row}\n");
            }
            std::fs::write(&path, text).unwrap();
            let mut outputs = Outputs::new();
            read_table(&path, Some("m"), &mut outputs).map(|()| outputs).map_err(|e| e.to_string())
        };
        for (row, why) in [
            ("quantile,0.5,inf", "`value` is `inf`, a finite number is needed"),
            ("quantile,0.5,1e999", "a finite number is needed"),
            ("quantile,0.5,-0.1", "`value` is `-0.1`, a count, rate or share from 0 to 1e10"),
            ("quantile,0.5,1e300", "from 0 to 1e10"),
            ("sample,7,-3", "from 0 to 1e10"),
            ("quantile,0,7", "the level of a quantile is 0, one between 0 and 1 is needed"),
            ("quantile,1,7", "the level of a quantile is 1,"),
            ("quantile,-0.5,7", "the level of a quantile is -0.5,"),
            ("quantile,,7", "a quantile has no level"),
            (
                "quantile,0.1,8",
                "`0.1` of this model, date, target, horizon and location stands in a row before",
            ),
            ("quantile,0.100,8", "stands in a row before"),
            ("pmf,stable,1.5", "a class has the probability 1.5, one from 0 to 1 is needed"),
            ("pmf,stable,-0.5", "a class has the probability -0.5"),
            ("pmf,increase,0.5", "`increase` of this model"),
        ] {
            let rows = ["quantile,0.1,7", "pmf,increase,0.5", row];
            let found = said(&rows).unwrap_err();
            assert!(found.contains(&format!("{}: row 3: ", path.display())), "{row}: {found}");
            assert!(found.contains(why), "{row}: {found}");
        }
        let fine = said(&["quantile,0.1,0", "quantile,0.5,1e10", "quantile,0.9,NA", "sample,1,0.5"]).unwrap();
        let answer = fine["m"].values().next().unwrap();
        assert!(answer.is_incomplete() && answer.complete().is_none(), "{answer:?}");
    }

    #[test]
    fn parquet_says_the_same_as_csv() {
        let header =
            "model,reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value";
        let lines = lines();
        let path = |end| std::env::temp_dir().join(format!("vigie-rows-{}{end}", std::process::id()));
        let (csv, parquet) = (path(".csv"), path(".parquet"));
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
        assert_eq!(format!("{csv:?}"), format!("{parquet:?}"));
    }
}
