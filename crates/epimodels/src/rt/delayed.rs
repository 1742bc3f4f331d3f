use serde::{Deserialize, Serialize};

use super::laplace::{Laplace, NEAR, STANDS, Scatter, laplace};
use super::latent::Latent;
use super::{Delay, Missing, SerialInterval};
use crate::Error;
use crate::quantile::linear_sorted;
use crate::rng::Rng;
use crate::special::probit;

/// Settings of [`estimate_delayed`].
#[derive(Debug, Clone, PartialEq)]
pub struct DelayedConfig {
    /// Are the values counts (with at least the scatter of Poisson), or rates, whose unit says nothing of scatter?
    pub counts: bool,
    /// Standard deviations of the weekly change of ln R that are weighed against each other.
    pub steps: Vec<f64>,
    /// Standard deviations of reports about their expectation, as a share of it, that are weighed likewise.
    pub relative: Vec<f64>,
    /// Of rates, that do not say how many persons they were counted from: variances over expectation that are weighed
    /// likewise, as shares of the mean rate. 0.01 is the scatter of 100 persons a week on average. Counts have the variance 1.
    pub per_mean: Vec<f64>,
    /// Draws from the posterior.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for DelayedConfig {
    fn default() -> Self {
        Self {
            counts: true,
            steps: vec![0.03, 0.06, 0.12, 0.24],
            relative: vec![0.02, 0.05, 0.1, 0.2, 0.35],
            per_mean: vec![0.001, 0.01, 0.1],
            draws: 1000,
            seed: 1,
        }
    }
}

/// Least weeks that an estimate is made from.
const LEAST: usize = 6;

/// The mean that rates are brought to: there a level of less than a half, which counts do not go below, is never met.
const COMMON: f64 = 1000.0;

/// A distribution in seven numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Quantiles at .025, .25, .5, .75, .975.
    pub quantiles: [f64; 5],
}

/// R and growth of the infections of one week.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DelayedEstimate {
    /// The week of infection, counted from 1.
    pub week: usize,
    /// The reproduction number.
    pub r: Band,
    /// Growth rate of infections, per day: ln of the factor over the week, divided by 7.
    pub growth: Band,
    /// Probability that infections grow.
    pub grows: f64,
    /// Share of the reports that the infections of the week lead to which is known: the delay has passed, and the report
    /// is not missing yet.
    pub known: Band,
    /// The same without what is missing from young weeks: the share whose delay has passed.
    pub passed: f64,
}

/// R by week of **infection** from weekly reports (counts or rates, oldest first) that come with a delay, the youngest
/// of which are incomplete.
///
/// Infections of a day are R of its week times Σ wₛ·(infections s days before); expected reports of a week are the
/// infections spread by the delay, divided by exp(`missing`) in the youngest weeks. ln R walks from week to week. The
/// structure is that of `EpiNow2`'s `estimate_infections` (Abbott et al. 2020; recommended for delays by Gostic et al.
/// 2020, since it convolves infections forward instead of shifting reports back); the posterior is a normal law about
/// its mode, as in `EpiLPS` (Gressani, Faes and Hens 2022; with delays: 2021), which is fast and has no chain to
/// converge. How much R walks and how much reports scatter are weighed by how probable they make the data (as in INLA,
/// Rue et al. 2009), not chosen. `missing` enters with its deviation, so the band of the youngest weeks carries it.
///
/// Weeks before the delay has passed have few reports to be known by: `passed` says how many, and their band is wide.
///
/// # Errors
/// [`Error::TooFew`] for fewer than six weeks or nothing but zeros; [`Error::Argument`] for values that are negative or
/// not finite, or a configuration without a setting or a draw.
pub fn estimate_delayed(
    reports: &[f64],
    si: &SerialInterval,
    delay: &Delay,
    missing: &[Missing],
    config: &DelayedConfig,
) -> Result<Vec<DelayedEstimate>, Error> {
    let weeks = reports.len();
    if weeks < LEAST {
        return Err(Error::TooFew { what: "delayed reproduction number", found: weeks, needed: LEAST });
    }
    if reports.iter().any(|y| !y.is_finite() || *y < 0.0) {
        return Err(Error::Argument { name: "reports", reason: "must be finite and not negative" });
    }
    let positive = |v: &[f64]| !v.is_empty() && v.iter().all(|s| s.is_finite() && *s > 0.0);
    if ![&config.steps, &config.relative, &config.per_mean].into_iter().all(|v| positive(v))
        || config.draws < 2
    {
        return Err(Error::Argument {
            name: "steps, relative, per_mean, draws",
            reason: "must be positive, and at least one of each and two draws",
        });
    }
    let mean = reports.iter().sum::<f64>() / weeks as f64;
    if mean <= 0.0 {
        return Err(Error::TooFew { what: "reports", found: 0, needed: 1 });
    }
    // A rate has no unit that says anything: it is brought to a mean of a thousand.
    let unit = if config.counts { 1.0 } else { COMMON / mean };
    let scaled: Vec<f64> = reports.iter().map(|y| y * unit).collect();
    let mean = mean * unit;
    let latent = Latent::new(&scaled, si, delay, &missing[..missing.len().min(weeks)]);
    let fits = fits(&latent, latent.start(si, delay), mean, config);
    Ok(summaries(&latent, delay, &draws(&latent, &fits, config)))
}

