//! Draws of the deaths ahead, and of the ratio, over all delays.

use super::SecondaryConfig;
use super::fit::Fit;
use crate::quantile::{LEVELS, Quantiles, linear_sorted};
use crate::rng::Rng;
use crate::special::gamma_quantile;

/// Bound of a weekly change of events, on the log scale: a doubling. More is a change of reporting.
const MOST_CHANGE: f64 = std::f64::consts::LN_2;

/// Draws of each of the weeks ahead, and the ratios that they were made with. Each delay has as many as its weight.
pub(super) fn draws(
    events: &[f64],
    steps: usize,
    fits: &[Fit],
    best: &Fit,
    config: &SecondaryConfig,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let logs: Vec<f64> = events.iter().map(|e| (e + 1.0).ln()).collect();
    let recent = &logs[logs.len().saturating_sub(config.window)..];
    let changes: Vec<f64> =
        recent.windows(2).map(|w| (w[1] - w[0]).clamp(-MOST_CHANGE, MOST_CHANGE)).collect();
    let mut rng = Rng::new(config.seed, &[]);
    let mut drawn = vec![Vec::with_capacity(config.draws); steps];
    let mut ratios = Vec::with_capacity(config.draws);
    let weight = |f: &Fit| ((best.scatter - f.scatter) / (2.0 * best.dispersion)).exp();
    let total: f64 = fits.iter().map(weight).sum();
    let mut until = 0.0;
    for fit in fits {
        until += weight(fit) / total;
        let wanted = ((until * config.draws as f64).round() as usize).saturating_sub(ratios.len());
        let (shape, scale) = ((fit.ratio / fit.error).powi(2), fit.error.powi(2) / fit.ratio);
        for draw in 0..wanted {
            // The ratio by its own evenly spaced quantiles; the rest at random.
            let ratio = gamma_quantile((draw as f64 + 0.5) / wanted as f64, shape, scale);
            ratios.push(ratio);
            let mut path = events.to_vec();
            let mut level = logs.last().copied().unwrap_or(0.0);
            for of_step in &mut drawn {
                let change = changes.get(rng.below(changes.len())).copied().unwrap_or(0.0);
                level += if rng.bits() & 1 == 0 { change } else { -change };
                path.push((level.exp() - 1.0).max(0.0));
                let back = path.iter().rev().zip(&fit.shares);
                let mean = ratio * back.map(|(e, w)| e * w).sum::<f64>();
                // A gamma law with the variance dispersion × mean: a smooth negative binomial.
                let at = rng.uniform().clamp(1e-9, 1.0 - 1e-9);
                of_step.push(if mean > 1e-9 {
                    gamma_quantile(at, mean / fit.dispersion, fit.dispersion)
                } else {
                    0.0
                });
            }
        }
    }
    (drawn, ratios)
}

/// The hubs' quantiles of each week.
pub(super) fn quantiles(drawn: Vec<Vec<f64>>) -> Vec<Quantiles> {
    drawn
        .into_iter()
        .map(|mut of_step| {
            of_step.sort_by(f64::total_cmp);
            LEVELS.map(|level| linear_sorted(&of_step, level).unwrap_or(0.0))
        })
        .collect()
}
