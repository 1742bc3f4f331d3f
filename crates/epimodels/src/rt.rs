//! The instantaneous reproduction number of Cori, Ferguson, Fraser and Cauchemez 2013 ("A new framework and
//! software to estimate time-varying reproduction numbers during epidemics"), equal to R EpiEstim's
//! `estimate_R` for the methods `parametric_si` and `non_parametric_si`.
//!
//! [`estimate`] and [`estimate_weekly`] have no delay in them: R is dated by the report, and the youngest weeks are
//! taken as they stand. [`estimate_delayed`] dates it by the infection and corrects what is still missing. None of them
//! knows of a change of ascertainment: it looks like a change in R.

mod delay;
mod delayed;
mod effective;
mod growth;
mod laplace;
mod latent;
mod serial;
mod truncation;
mod weekly;

pub use delay::Delay;
pub use delayed::{Band, DelayedConfig, DelayedEstimate, estimate_delayed};
pub use effective::{dispersions, enough};
pub use growth::{Growth, growth};
pub use serial::SerialInterval;
pub use truncation::{INCOMPLETE, Missing, growths, missing};
pub use weekly::{WeeklyConfig, estimate_weekly};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::special::gamma_quantiles;

/// Prior and windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RtConfig {
    /// Mean of the gamma prior of R.
    pub mean_prior: f64,
    /// Standard deviation of the gamma prior of R.
    pub sd_prior: f64,
    /// First and last time step of each window, counted from 1, both inside. `None`: EpiEstim's default, all
    /// windows of 7 steps that begin at step 2 or later.
    pub windows: Option<Vec<(usize, usize)>>,
}

impl Default for RtConfig {
    fn default() -> Self {
        Self { mean_prior: 5.0, sd_prior: 5.0, windows: None }
    }
}

/// Posterior of R in one window: a gamma law.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RtEstimate {
    /// First step of the window, counted from 1.
    pub start: usize,
    /// Last step of the window.
    pub end: usize,
    /// Posterior mean.
    pub mean: f64,
    /// Posterior standard deviation.
    pub sd: f64,
    /// Posterior quantiles at .025, .05, .25, .5, .75, .95, .975.
    pub quantiles: [f64; 7],
    /// Shape of the posterior.
    pub shape: f64,
    /// Scale of the posterior.
    pub scale: f64,
}

/// Levels of [`RtEstimate::quantiles`].
pub const RT_LEVELS: [f64; 7] = [0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975];

/// R in each window of a series of counts per time step (persons; finite, not negative). Windows that end
/// before the mean serial interval has passed give no estimate, as in EpiEstim, and are left out.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two steps, [`Error::Argument`] for a negative or infinite count, a prior
/// that is not positive or a window outside the series.
pub fn estimate(incidence: &[f64], si: &SerialInterval, config: &RtConfig) -> Result<Vec<RtEstimate>, Error> {
    let steps = incidence.len();
    if steps < 2 {
        return Err(Error::TooFew { what: "reproduction number", found: steps, needed: 2 });
    }
    if incidence.iter().any(|i| !i.is_finite() || *i < 0.0) {
        return Err(Error::Argument { name: "incidence", reason: "must be finite and not negative" });
    }
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if !positive(config.mean_prior) || !positive(config.sd_prior) {
        return Err(Error::Argument { name: "mean_prior, sd_prior", reason: "must be positive" });
    }
    let weights = si.weights(steps);
    let mean_si: f64 = weights.iter().enumerate().map(|(k, w)| k as f64 * w).sum();
    let infectivity = overall_infectivity(incidence, &weights);
    let (shape, scale) =
        (config.mean_prior.powi(2) / config.sd_prior.powi(2), config.sd_prior.powi(2) / config.mean_prior);
    let default = || (2..).map(|s| (s, s + 6)).take_while(|(_, end)| *end <= steps).collect();
    let windows: Vec<(usize, usize)> = config.windows.clone().unwrap_or_else(default);
    if windows.iter().any(|(start, end)| *start < 2 || start > end || *end > steps) {
        return Err(Error::Argument {
            name: "windows",
            reason: "must start at step 2 or later and end in the series",
        });
    }
    let posterior = |(start, end): (usize, usize)| {
        let cases: f64 = incidence[start - 1..end].iter().sum();
        let force: f64 = infectivity[start - 1..end].iter().sum();
        let (a, b) = (shape + cases, 1.0 / (1.0 / scale + force));
        let quantiles = gamma_quantiles(RT_LEVELS, a, b);
        RtEstimate { start, end, mean: a * b, sd: a.sqrt() * b, quantiles, shape: a, scale: b }
    };
    Ok(windows.into_iter().filter(|(_, end)| *end as f64 > mean_si).map(posterior).collect())
}

