use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::NaiveDate;
use epimodels::scores;

use crate::model_output::{self, Answer, ModelOutput, Task};
use crate::series::{Archive, SeriesKey};
use crate::spread::{self, Spread};
use crate::{HubError, Summary, profile_of, spread_table, summarise};

/// What to score.
#[derive(Debug, Clone)]
pub struct Score {
    /// The hub directory with the truth.
    pub hub: PathBuf,
    /// A folder of models, of one model, or one table with a column `model`. Several may be given.
    pub model_output: Vec<PathBuf>,
    /// The model that the others are compared with.
    pub baseline: Option<String>,
    /// Day as of which the truth is taken; `None`: the last.
    pub truth_as_of: Option<NaiveDate>,
    /// First and last horizon that count.
    pub horizons: (i32, i32),
    /// Table to write, one row per task and model.
    pub out: PathBuf,
}

/// Which forecasts to score as forecasts of spread.
#[derive(Debug, Clone)]
pub struct ScoreSpread {
    /// The hub directory with what was known and the truth.
    pub hub: PathBuf,
    /// As for [`Score`].
    pub model_output: Vec<PathBuf>,
    /// Day as of which the truth is taken; `None`: the last.
    pub truth_as_of: Option<NaiveDate>,
    /// First and last horizon that count.
    pub horizons: (i32, i32),
    /// Table to write, one row per task and model.
    pub out: PathBuf,
}

/// Scores the probabilities of the classes of change, of a rise and of an arrival that follow from forecasts, against
/// how often each came at this time of earlier seasons; writes one row per task and model.
///
/// # Errors
/// Files that do not fit, no forecast of a target with classes: in a sentence.
pub fn score_spread(args: &ScoreSpread) -> Result<Vec<Spread>, HubError> {
    let mut models: Vec<(String, ModelOutput)> = Vec::new();
    for path in &args.model_output {
        for (model, mut tasks) in model_output::read(path)? {
            tasks.retain(|task, _| (args.horizons.0..=args.horizons.1).contains(&task.horizon));
            models.push((model, ModelOutput::of(tasks)));
        }
    }
    let mut dates: BTreeMap<&str, BTreeSet<NaiveDate>> = BTreeMap::new();
    for task in models.iter().flat_map(|(_, output)| output.quantiles.keys()) {
        dates.entry(&task.target).or_default().insert(task.reference_date);
    }
    let mut all = Vec::new();
    for (target, dates) in dates.iter().filter(|(target, _)| profile_of(target).is_ok()) {
        if let Some(ground) = spread::Ground::open(&args.hub, target, args.truth_as_of, dates)? {
            all.extend(models.iter().flat_map(|(model, output)| ground.score(model, output)));
        }
    }
    if all.is_empty() {
        let what =
            "no forecast is of a target and a season with classes of change, or its truth is not known";
        return Err(HubError::Argument(what.to_owned()));
    }
    spread_table::write(&args.out, &all)?;
    Ok(all)
}

/// The scores of one model on one task.
#[derive(Debug, Clone)]
pub struct Scored {
    /// Name of the model.
    pub model: String,
    /// The task.
    pub task: Task,
    /// The truth.
    pub truth: f64,
    /// Scores of the quantiles.
    pub score: scores::Score,
    /// Score of the samples, where there are some.
    pub crps: Option<f64>,
}

/// Scores every forecast whose truth is known, writes one row per task and model, and returns the summary of each
/// model. A task without all 23 quantiles does not count.
///
/// # Errors
/// Files that do not fit, no common task, a baseline that is not there: in a sentence.
pub fn score(args: &Score) -> Result<Vec<Summary>, HubError> {
    Ok(summarise(&score_tasks(args)?.scored, args.baseline.as_deref()))
}

/// Every scored task, and the day of the truth that it was scored against.
#[derive(Debug, Clone)]
pub struct ScoredTasks {
    /// In the order of the models' files.
    pub scored: Vec<Scored>,
    /// The last snapshot that counted.
    pub truth_as_of: NaiveDate,
}

