//! Deaths ahead from cases or admissions: a delayed convolution with an estimated fatality ratio.
//!
//! The same idea as `estimate_secondary` of EpiNow2 (Abbott et al.), reduced to closed forms: expected deaths of a
//! week are ratio × Σₖ wₖ·(events k weeks before), w a gamma law of the delay, discretised by weeks. The mean of
//! the delay is the one on a grid that fits the past best; the ratio is the quasi-Poisson estimate on the last
//! weeks, of which older ones count less, because treatment, age and testing change it; the scatter of deaths
//! about their expectation is measured on the same weeks. Events that have not happened yet are drawn as the
//! hubs' baseline draws them: as today, with the weekly changes of the past, up or down.
//!
//! Limits: deaths reported late look like a lower ratio (the newest week is therefore left out of the fit); a
//! change of the ratio is followed with the delay of the window; the band knows nothing of a new variant or rule.

use crate::Error;
use crate::quantile::{LEVELS, Quantiles, linear_sorted};
use crate::rng::Rng;
use crate::special::{gamma_cdf, gamma_quantile};

/// What the estimate is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondaryConfig {
    /// Weeks of deaths that the fit uses, not counting the newest.
    pub window: usize,
    /// Weeks after which a week counts half.
    pub half_life: f64,
    /// Fewest deaths in the window.
    pub least: f64,
    /// Mean delays that are tried, in weeks.
    pub delays: Vec<f64>,
    /// Standard deviation of the delay, as a share of its mean.
    pub spread: f64,
    /// Draws.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for SecondaryConfig {
    fn default() -> Self {
        let delays = (1..=16).map(|quarter| f64::from(quarter) / 4.0).collect();
        Self { window: 12, half_life: 1.5, least: 50.0, delays, spread: 0.6, draws: 1000, seed: 1 }
    }
}

/// The fitted relation and what it says of the weeks ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Secondary {
    /// Deaths per event, and its standard error.
    pub ratio: (f64, f64),
    /// Mean delay in weeks.
    pub delay: f64,
    /// Variance of deaths over their expectation (1: Poisson; at least 1).
    pub dispersion: f64,
    /// Quantiles of the deaths of the weeks 1, 2, … after the last one given.
    pub ahead: Vec<Quantiles>,
}

/// Bound of a weekly change of events, on the log scale: a doubling. More is a change of reporting.
const MOST_CHANGE: f64 = std::f64::consts::LN_2;

/// Longest delay in weeks.
const LONGEST: usize = 12;

/// Fits `deaths` on `events` (weekly counts of the same weeks, oldest first, the last one complete) and forecasts
/// `steps` weeks.
///
/// # Errors
/// [`Error::Length`] if the slices differ; [`Error::TooFew`] for too few weeks or deaths; [`Error::Argument`] for
/// values that are negative or not finite, or a configuration without delay or draw.
pub fn secondary(
    events: &[f64],
    deaths: &[f64],
    steps: usize,
    config: &SecondaryConfig,
) -> Result<Secondary, Error> {
    let (weeks, needed) = (events.len(), config.window + LONGEST + 1);
    if deaths.len() != weeks {
        return Err(Error::Length { what: "weeks of events and deaths", left: weeks, right: deaths.len() });
    }
    if events.iter().chain(deaths).any(|v| !v.is_finite() || *v < 0.0) {
        return Err(Error::Argument { name: "events, deaths", reason: "must be finite and not negative" });
    }
    if config.draws < 2 || config.delays.is_empty() {
        return Err(Error::Argument { name: "draws, delays", reason: "must hold at least two and one" });
    }
    if weeks < needed {
        return Err(Error::TooFew { what: "weeks of events and deaths", found: weeks, needed });
    }
    let window = weeks - 1 - config.window..weeks - 1;
    let total: f64 = deaths[window.clone()].iter().sum();
    if total < config.least {
        return Err(Error::TooFew {
            what: "deaths in the window",
            found: total as usize,
            needed: config.least as usize,
        });
    }
    let fit = |delay: f64| {
        let weights = delay_weights(delay, config.spread);
        let expected = |t: usize| weights.iter().enumerate().map(|(k, w)| w * events[t - k]).sum::<f64>();
        let points: Vec<(f64, f64, f64)> = window
            .clone()
            .map(|t| {
                let age = (weeks - 2 - t) as f64;
                (0.5_f64.powf(age / config.half_life), deaths[t], expected(t))
            })
            .collect();
        let sum = |f: fn(&(f64, f64, f64)) -> f64| points.iter().map(f).sum::<f64>();
        let (d, e, w) = (sum(|p| p.0 * p.1), sum(|p| p.0 * p.2), sum(|p| p.0));
        let ratio = d / e;
        let scatter: f64 =
            points.iter().map(|(w, d, e)| w * (d - ratio * e).powi(2) / (ratio * e).max(1e-9)).sum::<f64>();
        // Two of the weighted weeks are spent on the ratio and the delay.
        let dispersion = (scatter / (w - 2.0).max(1.0)).max(1.0);
        (scatter, ratio, delay, dispersion, d, weights)
    };
    let fits = config.delays.iter().map(|delay| fit(*delay)).filter(|f| f.0.is_finite() && f.1 > 0.0);
    let best = fits.min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, ratio, delay, dispersion, effective, weights) =
        best.ok_or(Error::TooFew { what: "events before the deaths", found: 0, needed: 1 })?;
    let error = ratio * (dispersion / effective).sqrt();
    let law = Law { ratio, error, dispersion, weights: &weights };
    let ahead = ahead(events, steps, &law, config);
    Ok(Secondary { ratio: (ratio, error), delay, dispersion, ahead })
}