/// Λₜ = Σₛ wₛ·Iₜ₋ₛ, zero at the first step.
fn overall_infectivity(incidence: &[f64], weights: &[f64]) -> Vec<f64> {
    let later = weights.get(1..).unwrap_or_default();
    let at = |t: usize| later.iter().zip(incidence[..t].iter().rev()).map(|(w, i)| w * i).sum();
    (0..incidence.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EpiEstim's data set `Flu2009`: daily onsets in a school, 2009-04-27 to 2009-05-28, and its serial interval.
    const FLU_2009: [f64; 32] = [
        1., 1., 0., 2., 5., 3., 3., 3., 6., 2., 5., 9., 13., 12., 13., 11., 12., 6., 6., 6., 3., 1., 0., 2.,
        0., 0., 0., 0., 2., 0., 2., 0.,
    ];
    const FLU_2009_SI: [f64; 12] =
        [0.0, 0.233, 0.359, 0.198, 0.103, 0.053, 0.027, 0.014, 0.007, 0.003, 0.002, 0.001];

    /// Rows of `estimate_R(...)$R` of EpiEstim 2.2.4 under R 4.2.2: start, end, mean, sd, seven quantiles.
    fn check(found: &[RtEstimate], count: usize, wanted: &[[f64; 11]]) {
        assert_eq!(found.len(), count);
        for row in wanted {
            let e = found.iter().find(|e| e.start as f64 == row[0]).unwrap();
            let all = [e.end as f64, e.mean, e.sd].into_iter().chain(e.quantiles);
            for (have, want) in all.zip(&row[1..]) {
                assert!((have - want).abs() < 1e-9, "window {}: {have} is not {want}", e.start);
            }
        }
    }

    #[test]
    fn a_given_serial_interval_equals_epiestim() {
        let si = SerialInterval::given(FLU_2009_SI.to_vec()).unwrap();
        let found = estimate(&FLU_2009, &si, &RtConfig::default()).unwrap();
        check(
            &found,
            25,
            &[
                [
                    2.,
                    8.,
                    1.73560890946,
                    0.409086943122,
                    1.02863183689,
                    1.12181125344,
                    1.44504093271,
                    1.70357597317,
                    1.9913034198,
                    2.4587050509,
                    2.62449588428,
                ],
                [
                    11.,
                    17.,
                    1.40837240331,
                    0.161551394235,
                    1.10963726769,
                    1.15358843666,
                    1.29630525112,
                    1.40220017096,
                    1.51371313492,
                    1.68421182785,
                    1.74217796358,
                ],
                [
                    26.,
                    32.,
                    1.00401606426,
                    0.449009634036,
                    0.326001283156,
                    0.395612363064,
                    0.676425780317,
                    0.937933510602,
                    1.25992584306,
                    1.83805602945,
                    2.05654391072,
                ],
            ],
        );
    }

    #[test]
    fn a_parametric_serial_interval_equals_epiestim() {
        let si = SerialInterval::shifted_gamma(2.6, 1.5).unwrap();
        let found = estimate(&FLU_2009, &si, &RtConfig::default()).unwrap();
        check(
            &found,
            25,
            &[
                [
                    2.,
                    8.,
                    1.73579766369,
                    0.409131432922,
                    1.02874370461,
                    1.12193325479,
                    1.44519808655,
                    1.7037612437,
                    1.99151998181,
                    2.45897244466,
                    2.62478130844,
                ],
                [
                    11.,
                    17.,
                    1.408721673,
                    0.161591458215,
                    1.10991245248,
                    1.15387452113,
                    1.29662672869,
                    1.40254790997,
                    1.51408852862,
                    1.68462950441,
                    1.74261001547,
                ],
                [
                    26.,
                    32.,
                    0.997535194224,
                    0.446111300847,
                    0.323896962297,
                    0.393058706405,
                    0.672059488058,
                    0.93187919992,
                    1.25179308908,
                    1.82619147601,
                    2.0432690297,
                ],
            ],
        );
    }

    #[test]
    fn own_windows_and_prior_equal_epiestim() {
        let si = SerialInterval::shifted_gamma(8.4, 3.8).unwrap();
        let windows = Some((2..=19).map(|s| (s, s + 13)).collect());
        let found = estimate(&FLU_2009, &si, &RtConfig { mean_prior: 2.0, sd_prior: 1.0, windows }).unwrap();
        check(
            &found,
            18,
            &[
                [
                    2.,
                    15.,
                    4.42553767649,
                    0.491726408499,
                    3.51451572205,
                    3.64895050191,
                    4.08470154306,
                    4.40733897129,
                    4.74654070856,
                    5.26420619149,
                    5.43996515772,
                ],
                [
                    19.,
                    32.,
                    0.289177300778,
                    0.0567123345982,
                    0.188900213728,
                    0.202630389812,
                    0.249179095145,
                    0.285478468435,
                    0.325147009262,
                    0.388343762203,
                    0.410464174372,
                ],
            ],
        );
    }

    #[test]
    fn bad_input_is_named() {
        let si = SerialInterval::given(vec![0.0, 1.0]).unwrap();
        let outside = RtConfig { windows: Some(vec![(1, 3)]), ..RtConfig::default() };
        assert!(estimate(&FLU_2009, &si, &outside).is_err());
        assert!(estimate(&[1.0, f64::NAN], &si, &RtConfig::default()).is_err());
        assert!(estimate(&[1.0], &si, &RtConfig::default()).is_err());
    }
}