/// As [`score`], and returns every scored task.
///
/// # Errors
/// As [`score`].
pub fn score_tasks(args: &Score) -> Result<ScoredTasks, HubError> {
    let archive = Archive::read(&args.hub, &[], args.truth_as_of)?;
    let last = archive.days().next_back().into_iter().collect::<Vec<_>>();
    let truth = archive.known(&last).pop().unwrap_or_default();
    let mut scored = Vec::new();
    for path in &args.model_output {
        for (model, tasks) in model_output::read(path)? {
            let counts = |task: &Task| (args.horizons.0..=args.horizons.1).contains(&task.horizon);
            for (task, answer) in tasks.into_iter().filter(|(task, _)| counts(task)) {
                let key = SeriesKey { target: task.target.clone(), location: task.location.clone() };
                let value = truth.get(&key).and_then(|weeks| weeks.get(&task.target_end_date));
                if let Some(one) = value.and_then(|truth| one(&model, task, &answer, *truth)) {
                    scored.push(one);
                }
            }
        }
    }
    if scored.is_empty() {
        let what = "no forecast has all 23 quantiles and a known truth of the same target, location and week";
        return Err(HubError::Argument(what.to_owned()));
    }
    if let Some(name) = args.baseline.as_ref().filter(|name| !scored.iter().any(|s| s.model == **name)) {
        let mut models: Vec<&str> = scored.iter().map(|s| s.model.as_str()).collect();
        models.sort_unstable();
        models.dedup();
        let models = models.join(", ");
        return Err(HubError::Argument(format!("the baseline `{name}` is not among the models: {models}")));
    }
    write(args, &scored)?;
    let truth_as_of = last.first().copied().unwrap_or_default();
    Ok(ScoredTasks { scored, truth_as_of })
}

fn one(model: &str, task: Task, answer: &Answer, truth: f64) -> Option<Scored> {
    let quantiles = answer.complete()?;
    let (score, crps) = (scores::score(&quantiles, truth), scores::crps(&answer.samples, truth));
    Some(Scored { model: model.to_owned(), task, truth, score, crps })
}

fn write(args: &Score, scored: &[Scored]) -> Result<(), HubError> {
    let broken = |e: csv::Error| HubError::content(&args.out, format!("cannot be written: {e}"));
    let mut table = csv::Writer::from_path(&args.out).map_err(broken)?;
    let header = [
        "model",
        "reference_date",
        "target",
        "horizon",
        "target_end_date",
        "location",
        "observation",
        "wis",
        "dispersion",
        "overprediction",
        "underprediction",
        "wis_log1p",
        "crps",
        "ae_median",
        "coverage_50",
        "coverage_80",
        "coverage_95",
    ];
    table.write_record(header).map_err(broken)?;
    for Scored { model, task, truth, score, crps } in scored {
        let flag = |covered: bool| u8::from(covered).to_string();
        let numbers = [
            *truth,
            score.wis,
            score.dispersion,
            score.overprediction,
            score.underprediction,
            score.wis_log1p,
        ];
        let mut record = vec![model.clone(), task.reference_date.to_string(), task.target.clone()];
        record.extend([task.horizon.to_string(), task.target_end_date.to_string(), task.location.clone()]);
        record.extend(numbers.map(|n| n.to_string()));
        record.extend([crps.map(|c| c.to_string()).unwrap_or_default(), score.ae_median.to_string()]);
        record.extend([flag(score.covered_50), flag(score.covered_80), flag(score.covered_95)]);
        table.write_record(&record).map_err(broken)?;
    }
    table.flush().map_err(HubError::file(&args.out))
}

/// Scored tasks by model.
pub(crate) fn by_model(scored: &[Scored]) -> BTreeMap<&str, BTreeMap<&Task, &Scored>> {
    let mut models: BTreeMap<&str, BTreeMap<&Task, &Scored>> = BTreeMap::new();
    for one in scored {
        models.entry(&one.model).or_default().insert(&one.task, one);
    }
    models
}
