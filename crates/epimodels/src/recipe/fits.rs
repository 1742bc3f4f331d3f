use std::borrow::Borrow;
use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};

use super::config::Config;
use super::ensemble::{Fitted, Forecast, Members, fit};
use super::panel::Panel;
use super::recent;
use crate::Error;
use crate::quantile::Quantiles;

impl Config {
    /// The weekly origins of whose fits a forecast of `origin` is made, the oldest first and `origin` last: those that it is the
    /// mean of, and those whose bands say how wide its own are.
    #[must_use]
    pub fn origins(&self, origin: NaiveDate) -> Vec<NaiveDate> {
        let looked_back = self.recent.map_or(0, |recent| recent.origins);
        let wanted = i64::try_from(self.fits.max(1 + looked_back)).unwrap_or(1);
        (0..wanted).rev().map(|back| origin - Duration::weeks(back)).collect()
    }
}

/// The fits of the last weekly origins that a recipe goes by, the oldest first. Who forecasts one week after the other
/// keeps them from week to week; who forecasts once makes them all.
#[derive(Debug, Clone, Default)]
pub struct Fits(Vec<Week>);

/// The fit of one origin, and what it said then where that is looked back on.
#[derive(Debug, Clone)]
struct Week {
    fitted: Fitted,
    said: Vec<Forecast>,
}

impl Week {
    fn of(panel: &Panel, config: &Config, day: NaiveDate, threads: usize) -> Result<Self, Error> {
        let fitted = fit(panel, config, day, threads)?;
        let said = if config.recent.is_some() { fitted.predict(panel, day)? } else { Vec::new() };
        Ok(Self { fitted, said })
    }
}

impl Fits {
    /// Whether nothing was fitted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A fit as of each of [`Config::origins`] on what was `known` on that day; those that are here already stay as they are
    /// and all others go. So a date's forecast is the same whatever was forecast before it. A week before `origin` of which
    /// too little was known then has no fit. `threads` as for [`fit`].
    ///
    /// # Errors
    /// Of [`fit`]; [`Error::TooFew`] only where it is `origin` itself that cannot be fitted.
    pub fn renew<P: Borrow<Panel>>(
        &mut self,
        config: &Config,
        origin: NaiveDate,
        threads: usize,
        known: impl Fn(NaiveDate) -> P,
    ) -> Result<(), Error> {
        let mut kept = std::mem::take(&mut self.0);
        for day in config.origins(origin) {
            let here = kept.iter().position(|week| week.fitted.fitted_on() == day);
            let here = here.map(|at| kept.swap_remove(at));
            match here.map_or_else(|| Week::of(known(day).borrow(), config, day, threads), Ok) {
                Ok(week) => self.0.push(week),
                Err(Error::TooFew { .. }) if day < origin => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What the fits say of `panel` in the mean, level by level: forecasts of the last, each averaged with those of the fits
    /// before it that know the series, and the members likewise. Nothing without a fit.
    ///
    /// A fit of one week hangs on that week's figures, of which the newest are still to be corrected; the mean of a few is
    /// steadier. The bands of the mean, not those of the members, are then as wide as [`Config::recent`] asks
    /// (docs/forecast/trials.md for both).
    ///
    /// # Errors
    /// Of [`Fitted::predict`].
    pub fn predict(&self, panel: &Panel, origin: NaiveDate) -> Result<Vec<Forecast>, Error> {
        let Some((last, before)) = self.0.split_last() else { return Ok(Vec::new()) };
        let (config, mut made) = (last.fitted.config(), last.fitted.predict(panel, origin)?);
        let averaged = Duration::weeks(i64::try_from(config.fits).unwrap_or(1));
        let mut others = Vec::with_capacity(before.len());
        for week in before.iter().filter(|w| w.fitted.fitted_on() > last.fitted.fitted_on() - averaged) {
            let of_fit = week.fitted.predict(panel, origin)?.into_iter();
            others.push(of_fit.map(|f| ((f.series.clone(), f.horizon), f)).collect::<BTreeMap<_, _>>());
        }
        for forecast in &mut made {
            let task = (forecast.series.clone(), forecast.horizon);
            let mut all: Vec<Forecast> =
                others.iter_mut().filter_map(|of_fit| of_fit.remove(&task)).collect();
            all.push(forecast.clone());
            let mean = |of: fn(&Forecast) -> Option<Quantiles>| middle(all.iter().filter_map(of));
            forecast.quantiles = mean(|f| Some(f.quantiles)).unwrap_or(forecast.quantiles);
            forecast.members = Members {
                gbq: mean(|f| f.members.gbq),
                lin: mean(|f| f.members.lin),
                knn: mean(|f| f.members.knn),
            };
        }
        if let Some(recent) = &config.recent {
            let earlier = self.0.iter().filter(|week| week.fitted.fitted_on() < origin);
            let width = recent.width(earlier.flat_map(|week| &week.said), panel);
            for forecast in &mut made {
                forecast.quantiles = recent::widened(forecast, width, panel, config);
            }
        }
        Ok(made)
    }
}

/// Mean of distributions, quantile by quantile; `None` of none.
fn middle(all: impl Iterator<Item = Quantiles>) -> Option<Quantiles> {
    let (mut sum, mut count) = ([0.0; 23], 0.0);
    for quantiles in all {
        count += 1.0;
        sum.iter_mut().zip(quantiles).for_each(|(cell, q)| *cell += q);
    }
    (count > 0.0).then(|| sum.map(|s| s / count))
}
