//! The seasonal baselines of a backtest: for the same tasks as the forecasts, from the same panel as known then.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use epimodels::Quantiles;
use epimodels::recipe::{Config, Forecast, Panel, Scale, Series};
use epimodels::seasonal::{Window, same_weeks, seasonal};

/// The two baselines, by what follows their name.
pub(crate) const SUFFIXES: [&str; 2] = ["", "-climate"];

/// Both baselines of a place and week, in the order of [`SUFFIXES`].
pub(crate) struct Seasonal<'a> {
    series: BTreeMap<&'a str, &'a Series>,
    config: &'a Config,
    /// Quantiles of all places together, per person where the target counts persons, by group and week.
    pooled: BTreeMap<(&'a str, NaiveDate), Quantiles>,
}

impl<'a> Seasonal<'a> {
    /// Of all series of `panel` that are forecast.
    pub(crate) fn of(panel: &'a Panel, config: &'a Config, made: &[Forecast]) -> Self {
        let series: BTreeMap<&str, &Series> =
            panel.series.iter().filter(|s| s.forecast).map(|s| (s.id.as_str(), s)).collect();
        let mut pooled = BTreeMap::new();
        for forecast in made {
            let Some(of) = series.get(forecast.series.as_str()) else { continue };
            let key = (of.group.as_str(), forecast.target_end_date);
            if pooled.contains_key(&key) {
                continue;
            }
            let rates = |s: &Series| {
                let size = size(s, config);
                weeks(s, config, key.1, Window::CLIMATE).into_iter().map(move |v| v / size)
            };
            let group = series.values().filter(|s| s.group == of.group);
            let all: Vec<f64> = group.flat_map(|s| rates(s)).collect();
            if let Ok(quantiles) = seasonal(&all) {
                pooled.insert(key, quantiles);
            }
        }
        Self { series, config, pooled }
    }

    /// What the baseline with `suffix` says where there is one.
    pub(crate) fn quantiles(&self, suffix: &str, forecast: &Forecast) -> Option<Quantiles> {
        let of = self.series.get(forecast.series.as_str())?;
        let own = |window| seasonal(&weeks(of, self.config, forecast.target_end_date, window)).ok();
        if suffix.is_empty() {
            return own(Window::SEASONS);
        }
        let pooled = self.pooled.get(&(of.group.as_str(), forecast.target_end_date))?;
        let own = own(Window::CLIMATE)?;
        let size = size(of, self.config);
        Some(std::array::from_fn(|level| f64::midpoint(own[level], pooled[level] * size)))
    }
}

/// The weeks that count, of those from which the recipe takes a place's scale: the first seasons of a surveillance, with
/// few reporters or without the disease, are no season to expect.
fn weeks(series: &Series, config: &Config, target: NaiveDate, window: Window) -> Vec<f64> {
    let from = config.groups.iter().find(|g| g.name == series.group).and_then(|g| g.scale_from);
    let early = from.map_or(0, |from| (from - series.first).num_days().max(0) as u64).div_ceil(7);
    let kept = series.values.get(usize::try_from(early).unwrap_or(usize::MAX)..).unwrap_or_default();
    same_weeks(series.first + Days::new(7 * early), kept, target, window)
}

/// What makes places comparable: their population where the target counts persons, 1 where it is a rate or a share.
fn size(series: &Series, config: &Config) -> f64 {
    let persons = |scale| matches!(scale, Scale::Fixed { per_population: true, .. });
    let counts = config.groups.iter().any(|g| g.name == series.group && persons(g.scale));
    if counts { series.population.filter(|p| *p > 0.0).unwrap_or(1.0) } else { 1.0 }
}
