//! Quantiles of the gamma law.
//!
//! For shapes from [`LARGE`] on, Temme's uniform expansion of the distribution function (Temme 1979; Gil, Segura and
//! Temme 2012, "Efficient and accurate algorithms for the computation and inversion of the incomplete gamma function
//! ratios", with its coefficients from a backward recursion), solved on the scale of the normal law. With x = a·λ and
//! η²/2 = λ − 1 − ln λ, w = η·√a is nearly normal: P = Φ(w) − φ(w)·S(η)/√a, where S is a polynomial that depends on
//! the shape a alone. Below, the incomplete gamma function and its derivatives.

use super::{gamma_cdf_times, ln_gamma, probit};

/// The shape from which the expansion is exact to the last digits.
const LARGE: f64 = 20.0;
/// How far from the mean, in η, it is used: its series in η then end below 1e-16.
const FAR: f64 = 0.8;
/// Terms of each series in η.
const TERMS: usize = 30;
/// Terms of the series for Φ(w) − Φ(w − δ), whose δ is below .1.
const NEAR: usize = 12;

/// λ(η) = Σ mₖ·ηᵏ: from η·λ = (λ − 1)·λ′.
const MEAN_RATIO: [f64; TERMS] = mean_ratio();
/// η/(λ − 1) = Σ fₖ·ηᵏ, which is λ′/λ.
const SLOPE: [f64; TERMS] = slope();
/// 1, 1, 1/2, 1/3, …
const RECIPROCAL: [f64; NEAR + 1] = reciprocals();

const fn mean_ratio() -> [f64; TERMS] {
    let mut m = [0.0; TERMS];
    (m[0], m[1]) = (1.0, 1.0);
    let mut n = 3;
    while n <= TERMS {
        let mut sum = 2.0 / n as f64 * m[n - 2];
        let mut i = 2;
        while i < n - 1 {
            sum -= m[i] * m[n - i];
            i += 1;
        }
        m[n - 1] = sum / 2.0;
        n += 1;
    }
    m
}

const fn slope() -> [f64; TERMS] {
    // One term more of λ than is kept would be needed for the last: it is left at 0.
    let m = MEAN_RATIO;
    let mut f = [0.0; TERMS];
    f[0] = 1.0;
    let mut n = 1;
    while n < TERMS - 1 {
        let mut k = 0;
        while k < n {
            f[n] -= f[k] * m[n - k + 1];
            k += 1;
        }
        n += 1;
    }
    f
}

const fn reciprocals() -> [f64; NEAR + 1] {
    let mut r = [1.0; NEAR + 1];
    let mut k = 1;
    while k <= NEAR {
        r[k] = 1.0 / k as f64;
        k += 1;
    }
    r
}

fn polynomial(coefficients: &[f64; TERMS], at: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * at + c)
}

/// The quantile at `p` (0..1) of a gamma law of shape `a` and scale `scale`.
#[must_use]
pub fn gamma_quantile(p: f64, a: f64, scale: f64) -> f64 {
    let [quantile] = gamma_quantiles([p], a, scale);
    quantile
}

/// The quantiles at several levels of a gamma law of shape `a` and scale `scale`: what depends on the shape alone is
/// computed once.
#[must_use]
pub fn gamma_quantiles<const N: usize>(levels: [f64; N], a: f64, scale: f64) -> [f64; N] {
    let expansion = (LARGE..f64::INFINITY).contains(&a).then(|| Expansion::new(a));
    levels.map(|p| {
        if p.is_nan() || a.is_nan() || a <= 0.0 {
            return f64::NAN;
        }
        if p <= 0.0 || p >= 1.0 {
            return if p <= 0.0 { 0.0 } else { f64::INFINITY };
        }
        let z = probit(p);
        scale * expansion.as_ref().and_then(|e| e.quantile(z)).unwrap_or_else(|| invert(p, z, a))
    })
}

/// The expansion for one shape.
struct Expansion {
    a: f64,
    root: f64,
    /// Γ*(a) = Γ(a)·√(a/2π)·(e/a)ᵃ.
    stirling: f64,
    /// Coefficients of S.
    s: [f64; TERMS],
}

impl Expansion {
    fn new(a: f64) -> Self {
        let mut s = [0.0; TERMS];
        for n in (1..TERMS).rev() {
            let above = s.get(n + 1).copied().unwrap_or(0.0);
            s[n - 1] = SLOPE[n] + (n as f64 + 1.0) / a * above;
        }
        let stirling = 1.0 + s[1] / a;
        Self { a, root: a.sqrt(), stirling, s: s.map(|b| b / stirling) }
    }

    /// The quantile (scale 1) at the level of the standard normal law's quantile `z`, by Halley steps from
    /// w ≈ z + S(z/√a)/√a; `None` too far out.
    fn quantile(&self, z: f64) -> Option<f64> {
        let mut shift = polynomial(&self.s, z / self.root) / self.root;
        if z.abs() + shift.abs() > FAR * self.root {
            return None;
        }
        for _ in 0..8 {
            let w = z + shift;
            let eta = w / self.root;
            let miss = between(w, shift) - polynomial(&self.s, eta) / self.root;
            let newton = miss * self.stirling / polynomial(&SLOPE, eta);
            shift -= newton / (1.0 + 0.5 * w * newton);
            // The next step would be of the order of the cube of this one.
            if newton.abs() < 1e-6 {
                return Some(self.a * polynomial(&MEAN_RATIO, (z + shift) / self.root));
            }
        }
        None
    }
}

