use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};

use super::config::{Config, Weights};
use super::features::{Features, Row};
use super::gbq::{self, Gbq};
use super::knn::Knn;
use super::lin::Lin;
use super::nowcast;
use super::panel::{Panel, Series};
use super::rows::{carry, target_end, training};
use super::season::{number, season};
use super::transform::{Track, Transform, group_of, tracks};
use crate::quantile::{MEDIAN, Quantiles, arrange};
use crate::{Error, parallel};

/// A forecast of one series at one horizon, in the unit of the series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Identifier of the series.
    pub series: String,
    /// Horizon, as the configuration counts them.
    pub horizon: i32,
    /// End of the week that is forecast.
    pub target_end_date: NaiveDate,
    /// The forecast.
    pub quantiles: Quantiles,
    /// What each member said, before the average.
    pub members: Members,
}

/// Quantiles of the members; `None`: not in use, or without an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Members {
    /// Gradient boosting.
    pub gbq: Option<Quantiles>,
    /// Robust regression.
    pub lin: Option<Quantiles>,
    /// Nearest neighbours.
    pub knn: Option<Quantiles>,
}

/// A fitted forecaster: models, and the scale and centre of every series as of the fit.
#[derive(Debug, Clone)]
pub struct Fitted {
    config: Config,
    fitted_on: NaiveDate,
    threads: usize,
    transforms: BTreeMap<String, Transform>,
    cold: Vec<bool>,
    steps: Vec<StepModels>,
}

/// Known weeks that a series must have: a training row has as many, and of a place without them nothing was learnt.
const FEWEST: usize = 4;

#[derive(Debug, Clone)]
struct StepModels {
    gbq: Option<Gbq>,
    lin: Option<Lin>,
    knn: Option<Knn>,
}

/// Learns from `panel`, of which only weeks that end on or before `fit_date` are used. `threads` changes how long
/// it takes and nothing else.
///
/// # Errors
/// [`Error::UnknownGroup`], [`Error::NoPopulation`]; [`Error::TooFew`] if a step has no training row.
pub fn fit(panel: &Panel, config: &Config, fit_date: NaiveDate, threads: usize) -> Result<Fitted, Error> {
    let cold: Vec<bool> = config
        .groups
        .iter()
        .map(|g| g.cold_start.is_some() && !full_season(panel, config, &g.name, fit_date))
        .collect();
    let mut transforms = BTreeMap::new();
    for series in &panel.series {
        let group = group_of(series, config)?;
        let learnt = Transform::learn(series, &config.groups[group], config, fit_date, cold[group])?;
        if let Some(transform) = learnt {
            transforms.insert(series.id.clone(), transform);
        }
    }
    let tracks = tracks(panel, config, fit_date, |s: &Series| transforms.get(&s.id).copied())?;
    let rows = training(panel, config, &tracks);
    if let Some(empty) = rows.iter().find(|r| r.y.is_empty()) {
        return Err(Error::TooFew { what: "training rows of a step", found: empty.y.len(), needed: 1 });
    }
    let Weights { gbq, lin, knn } = config.weights;
    let boosters = if gbq > 0.0 {
        gbq::fit(&rows, config, threads).into_iter().map(Some).collect()
    } else {
        vec![None; rows.len()]
    };
    let others = parallel::map(rows.len(), threads, |step| {
        let lin = if lin > 0.0 { Lin::fit(&rows[step], config) } else { None };
        let knn = if knn > 0.0 { Knn::fit(&rows[step], &config.knn) } else { None };
        (lin, knn)
    });
    let steps =
        boosters.into_iter().zip(others).map(|(gbq, (lin, knn))| StepModels { gbq, lin, knn }).collect();
    Ok(Fitted { config: config.clone(), fitted_on: fit_date, threads, transforms, cold, steps })
}

/// Whether a group has seen a season to its last scale week, from its first on: at least 30 weeks of it.
fn full_season(panel: &Panel, config: &Config, group: &str, until: NaiveDate) -> bool {
    let Some(group) = config.groups.iter().find(|g| g.name == group) else { return false };
    let mut weeks: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for series in panel.series.iter().filter(|s| s.group == group.name) {
        for (end, value) in super::transform::weeks(series) {
            if value.is_some() && end <= until && group.scale_from.is_none_or(|from| end >= from) {
                let place = season(end + Duration::days(config.season_shift_days));
                weeks.entry(place.year).or_default().push(place.week);
            }
        }
    }
    weeks.into_values().any(|mut of_season| {
        of_season.sort_unstable();
        of_season.dedup();
        of_season.retain(|w| (group.scale_weeks.0..=group.scale_weeks.1).contains(w));
        of_season.len() >= 30 && of_season.last() == Some(&group.scale_weeks.1)
    })
}

