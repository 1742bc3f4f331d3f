use std::borrow::Borrow;
use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};

use super::config::Config;
use super::ensemble::{Fitted, Forecast, Members, fit};
use super::panel::Panel;
use crate::Error;
use crate::quantile::Quantiles;

impl Config {
    /// The weekly origins whose fits a forecast of `origin` is the mean of, the oldest first and `origin` last.
    #[must_use]
    pub fn origins(&self, origin: NaiveDate) -> Vec<NaiveDate> {
        let wanted = i64::try_from(self.fits.max(1)).unwrap_or(1);
        (0..wanted).rev().map(|back| origin - Duration::weeks(back)).collect()
    }
}

/// The fits of the last weekly origins that a recipe averages over, the oldest first. Who forecasts one week after the other
/// keeps them from week to week; who forecasts once makes them all.
#[derive(Debug, Clone, Default)]
pub struct Fits(Vec<Fitted>);

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
            let here = kept.iter().position(|f| f.fitted_on() == day).map(|at| kept.swap_remove(at));
            match here.map_or_else(|| fit(known(day).borrow(), config, day, threads), Ok) {
                Ok(fitted) => self.0.push(fitted),
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
    /// steadier (docs/forecast/trials.md).
    ///
    /// # Errors
    /// Of [`Fitted::predict`].
    pub fn predict(&self, panel: &Panel, origin: NaiveDate) -> Result<Vec<Forecast>, Error> {
        let Some((last, before)) = self.0.split_last() else { return Ok(Vec::new()) };
        let mut made = last.predict(panel, origin)?;
        let mut others = Vec::with_capacity(before.len());
        for fitted in before {
            let of_fit = fitted.predict(panel, origin)?.into_iter();
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
