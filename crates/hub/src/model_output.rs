mod answer;
#[cfg(test)]
mod refused;
mod rows;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use epimodels::trend::{CLASSES, Trend};
use epimodels::{LEVELS, Quantiles};

pub(crate) use self::answer::Answer;
use self::rows::read_table;
use crate::{HubError, Unused};

/// What is forecast: one value of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// Reference date (RespiCast: origin date).
    pub reference_date: NaiveDate,
    /// Target.
    pub target: String,
    /// Horizon in weeks.
    pub horizon: i32,
    /// End of the week.
    pub target_end_date: NaiveDate,
    /// Location.
    pub location: String,
}

/// Answers by model and task.
pub(crate) type Outputs = BTreeMap<String, BTreeMap<Task, Answer>>;

/// Forecasts of one model, by task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelOutput {
    /// Quantiles of a number.
    pub quantiles: BTreeMap<Task, Quantiles>,
    /// Probabilities of the five classes of change, in order of [`CLASSES`].
    pub classes: BTreeMap<Task, [f64; 5]>,
}

impl ModelOutput {
    /// What is complete of the answers.
    pub(crate) fn of(tasks: BTreeMap<Task, Answer>) -> Self {
        let mut found = Self::default();
        for (task, answer) in tasks {
            if let Some(classes) = answer.classes() {
                found.classes.insert(task.clone(), classes);
            }
            if let Some(quantiles) = answer.complete() {
                found.quantiles.insert(task, quantiles);
            }
        }
        found
    }
}

/// Reads forecasts: a folder of folders (one a model), the folder of one model, or one table with a column `model`.
/// What is not complete, or no forecast, is left out.
///
/// # Errors
/// A folder or file that cannot be read, or without a forecast.
pub fn read_model_output(path: &Path) -> Result<BTreeMap<String, ModelOutput>, HubError> {
    Ok(read(path, &mut Unused::default())?
        .into_iter()
        .map(|(model, tasks)| (model, ModelOutput::of(tasks)))
        .collect())
}

/// Writes forecasts of one reference date in hubverse's form: quantiles, then probabilities of the classes.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write_forecasts(
    path: &Path,
    forecasts: &[(Task, Quantiles)],
    trends: &[(Task, Trend)],
) -> Result<(), HubError> {
    write_text(path, &text("reference_date", forecasts, trends))
}

/// The first line of a file; the column of the date has two names.
pub(crate) fn header(date_column: &str) -> String {
    format!("{date_column},target,horizon,target_end_date,location,output_type,output_type_id,value\n")
}

/// The text of a file in hubverse's form.
pub(crate) fn text(date_column: &str, forecasts: &[(Task, Quantiles)], trends: &[(Task, Trend)]) -> String {
    let mut text = header(date_column);
    let mut rows = |task: &Task, kind: &str, id: &dyn Display, value: f64| {
        let Task { reference_date, target, horizon, target_end_date, location } = task;
        text += &format!(
            "{reference_date},{target},{horizon},{target_end_date},{location},{kind},{id},{value}\n"
        );
    };
    for (task, quantiles) in forecasts {
        for (level, value) in LEVELS.iter().zip(quantiles) {
            rows(task, "quantile", level, (value * 1e4).round() / 1e4);
        }
    }
    for (task, trend) in trends {
        for (class, probability) in CLASSES.iter().zip(trend.probabilities()) {
            rows(task, "pmf", class, probability.clamp(0.0, 1.0));
        }
    }
    text
}

/// Writes a file, and its folder if there is none.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), HubError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(HubError::file(folder))?;
    }
    fs::write(path, text).map_err(HubError::file(path))
}

/// Reads several such folders or tables, in order; what two of them say of one task is refused.
pub(crate) fn read_all(paths: &[PathBuf], unused: &mut Unused) -> Result<Vec<Outputs>, HubError> {
    let mut all: Vec<Outputs> = Vec::new();
    for path in paths {
        let new = read(path, unused)?;
        for (model, tasks) in
            all.iter().flat_map(|before| before.iter().filter(|(m, _)| new.contains_key(*m)))
        {
            let common = tasks.iter().filter_map(|(task, old)| Some((task, old, new.get(model)?.get(task)?)));
            for (task, old, later) in common {
                later.clash(old).map_or(Ok(()), |id| Err(later.said_before(&id, model, task, old)))?;
            }
        }
        all.push(new);
    }
    Ok(all)
}

/// Reads forecasts: a folder of folders (one a model), the folder of one model, or one table with a column `model`.
pub(crate) fn read(path: &Path, unused: &mut Unused) -> Result<Outputs, HubError> {
    let mut outputs = Outputs::new();
    if path.is_file() {
        read_table(path, None, &mut outputs, unused)?;
    } else {
        let below = entries(path)?;
        // A file that is no table of forecasts is not used, and the others are.
        let mut table = |file: &Path, model: &str| {
            read_table(file, Some(model), &mut outputs, unused).or_else(|error| unused.take_file(error))
        };
        let own = name_of(path);
        for file in below.iter().filter(|p| is_table(p)) {
            table(file, &own)?;
        }
        for folder in below.iter().filter(|p| p.is_dir()) {
            for file in entries(folder)?.iter().filter(|p| is_table(p)) {
                table(file, &name_of(folder))?;
            }
        }
    }
    outputs.retain(|_, tasks| !tasks.is_empty());
    if outputs.is_empty() {
        let what = "holds no quantile, pmf or sample forecast (.csv, .csv.gz or .parquet)";
        return Err(HubError::content(path, format!("{what}\n{}", unused.text()).trim_end()));
    }
    Ok(outputs)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, HubError> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(HubError::file(folder))? {
        all.push(entry.map_err(HubError::file(folder))?.path());
    }
    all.sort();
    Ok(all)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_table(path: &Path) -> bool {
    let name = name_of(path);
    path.is_file() && [".csv", ".csv.gz", ".parquet"].iter().any(|end| name.ends_with(end))
}