/// One forecast to make: a row of features, a step, and where it belongs.
struct Task<'a> {
    track: &'a Track,
    row: Row,
    now: f64,
    step: usize,
    horizon: i32,
}

impl Fitted {
    /// Date of the fit.
    #[must_use]
    pub fn fitted_on(&self) -> NaiveDate {
        self.fitted_on
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the group of this name is forecast by the rule of the cold start.
    #[must_use]
    pub fn is_cold(&self, group: &str) -> bool {
        self.config.groups.iter().zip(&self.cold).any(|(g, cold)| g.name == group && *cold)
    }

    /// Forecasts of every series of `panel` with `forecast`, as far as it has a recent value and was known at the
    /// fit, in order of the panel and of the horizon.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NoPopulation`].
    pub fn predict(&self, panel: &Panel, origin: NaiveDate) -> Result<Vec<Forecast>, Error> {
        let config = &self.config;
        let farthest = target_end(config, origin, config.horizons.1);
        let newest = farthest - Duration::weeks(config.max_step as i64);
        let panel = carry(&nowcast::apply(panel, config.nowcast.as_ref(), newest), config, origin);
        let tracks = tracks(&panel, config, origin, |s: &Series| self.transforms.get(&s.id).copied())?;
        let mut tasks = Vec::new();
        for track in tracks.iter().filter(|t| panel.series[t.series].forecast) {
            let Some(t) = track.x.iter().rposition(|x| x.is_finite()) else { continue };
            if track.x.iter().filter(|x| x.is_finite()).count() < FEWEST {
                continue;
            }
            let group = &config.groups[track.group];
            let row = Features::new(track, group, panel.series[track.series].national).row(t);
            for horizon in config.horizons.0..=config.horizons.1 {
                let step = number(target_end(config, origin, horizon)) - track.first - t as i64;
                if let Some(step) = usize::try_from(step).ok().filter(|s| (1..=config.max_step).contains(s)) {
                    tasks.push(Task { track, row, now: track.x[t], step, horizon });
                }
            }
        }
        Ok(parallel::map(tasks.len(), self.threads, |i| self.forecast(&panel, origin, &tasks[i])))
    }

    fn forecast(&self, panel: &Panel, origin: NaiveDate, task: &Task<'_>) -> Forecast {
        let models = &self.steps[task.step - 1];
        let group = &self.config.groups[task.track.group];
        let ceiling = group.ceiling.unwrap_or(f64::INFINITY);
        let back = |mut quantiles: Quantiles| {
            if let Some(width) = group.width {
                let middle = quantiles[MEDIAN];
                quantiles = quantiles.map(|change| middle + width * (change - middle));
            }
            quantiles = quantiles.map(|change| task.track.transform.back(task.now + change).min(ceiling));
            arrange(&mut quantiles, Some(0.0));
            quantiles
        };
        let alone = self.cold[task.track.group] && models.gbq.is_some();
        let members = Members {
            gbq: models.gbq.as_ref().map(|m| back(m.predict(&task.row))),
            lin: models.lin.as_ref().filter(|_| !alone).and_then(|m| m.predict(&task.row)).map(back),
            knn: models.knn.as_ref().filter(|_| !alone).map(|m| back(m.predict(&task.row))),
        };
        Forecast {
            series: panel.series[task.track.series].id.clone(),
            horizon: task.horizon,
            target_end_date: target_end(&self.config, origin, task.horizon),
            quantiles: average(&members, self.config.weights),
            members,
        }
    }
}

/// Weighted mean of the members' quantiles, level by level, in the unit of the series.
fn average(members: &Members, weights: Weights) -> Quantiles {
    let parts = [(members.gbq, weights.gbq), (members.lin, weights.lin), (members.knn, weights.knn)];
    let mut sum = [0.0; 23];
    let mut total = 0.0;
    for (quantiles, weight) in parts.into_iter().filter_map(|(q, w)| Some((q?, w))) {
        total += weight;
        for (cell, q) in sum.iter_mut().zip(quantiles) {
            *cell += weight * q;
        }
    }
    let mut mean = sum.map(|s| if total > 0.0 { s / total } else { 0.0 });
    arrange(&mut mean, Some(0.0));
    mean
}
