use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};

use super::config::{Config, Group, National, Scale, Size};
use super::panel::{Panel, Series};
use super::season::{Season, number, season};
use crate::Error;
use crate::quantile::linear;

/// x = (value·factor + offset)^¼ / scale − centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Transform {
    factor: f64,
    offset: f64,
    scale: f64,
    centre: f64,
}

impl Transform {
    fn forward(&self, value: f64) -> f64 {
        (value * self.factor + self.offset).max(0.0).powf(0.25) / self.scale - self.centre
    }

    /// The value at `x`, not below 0.
    pub(crate) fn back(&self, x: f64) -> f64 {
        let root = ((x + self.centre) * self.scale).max(0.0);
        ((root.powi(4) - self.offset) / self.factor).max(0.0)
    }

    /// Scale and centre of a series from its scale weeks up to `until`; `None` if it has no such week.
    /// `cold`: the group has no full season yet.
    pub(crate) fn learn(
        series: &Series,
        group: &Group,
        config: &Config,
        until: NaiveDate,
        cold: bool,
    ) -> Result<Option<Self>, Error> {
        let counts = |week: NaiveDate| {
            let sw = season(week + Duration::days(config.season_shift_days)).week;
            week <= until
                && (group.scale_weeks.0..=group.scale_weeks.1).contains(&sw)
                && group.scale_from.is_none_or(|from| week >= from)
        };
        let chosen: Vec<f64> =
            weeks(series).filter(|(week, _)| counts(*week)).filter_map(|(_, v)| v).collect();
        let (factor, offset, margin) = match group.scale {
            Scale::Fixed { factor, per_population: false, offset } => (factor, offset + 0.01, 0.01),
            Scale::Fixed { factor, per_population: true, offset } => {
                (factor * 1e5 / population(series)?, offset + 0.01, 0.01)
            }
            Scale::Relative { share, floor } => {
                let roots: Vec<f64> = chosen.iter().map(|v| v.max(0.0).powf(0.25)).collect();
                let Some(height) = linear(&roots, 0.95) else { return Ok(None) };
                (1.0, share * height.powi(4) + floor, 0.0)
            }
        };
        let t: Vec<f64> = chosen.iter().map(|v| (v * factor + offset).max(0.0).powf(0.25)).collect();
        let learnt = linear(&t, 0.95).map(|q| q + margin);
        let fixed = group.cold_start.filter(|_| cold);
        let scale = match (learnt, fixed) {
            (Some(s), Some(f)) => s.max(f.scale),
            (None, Some(f)) => f.scale,
            (Some(s), None) => s,
            (None, None) => return Ok(None),
        };
        let centre = fixed.map_or_else(|| t.iter().sum::<f64>() / t.len() as f64 / scale, |f| f.centre);
        Ok(Some(Self { factor, offset, scale, centre }))
    }
}

fn population(series: &Series) -> Result<f64, Error> {
    let found = series.population.filter(|p| p.is_finite() && *p > 0.0);
    found.ok_or_else(|| Error::NoPopulation { series: series.id.clone() })
}

/// End and finite value of each week of a series.
pub(crate) fn weeks(series: &Series) -> impl Iterator<Item = (NaiveDate, Option<f64>)> + '_ {
    let finite = |v: &Option<f64>| v.filter(|v| v.is_finite());
    (0_i64..).zip(&series.values).map(move |(i, v)| (series.first + Duration::weeks(i), finite(v)))
}

/// A series on the scale of the models.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// Index in the panel.
    pub(crate) series: usize,
    /// Index of the group.
    pub(crate) group: usize,
    pub(crate) transform: Transform,
    /// Number of the first week.
    pub(crate) first: i64,
    /// x by week, NaN where it is not known.
    pub(crate) x: Vec<f64>,
    /// Season of each week.
    pub(crate) seasons: Vec<Season>,
    pub(crate) size: f64,
    /// The national signal by week, aligned with `x`.
    pub(crate) nation: Vec<f64>,
}

/// All series of `panel` for which `transform` has an answer, up to the week that ends on `until`.
pub(crate) fn tracks(
    panel: &Panel,
    config: &Config,
    until: NaiveDate,
    transform: impl Fn(&Series) -> Option<Transform>,
) -> Result<Vec<Track>, Error> {
    let mut tracks = Vec::new();
    for (index, series) in panel.series.iter().enumerate() {
        let group = group_of(series, config)?;
        let Some(transform) = transform(series) else { continue };
        let known: Vec<(NaiveDate, Option<f64>)> =
            weeks(series).take_while(|(week, _)| *week <= until).collect();
        let shift = Duration::days(config.season_shift_days);
        let size = match config.groups[group].size {
            Size::LnPopulation => population(series)?.ln(),
            Size::LnScale => transform.scale.ln(),
        };
        tracks.push(Track {
            series: index,
            group,
            transform,
            first: number(series.first),
            x: known.iter().map(|(_, v)| v.map_or(f64::NAN, |v| transform.forward(v))).collect(),
            seasons: known.iter().map(|(week, _)| season(*week + shift)).collect(),
            size,
            nation: Vec::new(),
        });
    }
    let signals: Vec<BTreeMap<i64, f64>> = config
        .groups
        .iter()
        .enumerate()
        .map(|(g, group)| national(panel, config, &tracks, g, group))
        .collect();
    for track in &mut tracks {
        let signal = &signals[track.group];
        let at = |i: usize| signal.get(&(track.first + i as i64)).copied().unwrap_or(f64::NAN);
        track.nation = (0..track.x.len()).map(at).collect();
    }
    Ok(tracks)
}

/// Index of the group of a series.
pub(crate) fn group_of(series: &Series, config: &Config) -> Result<usize, Error> {
    let place = config.groups.iter().position(|g| g.name == series.group);
    place.ok_or_else(|| Error::UnknownGroup { series: series.id.clone(), group: series.group.clone() })
}

/// The national signal of group `g`, by number of the week.
fn national(panel: &Panel, config: &Config, tracks: &[Track], g: usize, group: &Group) -> BTreeMap<i64, f64> {
    let (members, at_least): (Vec<&Track>, usize) = match &group.national {
        National::Series => {
            (tracks.iter().filter(|t| t.group == g && panel.series[t.series].national).collect(), 1)
        }
        National::MeanOf { group, at_least } => {
            (tracks.iter().filter(|t| config.groups[t.group].name == *group).collect(), *at_least)
        }
    };
    let mut sums: BTreeMap<i64, (f64, usize)> = BTreeMap::new();
    for track in members {
        for (week, x) in (track.first..).zip(&track.x).filter(|(_, x)| x.is_finite()) {
            let sum = sums.entry(week).or_insert((0.0, 0));
            *sum = (sum.0 + x, sum.1 + 1);
        }
    }
    let enough = sums.into_iter().filter(|(_, (_, n))| *n >= at_least.max(1));
    enough.map(|(week, (sum, n))| (week, sum / n as f64)).collect()
}
