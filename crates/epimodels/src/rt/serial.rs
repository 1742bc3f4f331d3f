use serde::{Deserialize, Serialize};

use crate::Error;
use crate::special::gamma_cdf;

/// The law of the time between the infections of a case and of those whom it infects, in time steps (days).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SerialInterval {
    /// Probabilities of 0, 1, 2, … steps; the first is 0.
    Given(Vec<f64>),
    /// A gamma law shifted by one step and discretised, with this mean (> 1) and standard deviation.
    ShiftedGamma {
        /// Mean, in steps.
        mean: f64,
        /// Standard deviation, in steps.
        sd: f64,
    },
}

impl SerialInterval {
    /// Probabilities of 0, 1, 2, … steps.
    ///
    /// # Errors
    /// [`Error::Argument`] unless they begin with 0, are not negative and sum to 1 (within 0.01).
    pub fn given(probabilities: Vec<f64>) -> Result<Self, Error> {
        let sum: f64 = probabilities.iter().sum();
        let sound = probabilities.first() == Some(&0.0) && probabilities.iter().all(|p| *p >= 0.0);
        if !sound || (sum - 1.0).abs() > 0.01 {
            return Err(Error::Argument {
                name: "serial interval",
                reason: "must begin with 0 and sum to 1",
            });
        }
        Ok(Self::Given(probabilities))
    }

    /// A shifted gamma law as EpiEstim's `discr_si` has it (Cori et al. 2013, web appendix 11).
    ///
    /// # Errors
    /// [`Error::Argument`] unless mean > 1 and sd > 0.
    pub fn shifted_gamma(mean: f64, sd: f64) -> Result<Self, Error> {
        if mean.is_nan() || mean <= 1.0 || !mean.is_finite() {
            return Err(Error::Argument {
                name: "mean",
                reason: "of the serial interval must be over 1 step",
            });
        }
        if sd.is_nan() || sd <= 0.0 || !sd.is_finite() {
            return Err(Error::Argument { name: "sd", reason: "of the serial interval must be positive" });
        }
        Ok(Self::ShiftedGamma { mean, sd })
    }

    /// Probabilities of 0..`steps` − 1 steps (no more than given).
    #[must_use]
    pub fn weights(&self, steps: usize) -> Vec<f64> {
        match self {
            Self::Given(p) => p.iter().copied().take(steps).collect(),
            Self::ShiftedGamma { mean, sd } => discretised(steps, *mean, *sd),
        }
    }

    /// The daily growth rate r at which this law gives the reproduction number `r_number` (Wallinga and
    /// Lipsitch 2007): the root of R·Σ wₛ·exp(−r·s) = 1.
    #[must_use]
    pub fn growth_rate(&self, r_number: f64) -> f64 {
        if r_number.is_nan() || r_number <= 0.0 {
            return -2.0;
        }
        let weights = self.weights(100);
        let total = |r: f64| {
            r_number * weights.iter().enumerate().map(|(s, w)| w * (-r * s as f64).exp()).sum::<f64>()
        };
        let (mut low, mut high) = (-2.0, 5.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if total(middle) > 1.0 { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

/// EpiEstim's `discr_si(k, mu, sigma)` for k = 0..`steps`.
fn discretised(steps: usize, mean: f64, sd: f64) -> Vec<f64> {
    let shape = ((mean - 1.0) / sd).powi(2);
    let scale = sd * sd / (mean - 1.0);
    // Each value of the two distribution functions is used by three steps.
    let cdf = |a: f64| -> Vec<f64> { (-2..steps as i64).map(|k| gamma_cdf(a, k as f64 / scale)).collect() };
    let of = |(k, (f, g)): (usize, (&[f64], &[f64]))| {
        let k = k as f64;
        let first = k * f[2] + (k - 2.0) * f[0] - 2.0 * (k - 1.0) * f[1];
        let next = 2.0 * g[1] - g[0] - g[2];
        (first + shape * scale * next).max(0.0)
    };
    cdf(shape).windows(3).zip(cdf(shape + 1.0).windows(3)).enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_discretised_law_equals_epiestim_2_2_4() {
        let wanted = [
            0.0,
            0.000673322916107,
            0.012173576884086,
            0.042669008807480,
            0.077846912408417,
            0.104057252291222,
            0.116513502519411,
            0.116448777912805,
            0.107555560918399,
            0.093752274868473,
            0.078180054529129,
        ];
        let found = SerialInterval::shifted_gamma(8.4, 3.8).unwrap().weights(11);
        for (have, want) in found.iter().zip(wanted) {
            assert!((have - want).abs() < 1e-12, "{have} is not {want}");
        }
    }

    #[test]
    fn growth_is_zero_where_r_is_one() {
        let si = SerialInterval::shifted_gamma(3.6, 1.6).unwrap();
        assert!(si.growth_rate(1.0).abs() < 1e-6 && si.growth_rate(1.5) > 0.1 && si.growth_rate(0.5) < 0.0);
        assert!(
            SerialInterval::given(vec![0.5, 0.5]).is_err()
                && SerialInterval::shifted_gamma(1.0, 1.0).is_err()
        );
    }
}
