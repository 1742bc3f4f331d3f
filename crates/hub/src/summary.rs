use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model_output::Task;
use crate::score::by_model;
use crate::{LeftOut, Scored};

/// How one model did over all its tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name of the model.
    pub model: String,
    /// Tasks with a score.
    pub tasks: usize,
    /// Tasks that it has in common with the baseline (all its tasks without one).
    pub common: usize,
    /// Mean weighted interval score over the common tasks.
    pub wis: f64,
    /// The same on the logarithmic scale.
    pub wis_log1p: f64,
    /// Mean score divided by that of the baseline on the common tasks.
    pub relative: Option<f64>,
    /// The same on the logarithmic scale.
    pub relative_log1p: Option<f64>,
    /// Shares of truths inside the 50, 80 and 95 % intervals, over the common tasks.
    pub coverage: [f64; 3],
    /// `relative` by horizon.
    pub by_horizon: BTreeMap<i32, f64>,
}

/// A summary of each model, the best first.
#[must_use]
pub fn summarise(scored: &[Scored], baseline: Option<&str>) -> Vec<Summary> {
    let models = by_model(scored);
    let base = baseline.and_then(|name| models.get(name));
    let mut all: Vec<Summary> = models
        .iter()
        .map(|(model, tasks)| {
            let both: Vec<(&Scored, Option<&Scored>)> = tasks
                .iter()
                .filter(|(task, _)| base.is_none_or(|b| b.contains_key(*task)))
                .map(|(task, one)| (*one, base.and_then(|b| b.get(*task)).copied()))
                .collect();
            of(model, tasks, &both)
        })
        .collect();
    all.sort_by(|a, b| a.relative.unwrap_or(a.wis).total_cmp(&b.relative.unwrap_or(b.wis)));
    all
}

fn of(model: &str, tasks: &BTreeMap<&Task, &Scored>, both: &[(&Scored, Option<&Scored>)]) -> Summary {
    let n = both.len() as f64;
    let share = |covered: fn(&Scored) -> bool| both.iter().filter(|(one, _)| covered(one)).count() as f64 / n;
    let ratio = |value: fn(&Scored) -> f64, horizon: Option<i32>| {
        let chosen = both.iter().filter(|(one, _)| horizon.is_none_or(|h| one.task.horizon == h));
        let pairs = chosen.filter_map(|(one, base)| Some((value(one), value((*base)?))));
        let (ours, theirs) = pairs.fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        (theirs > 0.0).then(|| ours / theirs)
    };
    let mut horizons: Vec<i32> = both.iter().map(|(one, _)| one.task.horizon).collect();
    horizons.sort_unstable();
    horizons.dedup();
    Summary {
        model: model.to_owned(),
        tasks: tasks.len(),
        common: both.len(),
        wis: both.iter().map(|(one, _)| one.score.wis).sum::<f64>() / n,
        wis_log1p: both.iter().map(|(one, _)| one.score.wis_log1p).sum::<f64>() / n,
        relative: ratio(|s| s.score.wis, None),
        relative_log1p: ratio(|s| s.score.wis_log1p, None),
        coverage: [
            share(|s| s.score.covered_50),
            share(|s| s.score.covered_80),
            share(|s| s.score.covered_95),
        ],
        by_horizon: horizons
            .into_iter()
            .filter_map(|h| Some((h, ratio(|s| s.score.wis, Some(h))?)))
            .collect(),
    }
}

/// What was not scored, a line a model; nothing where all was.
#[must_use]
pub(crate) fn left_out(models: &BTreeMap<String, LeftOut>, faults: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (model, LeftOut { incomplete, without_truth, broken_classes, faulty }) in models {
        let parts = [
            (*incomplete, "lack some of the 23 quantiles"),
            (*without_truth, "have no truth yet (of their target, location and week)"),
            (*broken_classes, "lack some of the five classes, or these do not sum to 1"),
            (*faulty, "are no forecasts"),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect();
        let first = faults.get(model).map(|fault| format!("; the first: {fault}")).unwrap_or_default();
        let _ = writeln!(text, "not scored of {model}: {}{first}", said.join(", "));
    }
    text
}

/// Whose horizons stand for two weeks, a line a model.
#[must_use]
pub(crate) fn two_weeks(models: &BTreeMap<String, usize>) -> String {
    let line = |(model, n): (&String, &usize)| {
        format!(
            "scored of {model} as they stand: {n} forecasts of a date, place and horizon with two different weeks\n"
        )
    };
    models.iter().map(line).collect()
}

/// The table that people read: one line per model.
#[must_use]
pub(crate) fn text(summaries: &[Summary]) -> String {
    let width = summaries.iter().map(|s| s.model.len()).max().unwrap_or(5).max(5);
    let mut table = format!(
        "{:width$} {:>6} {:>6} {:>10} {:>7} {:>9} {:>7} {:>5} {:>5} {:>5}  relative WIS by horizon\n",
        "model", "tasks", "common", "WIS", "rel", "WIS log1p", "rel log", "c50", "c80", "c95"
    );
    for s in summaries {
        let relative = |r: Option<f64>| r.map_or_else(|| "-".to_owned(), |r| format!("{r:.3}"));
        let horizons: Vec<String> = s.by_horizon.iter().map(|(h, r)| format!("h{h} {r:.3}")).collect();
        let _ = writeln!(
            table,
            "{:width$} {:>6} {:>6} {:>10.3} {:>7} {:>9.4} {:>7} {:>5.3} {:>5.3} {:>5.3}  {}",
            s.model,
            s.tasks,
            s.common,
            s.wis,
            relative(s.relative),
            s.wis_log1p,
            relative(s.relative_log1p),
            s.coverage[0],
            s.coverage[1],
            s.coverage[2],
            horizons.join(" ")
        );
    }
    table
}
