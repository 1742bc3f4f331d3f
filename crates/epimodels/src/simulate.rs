//! A small seeded renewal simulator, for tests and for examples.

use crate::rng::Rng;
use crate::rt::{Delay, SerialInterval};

/// A renewal process: Iₜ ~ Poisson(Rₜ·Σₛ wₛ·Iₜ₋ₛ) after the initial steps.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// R of each simulated step, initial steps included (their R is not used).
    pub r: Vec<f64>,
    /// Serial interval, in the same steps.
    pub si: SerialInterval,
    /// Counts of the first steps.
    pub initial: Vec<f64>,
    /// Seed.
    pub seed: u64,
}

/// Counts of each step, as many as `process.r` has entries.
#[must_use]
pub fn simulate(process: &Renewal) -> Vec<f64> {
    let mut rng = Rng::new(process.seed, &[]);
    let weights = process.si.weights(process.r.len().max(1));
    let mut counts: Vec<f64> = process.initial.iter().copied().take(process.r.len()).collect();
    for t in counts.len()..process.r.len() {
        let force: f64 = (1..=t).map(|s| weights.get(s).copied().unwrap_or(0.0) * counts[t - s]).sum();
        counts.push(poisson(&mut rng, process.r[t] * force));
    }
    counts
}

/// How infections become reports.
#[derive(Debug, Clone)]
pub struct Reporting {
    /// From infection to report, in days.
    pub delay: Delay,
    /// Share of infections that are ever reported.
    pub share: f64,
    /// Deviation of a week's reporting about that share, as a share of it.
    pub relative: f64,
    /// Share of the reports of the weeks of age 0, 1, … weeks that is known; older weeks are whole.
    pub known: Vec<f64>,
    /// Seed.
    pub seed: u64,
}

/// Weekly reports of daily infections: of the whole weeks from day `first` on, all that will be reported, and what of
/// it is known at the end.
#[must_use]
pub fn report(infections: &[f64], first: usize, how: &Reporting) -> (Vec<f64>, Vec<f64>) {
    let mut rng = Rng::new(how.seed, &[1]);
    let on = |day: usize| -> f64 {
        let back = infections[..=day].iter().rev();
        how.delay.probabilities().iter().zip(back).map(|(p, i)| p * i).sum()
    };
    let weeks = infections.len().saturating_sub(first) / 7;
    let (mut all, mut known) = (Vec::new(), Vec::new());
    for week in 0..weeks {
        let day = first + 7 * week;
        let expected = how.share * (day..day + 7).map(on).sum::<f64>();
        let z = crate::special::probit(rng.uniform().max(1e-16));
        // A log-normal factor of mean 1.
        let factor = (how.relative * z - how.relative.powi(2) / 2.0).exp();
        let reported = poisson(&mut rng, expected * factor);
        let share = how.known.get(weeks - 1 - week).copied().unwrap_or(1.0);
        let missed = poisson(&mut rng, reported * (1.0 - share)).min(reported);
        all.push(reported);
        known.push(reported - missed);
    }
    (all, known)
}

/// A Poisson draw: by products of uniforms (Knuth) below 30, above by a normal law with continuity correction,
/// whose error is far below what a test of an estimator can see.
fn poisson(rng: &mut Rng, mean: f64) -> f64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0.0;
    }
    if mean > 30.0 {
        let z = crate::special::probit(rng.uniform().max(1e-16));
        return (mean + mean.sqrt() * z + 0.5).floor().max(0.0);
    }
    let floor = (-mean).exp();
    let (mut product, mut count) = (rng.uniform(), 0.0);
    while product > floor {
        product *= rng.uniform();
        count += 1.0;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_and_variance_of_poisson() {
        let mut rng = Rng::new(3, &[]);
        for mean in [0.7, 12.0, 80.0] {
            let draws: Vec<f64> = (0..20_000).map(|_| poisson(&mut rng, mean)).collect();
            let m = draws.iter().sum::<f64>() / 2e4;
            let v = draws.iter().map(|d| (d - m).powi(2)).sum::<f64>() / 2e4;
            assert!((m / mean - 1.0).abs() < 0.04 && (v / mean - 1.0).abs() < 0.06, "{mean}: {m}, {v}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_epidemic() {
        let si = SerialInterval::given(vec![0.0, 0.5, 0.5]).unwrap();
        let process = Renewal { r: vec![1.2; 30], si, initial: vec![10.0, 10.0], seed: 9 };
        assert_eq!(simulate(&process), simulate(&process));
        assert_eq!(simulate(&process).len(), 30);
    }
}
