use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;

use crate::model_output::{self, ModelOutput, Task};
use crate::spread::{Ground, Spread};
use crate::{HubError, Unused, profile_of, spread_table};

/// Which forecasts to score as forecasts of spread.
#[derive(Debug, Clone)]
pub struct ScoreSpread {
    /// The hub directory with what was known and the truth.
    pub hub: PathBuf,
    /// As for [`Score`](crate::Score).
    pub model_output: Vec<PathBuf>,
    /// Day as of which the truth is taken; `None`: the last.
    pub truth_as_of: Option<NaiveDate>,
    /// First and last horizon that count.
    pub horizons: (i32, i32),
    /// Table to write, one row per task and model.
    pub out: PathBuf,
}

/// Every forecast of spread that is scored.
#[derive(Debug, Clone, Default)]
pub struct ScoredSpread {
    /// In the order of the targets, then of the models' files.
    pub rows: Vec<Spread>,
    /// Rows of the forecasts and of the target data that were not used, and of each model the forecasts that are left out
    /// because the classes that it gives itself are none.
    pub unused: Unused,
    /// What is to be said of the places, where the hub does not list them or lacks a population.
    pub note: Option<String>,
}

/// Scores the probabilities of the classes of change, of a rise and of an arrival that follow from forecasts, against
/// how often each came at this time of earlier seasons; writes one row per task and model.
///
/// # Errors
/// Files that do not fit, no forecast of a target with classes: in a sentence.
pub fn score_spread(args: &ScoreSpread) -> Result<ScoredSpread, HubError> {
    let mut found = ScoredSpread::default();
    let mut models: Vec<(String, ModelOutput, BTreeMap<Task, String>)> = Vec::new();
    for outputs in model_output::read_all(&args.model_output, &mut found.unused)? {
        for (model, mut tasks) in outputs {
            tasks.retain(|task, _| (args.horizons.0..=args.horizons.1).contains(&task.horizon));
            let broken =
                tasks.iter().filter_map(|(task, a)| Some((task.clone(), a.classes_fault()?))).collect();
            models.push((model, ModelOutput::of(tasks), broken));
        }
    }
    let mut dates: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for task in models.iter().flat_map(|(_, output, _)| output.quantiles.keys()) {
        dates.entry(&task.target).or_default().insert(task.reference_date);
    }
    for (target, dates) in dates.iter().filter(|(target, _)| profile_of(target).is_ok()) {
        if let Some(ground) = Ground::open(&args.hub, target, args.truth_as_of, dates)? {
            for (model, output, broken) in &models {
                found.rows.extend(ground.score(model, output, broken));
                let left = || broken.iter().filter(|(task, _)| task.target == ground.rate_change);
                if let Some((_, first)) = left().next() {
                    let n = left().count();
                    let why = "the five classes that it gives itself are no forecast; the first";
                    found
                        .unused
                        .add_rows(0, format!("{n} of the forecasts of spread of {model}: {why}: {first}"));
                }
            }
            found.note = ground.note;
            found.unused.merge(ground.unused);
        }
    }
    if found.rows.is_empty() {
        let what =
            "no forecast is of a target and a season with classes of change, or its truth is not known";
        return Err(HubError::Argument(format!("{what}\n{}", found.unused.text()).trim_end().to_owned()));
    }
    spread_table::write(&args.out, &found.rows)?;
    Ok(found)
}
