//! Reproduction numbers from weekly series, with a band that knows how scattered the series is.
//!
//! Cori et al. 2013 takes counts as Poisson. Published weekly figures are not: surveillance misses and bunches
//! cases, and a rate per 100,000 has no count at all. A series that is divided by its own dispersion φ (variance
//! over mean) has the scatter of a Poisson count of that size: R is estimated on y/φ, "effective counts". The mean
//! is nearly free of φ, since R is a ratio of incidences; the width of the band follows the data instead of the
//! arbitrary unit. φ of a week comes from the differences between each of the weeks up to it and the mean of their
//! neighbours (whose variance is 1.5 φμ under independence), over 16 weeks, because the scatter of a winter is not
//! that of a summer; a real bend counts as scatter, so the band is rather too wide. For counts φ is at least 1
//! (`epimodels::rt::dispersions`). The estimator with a delay learns its scatter itself, and of φ takes only whether the last
//! weeks are worth ten counts.
//!
//! Where the profile says how long a report takes, or earlier issues say that the youngest weeks are incomplete, R is
//! that of `epimodels::rt::estimate_delayed`: dated by the infection, and corrected. Elsewhere nothing is to be corrected,
//! and R is Cori's, dated by the report.

use super::Reason;
use super::weekly::unbroken;
use chrono::{Days, NaiveDate};
use domain::profile::{ForecastPlan, Signal, Unit};
use epimodels::recipe::{Issue, NowcastConfig};
use epimodels::rt::{
    Delay, DelayedConfig, DelayedEstimate, Missing, RtEstimate, SerialInterval, WeeklyConfig, dispersions,
    enough, estimate_delayed, estimate_weekly, growths,
};
use epimodels::special::{gamma_cdf, gamma_quantile};
use std::collections::BTreeMap;
use store::forecasts::{Growth, Rt};

/// Id and version of the model.
pub(crate) const MODEL: (&str, &str) = ("vigie-rt", "3");

/// Windows that are kept.
const WEEKS: usize = 52;
/// Weeks at the beginning whose R still knows nothing of the weeks before.
const BURN_IN: usize = 3;

/// Share of the reports of a week's infections that must be due, so that the week has an R.
const DUE: f64 = 0.5;
/// A correction that is smaller, with its deviation, corrects nothing.
const NOTHING: f64 = 0.002;

/// What R of a signal is estimated with.
pub(crate) struct Laws {
    counts: bool,
    serial: SerialInterval,
    delay: Option<Delay>,
}

impl Laws {
    /// From the profile.
    ///
    /// # Errors
    /// [`Reason::NoModel`] for laws that no profile can hold, since it is checked when it is read.
    pub(crate) fn of(signal: &Signal, plan: &ForecastPlan) -> Result<Self, Reason> {
        let (mean, sd) = plan.serial_interval_days;
        let delay = |r: &domain::profile::Reporting| Delay::stages(&[r.incubation_days, r.report_days]);
        Ok(Self {
            counts: signal.unit == Unit::Persons,
            serial: SerialInterval::shifted_gamma(mean, sd).map_err(|_| Reason::NoModel)?,
            delay: plan.reporting.as_ref().map(delay).transpose().map_err(|_| Reason::NoModel)?,
        })
    }
}

/// How what is missing is learnt: the settings of the recipe's nowcast (`epimodels::recipe::us`). What is added to both
/// figures is 2 persons, or a fiftieth of a rate's mean.
pub(crate) fn learning(signal: &Signal, issues: &[Issue]) -> NowcastConfig {
    let values = || issues.iter().filter_map(|i| i.value);
    let mean = values().sum::<f64>() / values().count().max(1) as f64;
    let add = if signal.unit == Unit::Persons { 2.0 } else { (0.02 * mean).max(f64::MIN_POSITIVE) };
    NowcastConfig { origins: 8, shrink: 6.0, add, bound: 1.0, clip: (-0.2, 0.5) }
}

/// What the weeks of a place grew by after their first issue, by age ([`epimodels::rt::growths`]).
pub(crate) fn grown(signal: &Signal, issues: &[Issue], today: NaiveDate) -> Vec<Vec<f64>> {
    growths(issues, today, &learning(signal, issues))
}

