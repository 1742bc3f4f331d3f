use chrono::{Duration, NaiveDate};

use super::config::Config;
use super::features::{self, Features, Row};
use super::panel::Panel;
use super::season::number;
use super::transform::Track;

/// Where a training row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Index of the group.
    pub(crate) group: usize,
    /// Year in which its season began.
    pub(crate) season: i32,
    /// Whether the series is national.
    pub(crate) national: bool,
}

/// The training rows of one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepRows {
    pub(crate) x: Vec<Row>,
    pub(crate) origin: Vec<Origin>,
    /// δ = x(t + step) − x(t).
    pub(crate) y: Vec<f64>,
}

/// Training rows of the steps 1..=max_step, in order of series and week.
pub(crate) fn training(panel: &Panel, config: &Config, tracks: &[Track]) -> Vec<StepRows> {
    let mut steps = vec![StepRows::default(); config.max_step];
    for track in tracks {
        let series = &panel.series[track.series];
        if track.x.iter().filter(|x| x.is_finite()).count() <= config.min_weeks {
            continue;
        }
        let group = &config.groups[track.group];
        let features = Features::new(track, group, series.national);
        let copies = if series.focus { config.focus_copies.max(1) } else { 1 };
        for (t, season) in track.seasons.iter().enumerate() {
            let week = series.first + Duration::weeks(t as i64);
            let (first, last) = group.row_weeks.unwrap_or(config.row_weeks);
            let wanted = (first..=last).contains(&season.week)
                && group.rows_from.is_none_or(|from| week >= from)
                && track.x[t].is_finite();
            if !wanted || skipped(config, week) {
                continue;
            }
            let row = features.row(t);
            if !row[features::C2_24].is_finite() {
                continue;
            }
            let origin = Origin { group: track.group, season: season.year, national: series.national };
            for (k, step) in steps.iter_mut().enumerate() {
                let Some(then) = track.x.get(t + k + 1).filter(|x| x.is_finite()) else { continue };
                if skipped(config, week + Duration::weeks(k as i64 + 1)) {
                    continue;
                }
                for _ in 0..copies {
                    step.x.push(row);
                    step.origin.push(origin);
                    step.y.push(then - track.x[t]);
                }
            }
        }
    }
    steps
}

fn skipped(config: &Config, week: NaiveDate) -> bool {
    config.skip.iter().any(|(first, last)| (*first..=*last).contains(&week))
}

/// The panel with the last value of each series that is to be forecast carried forward as far as the farthest
/// horizon needs it, at most `carry_weeks` weeks.
pub(crate) fn carry(panel: &Panel, config: &Config, origin: NaiveDate) -> Panel {
    let mut carried = panel.clone();
    let far = number(target_end(config, origin, config.horizons.1)) - config.max_step as i64;
    for series in carried.series.iter_mut().filter(|s| s.forecast) {
        let Some(last) = series.last_known() else { continue };
        let (missing, value) = (far - number(last), series.at(last));
        if (1..=config.carry_weeks as i64).contains(&missing) {
            let known = usize::try_from(number(last) - number(series.first) + 1).unwrap_or(0);
            series.values.truncate(known);
            series.values.resize(known + missing as usize, value);
        }
    }
    carried
}

/// End of the week of horizon `h` at `origin`.
pub(crate) fn target_end(config: &Config, origin: NaiveDate, h: i32) -> NaiveDate {
    origin + Duration::days(config.horizon_zero_days + 7 * i64::from(h))
}