/// (Φ(w) − Φ(w − δ))/φ(w) = Σ δᵏ·Heₖ₋₁(w)/k!, by the recursion of Hermite's polynomials.
fn between(w: f64, delta: f64) -> f64 {
    let (mut before, mut term) = (0.0, delta);
    let mut sum = term;
    for k in 1..NEAR {
        let next = delta * RECIPROCAL[k + 1] * (w * term - delta * (1.0 - RECIPROCAL[k]) * before);
        (before, term) = (term, next);
        sum += term;
    }
    sum
}

/// The quantile (scale 1) by Halley steps on the incomplete gamma function, kept inside a bracket that shrinks. Starts at
/// Wilson and Hilferty's cube; for small shapes at the leading term of the series.
fn invert(p: f64, z: f64, a: f64) -> f64 {
    let ln_gamma = ln_gamma(a);
    let cube = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
    let start =
        if a > 0.5 && cube > 0.0 { a * cube.powi(3) } else { ((p.ln() + ln_gamma + a.ln()) / a).exp() };
    let mut x = start.max(1e-300);
    let (mut low, mut high) = (0.0, f64::INFINITY);
    for _ in 0..200 {
        // x times the density.
        let front = (a * x.ln() - x - ln_gamma).exp();
        let error = gamma_cdf_times(a, x, front) - p;
        if error > 0.0 {
            high = x
        } else {
            low = x
        }
        let newton = error / front * x;
        let curved = 1.0 - 0.5 * newton * ((a - 1.0) / x - 1.0);
        let mut next = x - newton / curved.clamp(0.5, 2.0);
        // As above; the law's width is at most about x/√a.
        if newton.abs() < 1e-6 * x / (1.0 + a.sqrt()) {
            return next;
        }
        if !next.is_finite() || next <= low || next >= high {
            next = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * x };
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::gamma_cdf;

    const LEVELS: [f64; 9] = [1e-6, 0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999, 0.999_999];

    #[test]
    fn the_coefficients_are_those_of_the_literature() {
        // Gil, Segura and Temme 2012: λ = 1 + η + η²/3 + η³/36 − η⁴/270 + η⁵/4320 + …; η/μ = 1 − η/3 + η²/12 − …
        let wanted = [1.0, 1.0, 1.0 / 3.0, 1.0 / 36.0, -1.0 / 270.0, 1.0 / 4320.0];
        assert!(MEAN_RATIO.iter().zip(wanted).all(|(m, w)| (m - w).abs() < 1e-16), "{MEAN_RATIO:?}");
        let wanted = [1.0, -1.0 / 3.0, 1.0 / 12.0, -2.0 / 135.0];
        assert!(SLOPE.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-16), "{SLOPE:?}");
    }

    #[test]
    fn the_expansion_and_the_incomplete_gamma_function_have_the_same_quantiles() {
        let mut compared = 0;
        for a in [20.0, 20.5, 33.0, 87.3, 250.0, 1e3, 1e4, 3e5] {
            for p in LEVELS {
                let z = probit(p);
                let Some(found) = Expansion::new(a).quantile(z) else { continue };
                let wanted = invert(p, z, a);
                assert!((found - wanted).abs() < 1e-11 * wanted, "{a} {p}: {found} is not {wanted}");
                compared += 1;
            }
        }
        assert!(compared > 60, "{compared}");
    }

    #[test]
    fn quantiles_equal_those_of_forty_digits() {
        // Newton steps on the series of P(a, x) with 40 digits (mpmath); R 4.2.2's qgamma gives the same 16.
        let wanted = [
            (
                20.0,
                [
                    8.958_213_267_626_013,
                    12.216_519_585_403_944,
                    19.667_672_423_305_667,
                    27.879_239_639_443_514,
                ],
            ),
            (
                50.5,
                [31.350_228_216_516_68, 37.541_735_374_540_7, 50.167_060_649_508_64, 62.729_209_704_241_186],
            ),
            (
                1234.5,
                [
                    1_128.766_577_318_499_5,
                    1_166.587_770_364_840_3,
                    1_234.166_682_672_279,
                    1_292.855_581_309_213_2,
                ],
            ),
            (
                2e6,
                [
                    1_995_632.601_252_017_6,
                    1_997_229.139_625_802_2,
                    1_999_999.666_666_676_5,
                    2_002_326.742_683_077_5,
                ],
            ),
        ];
        for (a, wanted) in wanted {
            let found = gamma_quantiles([0.001, 0.025, 0.5, 0.95], a, 1.0);
            for (have, want) in found.into_iter().zip(wanted) {
                assert!((have - want).abs() < 1e-14 * want, "{a}: {have} is not {want}");
            }
        }
    }

    #[test]
    fn a_quantile_undoes_the_distribution_function_at_every_shape() {
        let mut a = 0.05;
        while a < 1e5 {
            let quantiles = gamma_quantiles(LEVELS, a, 1.0);
            for (p, x) in LEVELS.into_iter().zip(quantiles).filter(|(_, x)| *x > 1e-290) {
                let error = gamma_cdf(a, x) - p;
                // The distribution function itself loses digits as the shape grows.
                assert!(error.abs() < (1e-11 + 1e-14 * a) * p.min(1.0 - p).max(1e-3), "{a} {p}: {error}");
                assert_eq!(gamma_quantile(p, a, 1.0).to_bits(), x.to_bits());
            }
            a *= 1.37;
        }
    }

    #[test]
    fn what_has_no_quantile_is_said() {
        assert!(gamma_quantile(f64::NAN, 2.0, 1.0).is_nan() && gamma_quantile(0.5, 0.0, 1.0).is_nan());
        assert_eq!((gamma_quantile(0.0, 30.0, 1.0), gamma_quantile(1.0, 30.0, 1.0)), (0.0, f64::INFINITY));
    }
}
