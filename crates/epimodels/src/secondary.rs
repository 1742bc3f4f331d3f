//! Deaths ahead from cases or admissions: a delayed convolution with an estimated fatality ratio.
//!
//! The same idea as `estimate_secondary` of EpiNow2 (Abbott et al.), reduced to closed forms: expected deaths of a
//! week are ratio × Σₖ wₖ·(events k weeks before), w a gamma law of the delay, discretised by weeks. The mean of
//! the delay is the one on a grid that fits the past best; the ratio is the quasi-Poisson estimate on the last
//! weeks, of which older ones count less, because treatment, age and testing change it; the scatter of deaths
//! about their expectation is measured on the same weeks. Events that have not happened yet are drawn as the
//! hubs' baseline draws them: as today, with the weekly changes of the past, up or down.
//! The band of the delay is that of a profile likelihood: delays whose weighted scatter, the ratio fitted anew for each, is
//! above the smallest by less than the 95 % quantile of χ² with one degree of freedom, times the dispersion; its ends are the
//! next delays of the grid that are not. Since older weeks count less, it holds the delay more often than in 95 of 100.
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

/// Shortest and longest mean delay that [`SecondaryConfig::default`] tries, in weeks, by quarters of a week.
pub const DELAYS: [f64; 2] = [0.25, 4.0];

impl Default for SecondaryConfig {
    fn default() -> Self {
        let quarters = DELAYS.map(|weeks| (weeks * 4.0) as u32);
        let delays = (quarters[0]..=quarters[1]).map(|quarter| f64::from(quarter) / 4.0).collect();
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
    /// Its 95 % band, of the delays that were tried: an end of the grid means "no more is known in this direction".
    pub delay_band: (f64, f64),
    /// Variance of deaths over their expectation (1: Poisson; at least 1).
    pub dispersion: f64,
    /// Quantiles of the deaths of the weeks 1, 2, … after the last one given.
    pub ahead: Vec<Quantiles>,
}

/// Bound of a weekly change of events, on the log scale: a doubling. More is a change of reporting.
const MOST_CHANGE: f64 = std::f64::consts::LN_2;

/// 95 % quantile of χ² with one degree of freedom.
const CHI_SQUARED_95: f64 = 3.841_458_820_694_124;

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
    let fits: Vec<Fit> =
        config.delays.iter().map(|delay| fit(*delay)).filter(|f| f.0.is_finite() && f.1 > 0.0).collect();
    let likely = |least: f64, dispersion: f64| {
        let inside = |f: &&Fit| f.0 - least <= CHI_SQUARED_95 * dispersion;
        let ends = (fits.iter().position(|f| inside(&f)), fits.iter().rposition(|f| inside(&f)));
        let (first, last) = (ends.0.unwrap_or(0), ends.1.unwrap_or(fits.len() - 1));
        (fits[first.saturating_sub(1)].2, fits[(last + 1).min(fits.len() - 1)].2)
    };
    let best = fits.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(least, ratio, delay, dispersion, effective, ref weights)) = best else {
        return Err(Error::TooFew { what: "events before the deaths", found: 0, needed: 1 });
    };
    let delay_band = likely(least, dispersion);
    let error = ratio * (dispersion / effective).sqrt();
    let law = Law { ratio, error, dispersion, weights };
    let ahead = ahead(events, steps, &law, config);
    Ok(Secondary { ratio: (ratio, error), delay, delay_band, dispersion, ahead })
}

/// Shares of the deaths in the week of the event and in each of the weeks after it.
fn delay_weights(mean: f64, spread: f64) -> Vec<f64> {
    let (shape, scale) = (1.0 / spread.powi(2), mean * spread.powi(2));
    let cdf = |at: f64| gamma_cdf(shape, at.max(0.0) / scale);
    let raw: Vec<f64> = (0..LONGEST).map(|k| cdf(k as f64 + 0.5) - cdf(k as f64 - 0.5)).collect();
    let total: f64 = raw.iter().sum();
    raw.into_iter().map(|w| w / total).collect()
}

/// Scatter, ratio, delay, dispersion, effective deaths and weights of the fit with one delay.
type Fit = (f64, f64, f64, f64, f64, Vec<f64>);

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
        assert!(found.delay_band.0 <= 2.5 && found.delay_band.1 >= 2.5, "{found:?}");
        assert!(found.ahead.iter().all(|q| q[0] < q[MEDIAN] && q[MEDIAN] < q[22]));
        let width = |q: &Quantiles| q[21] / q[1];
        assert!(width(&found.ahead[0]) < width(&found.ahead[3]), "the band widens");
    }

    #[test]
    fn the_band_of_the_delay_holds_it_at_least_as_often_as_it_says_and_narrows_with_the_counts() {
        let config = SecondaryConfig { draws: 2, ..SecondaryConfig::default() };
        let mut widths = Vec::new();
        for scale in [1.0, 100.0] {
            let (mut held, mut width) = (0, 0.0);
            for seed in 0..300_u64 {
                let mut rng = crate::rng::Rng::new(seed, &[7]);
                let shift = 18.0 * rng.uniform();
                let events: Vec<f64> = (0..40)
                    .map(|t| scale * (2000.0 + 1500.0 * ((f64::from(t) + shift) * 0.35).sin()))
                    .collect();
                let weights = delay_weights(2.4, 0.6);
                let deaths: Vec<f64> = (0..40_usize)
                    .map(|t| {
                        let back = 0..LONGEST.min(t + 1);
                        let mean: f64 = back.map(|k| 0.05 * weights[k] * events[t - k]).sum();
                        gamma_quantile(rng.uniform().clamp(1e-9, 1.0 - 1e-9), mean, 1.0)
                    })
                    .collect();
                let found = secondary(&events, &deaths, 1, &config).unwrap();
                let (low, high) = found.delay_band;
                held += usize::from((low..=high).contains(&2.4));
                width += (high - low) / 300.0;
            }
            assert!(held >= 285, "scale {scale}: held {held} of 300 times");
            widths.push(width);
        }
        assert!(widths[1] < 0.5 * widths[0], "{widths:?}");
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
