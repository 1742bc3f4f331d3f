use super::latent::{Latent, Path};
use crate::recipe::Cholesky;

/// Rounds of Gauss–Newton at most.
const ROUNDS: usize = 60;
/// The largest change of θ below which it stands: near enough to weigh a setting, and for a setting that counts.
pub(super) const NEAR: f64 = 1e-3;
pub(super) const STANDS: f64 = 1e-11;

/// What scatters: R from week to week, reports about their expectation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scatter {
    /// Standard deviation of the change of ln R from week to week.
    pub(super) step: f64,
    /// Variance of reports = linear·μ + (relative·μ)².
    pub(super) linear: f64,
    pub(super) relative: f64,
}

/// A normal law about the most probable θ.
pub(super) struct Laplace {
    pub(super) mode: Vec<f64>,
    pub(super) precision: Cholesky,
    /// ln of how probable the reports are with this scatter.
    pub(super) evidence: f64,
}

/// Finds the most probable θ from `start`, until it changes by less than `stands`, and the normal law about it.
pub(super) fn laplace(latent: &Latent<'_>, scatter: Scatter, start: &[f64], stands: f64) -> Laplace {
    let (weeks, size) = latent.size();
    let (diagonal, beside, mean) = latent.prior(scatter.step);
    let prior = |theta: &[f64]| {
        let mut product = vec![0.0; size];
        for i in 0..size {
            product[i] += diagonal[i] * (theta[i] - mean[i]);
            if i > 0 && i < weeks {
                product[i] += beside * (theta[i - 1] - mean[i - 1]);
                product[i - 1] += beside * (theta[i] - mean[i]);
            }
        }
        product
    };
    let distance = |theta: &[f64]| -> f64 {
        prior(theta).iter().zip(theta.iter().zip(&mean)).map(|(p, (t, m))| p * (t - m)).sum()
    };
    let worth = |theta: &[f64], path: &Path| {
        let of_reports: f64 =
            latent.reports.iter().zip(&path.expected).map(|(y, m)| scatter.likelihood(*y, *m)).sum();
        of_reports - 0.5 * distance(theta)
    };
    let curvature = |theta: &[f64], path: &Path| {
        let rows = latent.jacobian(theta, path);
        let mut h = vec![0.0; size * size];
        let mut gradient: Vec<f64> = prior(theta).into_iter().map(|p| -p).collect();
        for (row, (y, expected)) in rows.chunks_exact(size).zip(latent.reports.iter().zip(&path.expected)) {
            let weight = 1.0 / scatter.variance(*expected);
            for (i, d) in row.iter().enumerate().filter(|(_, d)| **d != 0.0) {
                gradient[i] += d * (y - expected) * weight;
                for (cell, other) in h[i * size..].iter_mut().zip(&row[..=i]) {
                    *cell += d * other * weight;
                }
            }
        }
        for i in 0..size {
            h[i * size + i] += diagonal[i];
            if i > 0 && i < weeks {
                h[i * size + i - 1] += beside;
            }
        }
        (Cholesky::new(h, size), gradient)
    };
    let mut theta = start.to_vec();
    let mut path = latent.path(&theta);
    let mut best = worth(&theta, &path);
    for _ in 0..ROUNDS {
        let (factor, mut step) = curvature(&theta, &path);
        factor.solve(&mut step);
        let mut length = 1.0;
        let moved = loop {
            let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t + length * s).collect();
            let of_next = latent.path(&next);
            let value = worth(&next, &of_next);
            if value >= best || length < 1e-6 {
                break (next, of_next, value);
            }
            length *= 0.5;
        };
        let largest = step.iter().fold(0.0, |most: f64, s| most.max((length * s).abs()));
        // Not a number, or worse at any length: θ stands where it is.
        if moved.2.is_nan() || moved.2 < best {
            break;
        }
        (theta, path, best) = moved;
        if largest < stands {
            break;
        }
    }
    let (precision, _) = curvature(&theta, &path);
    let normal = |(y, m): (&f64, &f64)| {
        let v = scatter.variance(*m);
        -0.5 * ((std::f64::consts::TAU * v).ln() + (y - m).powi(2) / v)
    };
    let fits: f64 = latent.reports.iter().zip(&path.expected).map(normal).sum();
    let evidence = fits - 0.5 * distance(&theta)
        + 0.5 * (latent.prior_log_determinant(scatter.step) - precision.log_determinant());
    Laplace { mode: theta, precision, evidence }
}

impl Scatter {
    fn variance(&self, expected: f64) -> f64 {
        let m = expected.max(1e-6);
        self.linear * m + (self.relative * m).powi(2)
    }

    /// The quasi-likelihood of this variance: ∫ (y − u)/V(u) du up to the expectation. With `linear` = 1 that of a
    /// negative binomial law.
    fn likelihood(&self, y: f64, expected: f64) -> f64 {
        let m = expected.max(1e-6);
        let (a, b) = (self.linear, self.relative * self.relative);
        y / a * m.ln() - (y / a + 1.0 / b) * (a + b * m).ln()
    }
}
