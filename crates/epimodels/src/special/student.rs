use super::ln_gamma;

/// The quantile at `p` (0..1) of Student's law with `freedom` (> 0) degrees of freedom.
#[must_use]
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    if p.is_nan() || p <= 0.0 || p >= 1.0 || freedom.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    let tail = p.min(1.0 - p);
    // The tail beyond t is I_x(ν/2, ½)/2 with x = ν/(ν + t²): it falls with t, so halve the interval.
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let beyond = |t: f64| 0.5 * beta_cdf(freedom / (freedom + t * t), freedom / 2.0, 0.5);
    while beyond(high) > tail && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..120 {
        let middle = 0.5 * (low + high);
        if beyond(middle) > tail { low = middle } else { high = middle }
    }
    let t = 0.5 * (low + high);
    if p < 0.5 { -t } else { t }
}

/// The regularised incomplete beta function I_x(a, b).
fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(1.0 - x, b, a) / b
    }
}

/// Lentz's evaluation of the continued fraction of the incomplete beta function.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_equal_the_printed_tables() {
        for (freedom, wanted) in
            [(1.0, 12.706_204_736), (2.0, 4.302_652_730), (4.0, 2.776_445_105), (30.0, 2.042_272_456)]
        {
            assert!((student_quantile(0.975, freedom) - wanted).abs() < 1e-8, "{freedom}");
            assert!((student_quantile(0.025, freedom) + wanted).abs() < 1e-8, "{freedom}");
        }
    }
}
