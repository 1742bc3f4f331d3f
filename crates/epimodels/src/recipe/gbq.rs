//! Member 1: quantile gradient boosting, one booster per step, level and bag of seasons.

use super::config::{Config, GbqConfig};
use super::features::{COUNT, Row};
use super::rows::{Origin, StepRows};
use super::tree::{Binner, Booster, Growth};
use crate::parallel;
use crate::quantile::{Quantiles, interpolate};
use crate::rng::Rng;

/// The boosters of one step, by level, then by bag.
#[derive(Debug, Clone)]
pub(crate) struct Gbq {
    binner: Binner,
    levels: Vec<f64>,
    boosters: Vec<Vec<Booster>>,
}

/// Label in the path of the generator that draws bags, thinning and features.
const BAG: u64 = 1;
const THIN: u64 = 2;
const FEATURES: u64 = 3;

/// Boosters of all steps.
pub(crate) fn fit(steps: &[StepRows], config: &Config, threads: usize) -> Vec<Gbq> {
    let settings = &config.gbq;
    let (levels, bags) = (settings.levels.len(), settings.bags.max(1));
    let binned: Vec<(Binner, Vec<u8>)> = parallel::map(steps.len(), threads, |step| {
        let rows = steps[step].x.as_flattened();
        let binner = Binner::new(rows, COUNT, settings.bins);
        let bins = binner.bins(rows);
        (binner, bins)
    });
    let chosen: Vec<Vec<usize>> = parallel::map(steps.len() * bags, threads, |job| {
        bag(&steps[job / bags], config, job / bags, job % bags)
    });
    let mut boosters = parallel::map(steps.len() * levels * bags, threads, |job| {
        let (step, level, bag) = (job / (levels * bags), job / bags % levels, job % bags);
        let rows = &chosen[step * bags + bag];
        let bins: Vec<u8> =
            rows.iter().flat_map(|row| &binned[step].1[row * COUNT..(row + 1) * COUNT]).copied().collect();
        let y: Vec<f64> = rows.iter().map(|row| steps[step].y[*row]).collect();
        let mut rng = Rng::new(config.seed, &[FEATURES, step as u64, level as u64, bag as u64]);
        Booster::fit(&bins, COUNT, &y, growth(settings, settings.levels[level]), &mut rng)
    })
    .into_iter();
    let mut by_step = Vec::with_capacity(steps.len());
    for (binner, _) in binned {
        let boosters = (0..levels).map(|_| boosters.by_ref().take(bags).collect()).collect();
        by_step.push(Gbq { binner, levels: settings.levels.clone(), boosters });
    }
    by_step
}

fn growth(settings: &GbqConfig, level: f64) -> Growth {
    let GbqConfig { trees, leaves, min_rows, feature_share, rate, .. } = *settings;
    Growth { level, trees, leaves, min_rows, feature_share, rate }
}

/// The rows of a bag: a share of the season labels, less the rows that are thinned.
fn bag(rows: &StepRows, config: &Config, step: usize, bag: usize) -> Vec<usize> {
    let label = |origin: &Origin| (origin.group, origin.season);
    let mut labels: Vec<(usize, i32)> = rows.origin.iter().map(label).collect();
    labels.sort_unstable();
    labels.dedup();
    let share = (labels.len() as f64 * config.gbq.season_share).round() as usize;
    let mut rng = Rng::new(config.seed, &[BAG, step as u64, bag as u64]);
    let kept: Vec<(usize, i32)> =
        rng.choose(labels.len(), share.max(1)).into_iter().map(|i| labels[i]).collect();
    let mut thin = Rng::new(config.seed, &[THIN, step as u64, bag as u64]);
    let keep = |(row, origin): (usize, &Origin)| {
        let draw = thin.uniform();
        let share = config.groups[origin.group].thin;
        let wanted = origin.national || draw < share;
        (wanted && kept.binary_search(&label(origin)).is_ok()).then_some(row)
    };
    rows.origin.iter().enumerate().filter_map(keep).collect()
}

impl Gbq {
    /// Quantiles of δ for one row of features.
    pub(crate) fn predict(&self, row: &Row) -> Quantiles {
        let bins = self.binner.bins(row);
        let median = |bags: &Vec<Booster>| {
            let mut all: Vec<f64> = bags.iter().map(|b| b.predict(&bins)).collect();
            all.sort_by(f64::total_cmp);
            crate::quantile::linear_sorted(&all, 0.5).unwrap_or(0.0)
        };
        let mut values: Vec<f64> = self.boosters.iter().map(median).collect();
        values.sort_by(f64::total_cmp);
        interpolate(&self.levels, &values).unwrap_or([0.0; 23])
    }
}
