use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;

use crate::model_output::{self, ModelOutput};
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
    /// What is to be said of the places, where the hub does not list them or lacks a population.
    pub note: Option<String>,
}

/// Scores the probabilities of the classes of change, of a rise and of an arrival that follow from forecasts, against
/// how often each came at this time of earlier seasons; writes one row per task and model.
///
/// # Errors
/// Files that do not fit, no forecast of a target with classes: in a sentence.
pub fn score_spread(args: &ScoreSpread) -> Result<ScoredSpread, HubError> {
    let mut models: Vec<(String, ModelOutput)> = Vec::new();
    for outputs in model_output::read_all(&args.model_output, &mut Unused::default())? {
        for (model, mut tasks) in outputs {
            tasks.retain(|task, _| (args.horizons.0..=args.horizons.1).contains(&task.horizon));
            models.push((model, ModelOutput::of(tasks)));
        }
    }
    let mut dates: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for task in models.iter().flat_map(|(_, output)| output.quantiles.keys()) {
        dates.entry(&task.target).or_default().insert(task.reference_date);
    }
    let mut found = ScoredSpread::default();
    for (target, dates) in dates.iter().filter(|(target, _)| profile_of(target).is_ok()) {
        if let Some(ground) = Ground::open(&args.hub, target, args.truth_as_of, dates)? {
            found.rows.extend(models.iter().flat_map(|(model, output)| ground.score(model, output)));
            found.note = ground.note;
        }
    }
    if found.rows.is_empty() {
        let what =
            "no forecast is of a target and a season with classes of change, or its truth is not known";
        return Err(HubError::Argument(what.to_owned()));
    }
    spread_table::write(&args.out, &found.rows)?;
    Ok(found)
}