/// Shares of the deaths in the week of the event and in each of the weeks after it.
fn delay_weights(mean: f64, spread: f64) -> Vec<f64> {
    let (shape, scale) = (1.0 / spread.powi(2), mean * spread.powi(2));
    let cdf = |at: f64| gamma_cdf(shape, at.max(0.0) / scale);
    let raw: Vec<f64> = (0..LONGEST).map(|k| cdf(k as f64 + 0.5) - cdf(k as f64 - 0.5)).collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter().map(|w| w / total).collect()
}

struct Law<'a> {
    ratio: f64,
    error: f64,
    dispersion: f64,
    weights: &'a [f64],
}

fn ahead(events: &[f64], steps: usize, law: &Law<'_>, config: &SecondaryConfig) -> Vec<Quantiles> {
    let logs: Vec<f64> = events.iter().map(|e| (e + 1.0).ln()).collect();
    let recent = &logs[logs.len().saturating_sub(config.window)..];
    let changes: Vec<f64> =
        recent.windows(2).map(|w| (w[1] - w[0]).clamp(-MOST_CHANGE, MOST_CHANGE)).collect();
    let mut rng = Rng::new(config.seed, &[]);
    let mut drawn = vec![Vec::with_capacity(config.draws); steps];
    let (shape, scale) = ((law.ratio / law.error).powi(2), law.error.powi(2) / law.ratio);
    for draw in 0..config.draws {
        // The ratio by its own evenly spaced quantiles; the rest at random.
        let ratio = gamma_quantile((draw as f64 + 0.5) / config.draws as f64, shape, scale);
        let mut path = events.to_vec();
        let mut level = logs.last().copied().unwrap_or(0.0);
        for of_step in &mut drawn {
            let change = changes.get(rng.below(changes.len())).copied().unwrap_or(0.0);
            level += if rng.bits() & 1 == 0 { change } else { -change };
            path.push((level.exp() - 1.0).max(0.0));
            let back = path.iter().rev().zip(law.weights);
            let mean = ratio * back.map(|(e, w)| e * w).sum::<f64>();
            // A gamma law with the variance dispersion × mean: a smooth negative binomial.
            let at = rng.uniform().clamp(1e-9, 1.0 - 1e-9);
            of_step.push(if mean > 1e-9 {
                gamma_quantile(at, mean / law.dispersion, law.dispersion)
            } else {
                0.0
            });
        }
    }
    drawn
        .into_iter()
        .map(|mut of_step| {
            of_step.sort_by(f64::total_cmp);
            LEVELS.map(|level| linear_sorted(&of_step, level).unwrap_or(0.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantile::MEDIAN;
    use proptest::prelude::*;

    /// A wave of events, and deaths that follow it by the law of the module.
    fn wave(ratio: f64, delay: f64) -> (Vec<f64>, Vec<f64>) {
        let events: Vec<f64> = (0..40).map(|t| 2000.0 + 1500.0 * (f64::from(t) * 0.35).sin()).collect();
        let weights = delay_weights(delay, 0.6);
        let deaths = (0..40)
            .map(|t| (0..LONGEST.min(t + 1)).map(|k| ratio * weights[k] * events[t - k]).sum())
            .collect();
        (events, deaths)
    }

    #[test]
    fn a_known_ratio_and_delay_come_back() {
        let (events, deaths) = wave(0.05, 2.5);
        let found = secondary(&events, &deaths, 4, &SecondaryConfig::default()).unwrap();
        assert!((found.ratio.0 - 0.05).abs() < 1e-4, "{found:?}");
        assert_eq!((found.delay, found.dispersion), (2.5, 1.0));
        assert!(found.ahead.iter().all(|q| q[0] < q[MEDIAN] && q[MEDIAN] < q[22]));
        let width = |q: &Quantiles| q[21] / q[1];
        assert!(width(&found.ahead[0]) < width(&found.ahead[3]), "the band widens");
    }

    #[test]
    fn too_little_is_refused() {
        let (events, deaths) = wave(0.001, 2.0);
        let few = secondary(&events, &deaths, 4, &SecondaryConfig::default());
        assert!(matches!(few, Err(Error::TooFew { .. })), "{few:?}");
        assert!(secondary(&events[..20], &deaths[..20], 4, &SecondaryConfig::default()).is_err());
        assert!(secondary(&events, &deaths[1..], 4, &SecondaryConfig::default()).is_err());
        assert!(secondary(&[0.0; 40], &[5.0; 40], 4, &SecondaryConfig::default()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn quantiles_are_ordered_and_finite(
            events in prop::collection::vec(0.0..5000.0_f64, 40),
            deaths in prop::collection::vec(0.0..200.0_f64, 40),
        ) {
            let config = SecondaryConfig { draws: 100, ..SecondaryConfig::default() };
            if let Ok(found) = secondary(&events, &deaths, 4, &config) {
                for q in &found.ahead {
                    prop_assert!(q.iter().all(|v| v.is_finite() && *v >= 0.0));
                    prop_assert!(q.windows(2).all(|w| w[0] <= w[1]));
                }
            }
        }
    }
}