/// R of each week of the last year, from weekly values (counts of persons, or rates), of which `missing` says what the
/// youngest still lack.
///
/// # Errors
/// [`Reason::TooFew`].
pub(crate) fn weekly_rt(
    place: &str,
    weeks: &BTreeMap<NaiveDate, f64>,
    laws: &Laws,
    missing: &[Missing],
) -> Result<Vec<Rt>, Reason> {
    let (last, values) = unbroken(weeks).ok_or(Reason::NoData)?;
    if values.len() < BURN_IN + 3 {
        return Err(Reason::TooFew);
    }
    let values = &values[values.len().saturating_sub(WEEKS + BURN_IN)..];
    let scatter = dispersions(values, laws.counts);
    let scale = scatter.last().copied().unwrap_or(1.0);
    if !enough(values, &scatter) {
        return Err(Reason::TooFew);
    }
    let end = |week: usize| last - Days::new(7 * u64::try_from(values.len() - week).unwrap_or(0));
    if laws.delay.is_none() && missing.iter().all(|m| m.log.abs() < NOTHING && m.sd < NOTHING) {
        let effective: Vec<f64> = values.iter().map(|v| v.max(0.0) / scale).collect();
        let estimates = estimate_weekly(&effective, &laws.serial, &WeeklyConfig::default())
            .map_err(|_| Reason::TooFew)?;
        let own = |e: &RtEstimate| scale / scatter.get(e.end - 1).copied().unwrap_or(scale);
        let kept = estimates.iter().filter(|e| e.end > BURN_IN);
        return Ok(kept.map(|e| posterior(place, end(e.end), e, own(e), &laws.serial)).collect());
    }
    let delay = laws.delay.clone().unwrap_or_else(Delay::none);
    let values: Vec<f64> = values.iter().map(|v| v.max(0.0)).collect();
    let config = DelayedConfig { counts: laws.counts, ..DelayedConfig::default() };
    let found =
        estimate_delayed(&values, &laws.serial, &delay, missing, &config).map_err(|_| Reason::TooFew)?;
    let dated = if laws.delay.is_some() { "infection" } else { "report" };
    let kept: Vec<Rt> = found
        .iter()
        .filter(|e| e.week > BURN_IN && e.passed >= DUE)
        .map(|e| delayed(place, end(e.week), e, dated))
        .collect();
    if kept.is_empty() { Err(Reason::TooFew) } else { Ok(kept) }
}

fn delayed(place: &str, end: NaiveDate, e: &DelayedEstimate, dated: &str) -> Rt {
    let [q025, q25, q50, q75, q975] = e.r.quantiles;
    let [g025, g25, g50, g75, g975] = e.growth.quantiles;
    Rt {
        place_id: place.to_owned(),
        window_start: end - Days::new(6),
        window_end: end,
        mean: e.r.mean,
        sd: e.r.sd,
        q025,
        q25,
        q50,
        q75,
        q975,
        growth: Some(Growth {
            dated: dated.to_owned(),
            mean: e.growth.mean,
            sd: e.growth.sd,
            q025: g025,
            q25: g25,
            q50: g50,
            q75: g75,
            q975: g975,
            rises: e.grows,
            passed: e.passed,
            known: e.known.mean,
            known_025: e.known.quantiles[0],
            known_975: e.known.quantiles[4],
        }),
    }
}

/// The estimate of a week whose own dispersion is that of the whole estimate divided by `factor`: cases and the
/// force of infection in the gamma posterior grow by it, the prior stays. Growth follows from R by the serial interval.
fn posterior(place: &str, end: NaiveDate, e: &RtEstimate, factor: f64, serial: &SerialInterval) -> Rt {
    let prior = WeeklyConfig::default();
    let shape = (prior.mean_prior / prior.sd_prior).powi(2);
    let rate = prior.mean_prior / prior.sd_prior.powi(2);
    let a = shape + (e.shape - shape).max(0.0) * factor;
    let b = 1.0 / (rate + (1.0 / e.scale - rate).max(0.0) * factor);
    let q = |level: f64| gamma_quantile(level, a, b);
    let growth = |level: f64| serial.growth_rate(q(level));
    // Mean and deviation over parts that are equally probable.
    let parts: Vec<f64> = (0..50).map(|n| growth((f64::from(n) + 0.5) / 50.0)).collect();
    let mean = parts.iter().sum::<f64>() / 50.0;
    let sd = (parts.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / 50.0).sqrt();
    Rt {
        place_id: place.to_owned(),
        window_start: end - Days::new(6),
        window_end: end,
        mean: a * b,
        sd: a.sqrt() * b,
        q025: q(0.025),
        q25: q(0.25),
        q50: q(0.5),
        q75: q(0.75),
        q975: q(0.975),
        growth: Some(Growth {
            dated: "report".to_owned(),
            mean,
            sd,
            q025: growth(0.025),
            q25: growth(0.25),
            q50: growth(0.5),
            q75: growth(0.75),
            q975: growth(0.975),
            rises: 1.0 - gamma_cdf(a, 1.0 / b),
            passed: 1.0,
            known: 1.0,
            known_025: 1.0,
            known_975: 1.0,
        }),
    }
}

#[cfg(test)]
#[path = "transmission_tests.rs"]
mod tests;
