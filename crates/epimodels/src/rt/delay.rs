use serde::{Deserialize, Serialize};

use crate::Error;
use crate::special::gamma_cdf;

/// Longest delay in days that is kept.
const LONGEST: usize = 60;
/// What lies beyond the longest delay that is kept, at most.
const TAIL: f64 = 1e-4;

/// The law of the time from an infection to the day by which it is reported: probabilities of 0, 1, 2, … days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delay(Vec<f64>);

impl Delay {
    /// Reported on the day of the infection.
    #[must_use]
    pub fn none() -> Self {
        Self(vec![1.0])
    }

    /// Probabilities of 0, 1, 2, … days.
    ///
    /// # Errors
    /// [`Error::Argument`] unless they are not negative and sum to 1 (within 0.01).
    pub fn given(probabilities: Vec<f64>) -> Result<Self, Error> {
        let sum: f64 = probabilities.iter().sum();
        if probabilities.iter().any(|p| p.is_nan() || *p < 0.0) || (sum - 1.0).abs() > 0.01 {
            return Err(Error::Argument { name: "delay", reason: "must not be negative and sum to 1" });
        }
        Ok(Self(probabilities.into_iter().map(|p| p / sum).collect()))
    }

    /// A sum of stages (incubation, then report), each given by mean and standard deviation in days: the gamma law
    /// with the mean and the variance of the sum.
    ///
    /// In whole days: an infection may happen at any time of its day, so the probability of k days is the second
    /// difference of ∫F (interval censoring at both ends, as `EpiNow2` and `primarycensored` have it). What lies
    /// beyond 60 days, or beyond all but 1e-4, is shared out.
    ///
    /// # Errors
    /// [`Error::Argument`] for no stage, or a mean or deviation that is not positive.
    pub fn stages(stages: &[(f64, f64)]) -> Result<Self, Error> {
        let mean: f64 = stages.iter().map(|s| s.0).sum();
        let variance: f64 = stages.iter().map(|s| s.1 * s.1).sum();
        let sound = |v: f64| v.is_finite() && v > 0.0;
        if stages.is_empty() || stages.iter().any(|(m, s)| !sound(*m) || !sound(*s)) {
            return Err(Error::Argument {
                name: "delay",
                reason: "needs a positive mean and deviation of each stage",
            });
        }
        let (shape, scale) = (mean * mean / variance, variance / mean);
        // ∫₀ˣ F = x·F(x; a) − a·θ·F(x; a + 1)
        let integral = |x: f64| {
            if x <= 0.0 {
                return 0.0;
            }
            x * gamma_cdf(shape, x / scale) - shape * scale * gamma_cdf(shape + 1.0, x / scale)
        };
        let mut probabilities = Vec::new();
        let mut total = 0.0;
        while probabilities.len() < LONGEST && total < 1.0 - TAIL {
            let k = probabilities.len() as f64;
            let p = (integral(k + 1.0) - 2.0 * integral(k) + integral(k - 1.0)).max(0.0);
            total += p;
            probabilities.push(p);
        }
        Ok(Self(probabilities.into_iter().map(|p| p / total).collect()))
    }

    /// Probabilities of 0, 1, 2, … days.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.0
    }

    /// Mean in days.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.0.iter().enumerate().map(|(k, p)| k as f64 * p).sum()
    }

    /// Probability of at most `days` days; 0 for a negative number.
    #[must_use]
    pub fn within(&self, days: i64) -> f64 {
        let count = usize::try_from(days + 1).unwrap_or(0);
        self.0.iter().take(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_their_means_and_variances() {
        let d = Delay::stages(&[(1.5, 0.7), (4.0, 2.0)]).unwrap();
        let variance: f64 =
            d.probabilities().iter().enumerate().map(|(k, p)| p * (k as f64 - d.mean()).powi(2)).sum();
        assert!((d.probabilities().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((d.mean() - 5.5).abs() < 0.01, "{}", d.mean());
        // A day of infection and a day of report that are each known to the day add 1/12 each.
        assert!((variance - (0.49 + 4.0 + 1.0 / 6.0)).abs() < 0.05, "{variance}");
        assert!((d.within(3) - d.probabilities()[..4].iter().sum::<f64>()).abs() < 1e-12);
        assert!(d.within(-1) == 0.0 && (d.within(1000) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_exponential_delay_equals_its_closed_form() {
        // ∫∫ over both days of exp(−x): P(0) = e⁻¹, P(k) = e^(−k)·(e − 2 + e⁻¹).
        let d = Delay::stages(&[(1.0, 1.0)]).unwrap();
        let e = std::f64::consts::E;
        assert!((d.probabilities()[0] - 1.0 / e).abs() < 2e-4);
        assert!((d.probabilities()[2] - (-2.0_f64).exp() * (e - 2.0 + 1.0 / e)).abs() < 1e-4);
    }

    #[test]
    fn bad_delays_are_named() {
        assert!(Delay::stages(&[]).is_err() && Delay::stages(&[(0.0, 1.0)]).is_err());
        assert!(Delay::given(vec![0.5, 0.2]).is_err() && Delay::given(vec![1.5, -0.5]).is_err());
    }
}
