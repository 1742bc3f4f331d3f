//! The 48 features of a week of a series. Everything looks back only.

use super::config::Group;
use super::transform::Track;

/// Features of one lag: x, polynomials, means.
const BLOCK: usize = 13;
/// Number of features.
pub(crate) const COUNT: usize = 3 * BLOCK + 9;
/// The features of one row.
pub(crate) type Row = [f64; COUNT];

pub(crate) const X: usize = 0;
pub(crate) const C1_24: usize = 2;
pub(crate) const C2_24: usize = 3;
pub(crate) const C1_26: usize = 5;
pub(crate) const C2_26: usize = 6;
pub(crate) const C1_15: usize = 10;
pub(crate) const MEAN4: usize = 12;
pub(crate) const X1: usize = BLOCK;
pub(crate) const X2: usize = 2 * BLOCK;
pub(crate) const NAT_X: usize = 3 * BLOCK;
pub(crate) const NAT_D: usize = NAT_X + 1;
pub(crate) const NAT_S3: usize = NAT_X + 2;
pub(crate) const DMAX: usize = NAT_X + 3;
pub(crate) const WSMAX: usize = NAT_X + 4;
pub(crate) const SW: usize = NAT_X + 5;
pub(crate) const SIZE: usize = NAT_X + 6;
pub(crate) const SRC: usize = NAT_X + 7;
pub(crate) const NATIONAL: usize = NAT_X + 8;

/// Least-squares weights: coefficient c = Σ weight·x over the window, the newest value last.
struct Polynomials {
    quadratic4: Vec<Vec<f64>>,
    quadratic6: Vec<Vec<f64>>,
    linear3: Vec<Vec<f64>>,
    linear5: Vec<Vec<f64>>,
}

/// Features of every week of one track; NaN where a window has a gap.
pub(crate) struct Features<'a> {
    track: &'a Track,
    blocks: Vec<[f64; BLOCK]>,
    peaks: Vec<(f64, f64)>,
    indicator: f64,
    seasonal: bool,
    national: bool,
}

impl<'a> Features<'a> {
    pub(crate) fn new(track: &'a Track, group: &Group, national: bool) -> Self {
        let fits = Polynomials {
            quadratic4: weights(2, 4),
            quadratic6: weights(2, 6),
            linear3: weights(1, 3),
            linear5: weights(1, 5),
        };
        let blocks = (0..track.x.len()).map(|t| block(&track.x, t, &fits)).collect();
        let (indicator, seasonal) = (group.indicator, group.seasonal);
        Self { track, blocks, peaks: peaks(track), indicator, seasonal, national }
    }

    /// The features of the `t`-th week of the track.
    pub(crate) fn row(&self, t: usize) -> Row {
        let mut row = [f64::NAN; COUNT];
        for lag in 0..3 {
            if let Some(block) = t.checked_sub(lag).and_then(|t| self.blocks.get(t)) {
                row[lag * BLOCK..(lag + 1) * BLOCK].copy_from_slice(block);
            }
        }
        let nation = |back: usize| {
            t.checked_sub(back).and_then(|t| self.track.nation.get(t)).copied().unwrap_or(f64::NAN)
        };
        row[NAT_X] = nation(0);
        row[NAT_D] = nation(0) - nation(1);
        row[NAT_S3] = nation(0) - nation(2);
        if let (Some((top, since)), Some(season)) = (self.peaks.get(t), self.track.seasons.get(t)) {
            row[DMAX] = top - row[X];
            row[WSMAX] = *since;
            if self.seasonal {
                row[SW] = f64::from(season.week);
            }
        }
        row[SIZE] = self.track.size;
        row[SRC] = self.indicator;
        row[NATIONAL] = if self.national { 1.0 } else { 0.0 };
        row.map(rounded)
    }
}

/// To 9 decimals: weeks that repeat give features that are equal but for the order of additions, and a bin may be cut
/// between such values. Rounded, another processor or another program finds the same bins.
fn rounded(value: f64) -> f64 {
    (value * 1e9).round_ties_even() / 1e9
}

fn block(x: &[f64], t: usize, fits: &Polynomials) -> [f64; BLOCK] {
    let fit = |rows: &[Vec<f64>], k: usize| {
        let weights = &rows[k];
        match (t + 1).checked_sub(weights.len()) {
            Some(start) => weights.iter().zip(&x[start..=t]).map(|(w, x)| w * x).sum(),
            None => f64::NAN,
        }
    };
    let mean = |n: usize| match (t + 1).checked_sub(n) {
        Some(start) => x[start..=t].iter().sum::<f64>() / n as f64,
        None => f64::NAN,
    };
    let (q4, q6, l3, l5) = (&fits.quadratic4, &fits.quadratic6, &fits.linear3, &fits.linear5);
    [
        x[t],
        fit(q4, 0),
        fit(q4, 1),
        fit(q4, 2),
        fit(q6, 0),
        fit(q6, 1),
        fit(q6, 2),
        fit(l3, 0),
        fit(l3, 1),
        fit(l5, 0),
        fit(l5, 1),
        mean(2),
        mean(4),
    ]
}

/// (XᵀX)⁻¹Xᵀ of a polynomial of `degree` on the times −(width − 1)..0: one row of weights per coefficient.
fn weights(degree: usize, width: usize) -> Vec<Vec<f64>> {
    let terms = degree + 1;
    let times: Vec<f64> = (0..width).map(|i| i as f64 - (width as f64 - 1.0)).collect();
    let power = |t: f64, k: usize| t.powi(k as i32);
    let mut gram = vec![0.0; terms * terms];
    for (i, cell) in gram.iter_mut().enumerate() {
        *cell = times.iter().map(|t| power(*t, i / terms) * power(*t, i % terms)).sum();
    }
    let mut rows = vec![vec![0.0; width]; terms];
    for (place, time) in times.iter().enumerate() {
        let mut right: Vec<f64> = (0..terms).map(|k| power(*time, k)).collect();
        super::linalg::Cholesky::new(gram.to_vec(), right.len()).solve(&mut right);
        for (row, value) in rows.iter_mut().zip(right) {
            row[place] = value;
        }
    }
    rows
}

/// For each week the maximum of x in its season so far, and the weeks since.
fn peaks(track: &Track) -> Vec<(f64, f64)> {
    let mut season = None;
    let (mut top, mut at) = (f64::NAN, 0);
    let step = |(t, x): (usize, &f64)| {
        let year = track.seasons.get(t).map(|s| s.year);
        if year != season {
            (season, top) = (year, f64::NAN);
        }
        if x.is_finite() && (top.is_nan() || *x > top) {
            (top, at) = (*x, t);
        }
        (top, if top.is_nan() { f64::NAN } else { (t - at) as f64 })
    };
    track.x.iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_by_their_last_bit_are_one_feature() {
        let (sum, product) = (0.1 + 0.2, 0.3);
        assert_ne!(sum, product);
        assert_eq!(rounded(sum), rounded(product));
        assert!(rounded(f64::NAN).is_nan());
    }

    #[test]
    fn polynomials_recover_their_coefficients() {
        let x: Vec<f64> = (-5..=0).map(|j| 2.0 + 0.5 * f64::from(j) - 0.25 * f64::from(j * j)).collect();
        for width in [4, 6] {
            let found: Vec<f64> = weights(2, width)
                .iter()
                .map(|row| row.iter().zip(&x[6 - width..]).map(|(w, x)| w * x).sum())
                .collect();
            for (have, want) in found.iter().zip([2.0, 0.5, -0.25]) {
                assert!((have - want).abs() < 1e-9, "{found:?}");
            }
        }
    }
}
