use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;

use chrono::NaiveDate;
use epimodels::{parallel, scores};

use crate::model_output::{self, Answer, Outputs, Task};
use crate::series::{Archive, Wanted};
use crate::{HubError, Summary, Unused, score_table, summarise};

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
/// model. A task without all 23 quantiles does not count: [`score_tasks`] says how many there are.
///
/// # Errors
/// Files that do not fit, no common task, a baseline that is not there: in a sentence.
pub fn score(args: &Score) -> Result<Vec<Summary>, HubError> {
    Ok(summarise(&score_tasks(args)?.scored, args.baseline.as_deref()))
}

/// Forecasts of a model that have no score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Because some of the 23 quantiles are missing.
    pub incomplete: usize,
    /// Because the truth of their target, location and week is not known.
    pub without_truth: usize,
    /// Because their probabilities of the classes of change are not five, or do not sum to 1; the quantiles keep their score.
    pub broken_classes: usize,
    /// Because a row of theirs is none of a forecast: a negative figure, quantiles that cross, a level twice.
    pub faulty: usize,
}

/// Every scored task, and the day of the truth that it was scored against.
#[derive(Debug, Clone)]
pub struct ScoredTasks {
    /// In the order of the models' files.
    pub scored: Vec<Scored>,
    /// What has no score, by model; a model of which all is scored is not here.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Of the models with faulty forecasts the first fault, with file and row.
    pub faults: BTreeMap<String, String>,
    /// Rows of the forecasts that belong to no task or are of none that has a score.
    pub unused: Unused,
    /// Rows of the truth that were not used, of what was read of it.
    pub unused_truth: Unused,
    /// Forecasts that name a horizon for which the same model, date, target and place has another week too, by model. A
    /// recorded hub has such: the week is what is forecast, so each of them is scored.
    pub two_weeks: BTreeMap<String, usize>,
    /// The day of the last snapshot that counted; `None`: the target data does not say when it was published.
    pub truth_as_of: Option<NaiveDate>,
}

/// As [`score`], and returns every scored task.
///
/// # Errors
/// As [`score`].
pub fn score_tasks(args: &Score) -> Result<ScoredTasks, HubError> {
    // The truth is read beside the forecasts, and most of it only if they need it; what is wrong with it is said first.
    let mut unused = Unused::default();
    let (truth, outputs) = thread::scope(|scope| {
        let (tell, told) = sync_channel(1);
        let truth = scope.spawn(move || {
            Archive::read_newest(&args.hub, args.truth_as_of, || told.recv().ok())
                .map(|a| (a.last(), a.days().next_back(), a.unused().clone()))
        });
        let outputs = model_output::read_all(&args.model_output, &mut unused);
        if let Ok(outputs) = &outputs {
            let models = outputs.iter().flat_map(Outputs::values);
            // Who has read all of it does not ask.
            let _ = tell.send(Wanted::of(models.flat_map(BTreeMap::keys)));
        }
        drop(tell);
        (truth.join(), outputs)
    });
    let (truth, truth_as_of, unused_truth) =
        truth.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let truth: HashMap<(&str, &str), &BTreeMap<NaiveDate, f64>> =
        truth.iter().map(|(key, weeks)| ((key.target.as_str(), key.location.as_str()), weeks)).collect();
    let (mut known, mut left_out) = (Vec::new(), BTreeMap::<String, LeftOut>::new());
    let (mut two_weeks, mut faults) = (BTreeMap::new(), BTreeMap::new());
    for output in outputs? {
        for (model, tasks) in output {
            match of_two_weeks(tasks.keys()) {
                0 => {}
                doubled => *two_weeks.entry(model.clone()).or_default() += doubled,
            }
            let counts = |task: &Task| (args.horizons.0..=args.horizons.1).contains(&task.horizon);
            for (task, answer) in tasks.into_iter().filter(|(task, _)| counts(task)) {
                let weeks = truth.get(&(task.target.as_str(), task.location.as_str()));
                let truth = weeks.and_then(|weeks| weeks.get(&task.target_end_date));
                if let Some(fault) = answer.fault() {
                    left_out.entry(model.clone()).or_default().faulty += 1;
                    faults.entry(model.clone()).or_insert_with(|| fault.to_owned());
                }
                if answer.has_broken_classes() {
                    left_out.entry(model.clone()).or_default().broken_classes += 1;
                }
                if answer.is_incomplete() {
                    left_out.entry(model.clone()).or_default().incomplete += 1;
                } else if truth.is_none() && answer.complete().is_some() {
                    left_out.entry(model.clone()).or_default().without_truth += 1;
                }
                if let Some(truth) = truth {
                    known.push((model.clone(), task, answer, *truth));
                }
            }
        }
    }
    let scored: Vec<Scored> = in_parts(&known, |part| part.iter().filter_map(one).collect::<Vec<_>>())
        .into_iter()
        .flatten()
        .collect();
    if scored.is_empty() {
        let mut what =
            "no forecast has all 23 quantiles and a known truth of the same target, location and week"
                .to_owned();
        faults.values().for_each(|fault| what += &format!("\n{fault}"));
        what += &format!("\n{}{}", unused.text(), unused_truth.text());
        return Err(HubError::Argument(what.trim_end().to_owned()));
    }
    if let Some(name) = args.baseline.as_ref().filter(|name| !scored.iter().any(|s| s.model == **name)) {
        let mut models: Vec<&str> = scored.iter().map(|s| s.model.as_str()).collect();
        models.sort_unstable();
        models.dedup();
        let models = models.join(", ");
        return Err(HubError::Argument(format!("the baseline `{name}` is not among the models: {models}")));
    }
    score_table::write(&args.out, &scored)?;
    Ok(ScoredTasks { scored, left_out, faults, unused, unused_truth, two_weeks, truth_as_of })
}