/// How much less probable, on the log scale, a setting may make the data than the best one, to count.
const COUNTS: f64 = 7.0;

/// A fit for each setting that counts.
fn fits(latent: &Latent<'_>, start: Vec<f64>, mean: f64, config: &DelayedConfig) -> Vec<(u64, Laplace)> {
    let mut start = start;
    let of_rates = || config.per_mean.iter().map(|share| share * mean).collect();
    let linears = if config.counts { vec![1.0] } else { of_rates() };
    let mut near = Vec::new();
    for relative in config.relative.iter().rev() {
        for linear in &linears {
            for step in &config.steps {
                let scatter = Scatter { step: *step, linear: *linear, relative: *relative };
                let fit = laplace(latent, scatter, &start, NEAR);
                start.clone_from(&fit.mode);
                near.push((scatter, fit));
            }
        }
    }
    let best =
        near.iter().map(|(_, f)| f.evidence).filter(|e| e.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let counts = |f: &Laplace| f.evidence > best - COUNTS;
    (0..)
        .zip(near)
        .filter(|(_, (_, fit))| counts(fit))
        .map(|(setting, (scatter, fit))| (setting, laplace(latent, scatter, &fit.mode, STANDS)))
        .collect()
}

/// Draws of θ: each fit has as many as its weight.
fn draws(latent: &Latent<'_>, fits: &[(u64, Laplace)], config: &DelayedConfig) -> Vec<Vec<f64>> {
    let (_, size) = latent.size();
    let most = fits.iter().map(|(_, f)| f.evidence).fold(f64::NEG_INFINITY, f64::max);
    let weight = |f: &Laplace| (f.evidence - most).exp();
    let total: f64 = fits.iter().map(|(_, f)| weight(f)).sum();
    let mut drawn = Vec::with_capacity(config.draws);
    let mut until = 0.0;
    for (setting, fit) in fits {
        until += weight(fit) / total;
        let wanted = (until * config.draws as f64).round() as usize;
        let mut rng = Rng::new(config.seed, &[*setting]);
        while drawn.len() < wanted {
            let mut theta: Vec<f64> = (0..size).map(|_| probit(rng.uniform().max(1e-16))).collect();
            fit.precision.back(&mut theta);
            theta.iter_mut().zip(&fit.mode).for_each(|(t, m)| *t += m);
            drawn.push(theta);
        }
    }
    drawn
}

fn summaries(latent: &Latent<'_>, delay: &Delay, drawn: &[Vec<f64>]) -> Vec<DelayedEstimate> {
    let (weeks, _) = latent.size();
    let mut rates = vec![Vec::with_capacity(drawn.len()); weeks];
    for theta in drawn {
        let path = latent.path(theta);
        for (week, rates) in rates.iter_mut().enumerate().skip(1) {
            let end = latent.end(week);
            rates.push((path.infections[end] / path.infections[end - 7]).ln() / 7.0);
        }
    }
    // Of the infections of each day of a week, those that are reported `later` weeks after its own.
    let share = |later: usize| {
        let of_day = |day: i64| {
            let end = 7 * later as i64 + 6 - day;
            delay.within(end) - delay.within(end - 7)
        };
        (0..7).map(of_day).sum::<f64>() / 7.0
    };
    let shares: Vec<f64> = (0..weeks).map(share).collect();
    let known = |theta: &[f64], week: usize| -> f64 {
        let of_report = |report: usize| {
            let age = weeks - 1 - report;
            let missing = if age < latent.missing.len() { theta[weeks + 2 + age] } else { 0.0 };
            shares[report - week] * (-missing).exp()
        };
        (week..weeks).map(of_report).sum()
    };
    (1..weeks)
        .map(|week| DelayedEstimate {
            week: week + 1,
            r: band(drawn.iter().map(|theta| theta[week].exp()).collect()),
            growth: band(rates[week].clone()),
            grows: rates[week].iter().filter(|r| **r > 0.0).count() as f64 / drawn.len().max(1) as f64,
            known: band(drawn.iter().map(|theta| known(theta, week)).collect()),
            passed: shares[..weeks - week].iter().sum(),
        })
        .collect()
}

fn band(mut values: Vec<f64>) -> Band {
    values.sort_by(f64::total_cmp);
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let at = |level: f64| linear_sorted(&values, level).unwrap_or(mean);
    Band { mean, sd, quantiles: [0.025, 0.25, 0.5, 0.75, 0.975].map(at) }
}

#[cfg(test)]
#[path = "delayed_tests.rs"]
mod tests;
