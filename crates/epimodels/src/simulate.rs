//! A small seeded renewal simulator, for tests and for examples.

use crate::rng::Rng;
use crate::rt::SerialInterval;

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