/// How many tasks have a horizon of which there is another week. They come in order of date, target, horizon, week.
fn of_two_weeks<'a>(tasks: impl Iterator<Item = &'a Task>) -> usize {
    let tasks: Vec<&Task> = tasks.collect();
    let of = |t: &Task| (t.reference_date, t.horizon);
    let groups = tasks.chunk_by(|a, b| of(a) == of(b) && a.target == b.target);
    let mixed = groups
        .filter(|group| group.first().map(|t| t.target_end_date) != group.last().map(|t| t.target_end_date));
    let doubled = mixed.map(|group| {
        let mut weeks: BTreeMap<&str, usize> = BTreeMap::new();
        group.iter().for_each(|task| *weeks.entry(&task.location).or_default() += 1);
        weeks.into_values().filter(|n| *n > 1).sum::<usize>()
    });
    doubled.sum()
}

/// `job` of the parts of a list, on all cores, in order.
pub(crate) fn in_parts<T: Sync, A: Send>(list: &[T], job: impl Fn(&[T]) -> A + Sync) -> Vec<A> {
    const PART: usize = 2048;
    let parts: Vec<&[T]> = list.chunks(PART).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    parallel::map(parts.len(), threads, |index| job(parts[index]))
}

fn one((model, task, answer, truth): &(String, Task, Answer, f64)) -> Option<Scored> {
    let quantiles = answer.complete()?;
    let (score, crps) = (scores::score(&quantiles, *truth), scores::crps(&answer.samples, *truth));
    Some(Scored { model: model.clone(), task: task.clone(), truth: *truth, score, crps })
}

/// Scored tasks by model.
pub(crate) fn by_model(scored: &[Scored]) -> BTreeMap<&str, BTreeMap<&Task, &Scored>> {
    let mut models: BTreeMap<&str, Vec<(&Task, &Scored)>> = BTreeMap::new();
    for of_model in scored.chunk_by(|a, b| a.model == b.model) {
        let tasks = of_model.iter().map(|one| (&one.task, one));
        models.entry(&of_model[0].model).or_default().extend(tasks);
    }
    models.into_iter().map(|(model, tasks)| (model, tasks.into_iter().collect())).collect()
}
