//! Member 2: pooled robust regression of the median, with a regression of the spread.

use std::f64::consts::PI;

use super::config::{Config, LinConfig};
use super::features::{
    C1_15, C1_24, C1_26, C2_24, C2_26, DMAX, MEAN4, NAT_D, NAT_S3, NAT_X, NATIONAL, Row, SIZE, SRC, SW, X,
    X1, X2,
};
use super::linalg::ridge;
use super::rows::StepRows;
use crate::quantile::{Quantiles, Weighted};

/// The regression of one step.
#[derive(Debug, Clone)]
pub(crate) struct Lin {
    settings: LinConfig,
    median: Standard,
    spread: Standard,
    residuals: Quantiles,
    /// The changes that a forecast keeps within.
    reach: (f64, f64),
}

/// Coefficients on standardised columns; the first column is the constant and stays 1.
#[derive(Debug, Clone)]
struct Standard {
    mean: Vec<f64>,
    sd: Vec<f64>,
    beta: Vec<f64>,
}

/// Residuals smaller than this weigh alike.
const NEAR: f64 = 0.02;
/// Numerator of the weights 0.05/max(|r|, 0.02).
const UNIT: f64 = 0.05;
/// Added to |r| before its logarithm.
const FLOOR: f64 = 0.005;

impl Lin {
    /// Fits one step; `None` without rows.
    pub(crate) fn fit(rows: &StepRows, config: &Config) -> Option<Self> {
        let settings = config.lin.clone();
        let base: Vec<f64> = rows.origin.iter().map(|o| config.groups[o.group].lin_weight).collect();
        let (mut median, x) = Standard::new(rows.x.iter().map(columns))?;
        let width = median.mean.len();
        let residuals_of = |beta: &[f64]| -> Vec<f64> {
            x.chunks_exact(width).zip(&rows.y).map(|(row, y)| y - dot(row, beta)).collect()
        };
        median.beta = ridge(&x, width, &rows.y, &base, settings.ridge);
        let mut left = residuals_of(&median.beta);
        for _ in 0..settings.rounds {
            let w: Vec<f64> = left.iter().zip(&base).map(|(r, w)| w * UNIT / r.abs().max(NEAR)).collect();
            median.beta = ridge(&x, width, &rows.y, &w, settings.ridge);
            left = residuals_of(&median.beta);
        }
        let (mut spread, z) = Standard::new(rows.x.iter().map(|row| spread_columns(row, &settings)))?;
        let logs: Vec<f64> = left.iter().map(|r| (r.abs() + FLOOR).ln()).collect();
        spread.beta = ridge(&z, spread.mean.len(), &logs, &base, settings.spread_ridge);
        let scaled: Vec<f64> = z
            .chunks_exact(spread.mean.len())
            .zip(&left)
            .map(|(row, r)| r / dot(row, &spread.beta).exp())
            .collect();
        let weights: Vec<f64> = rows.origin.iter().map(|o| config.groups[o.group].spread_weight).collect();
        let residuals = Weighted::new(&scaled, &weights).ok()?.hub();
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        let seen = rows.y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(*y), b.max(*y)));
        let reach = if settings.bounded { seen } else { all };
        Some(Self { settings, median, spread, residuals, reach })
    }

    /// Quantiles of δ for one row of features; `None` if its median lies out of reach: there a polynomial knows nothing.
    pub(crate) fn predict(&self, row: &Row) -> Option<Quantiles> {
        let (least, most) = self.reach;
        let middle = self.median.value(&columns(row));
        let width = self.spread.value(&spread_columns(row, &self.settings)).exp();
        let within = |q: f64| (middle + width * q).max(least).min(most);
        (least..=most).contains(&middle).then(|| self.residuals.map(within))
    }
}

impl Standard {
    /// Means and deviations of the columns, and the standardised rows one after the other.
    fn new(rows: impl Iterator<Item = Vec<f64>>) -> Option<(Self, Vec<f64>)> {
        let rows: Vec<Vec<f64>> = rows.collect();
        let width = rows.first()?.len();
        let n = rows.len() as f64;
        let mean_of = |c: usize| if c == 0 { 0.0 } else { rows.iter().map(|r| r[c]).sum::<f64>() / n };
        let mean: Vec<f64> = (0..width).map(mean_of).collect();
        let sd_of = |c: usize| {
            let sd = (rows.iter().map(|r| (r[c] - mean[c]).powi(2)).sum::<f64>() / n).sqrt();
            if c == 0 || sd < 1e-9 { 1.0 } else { sd }
        };
        let sd: Vec<f64> = (0..width).map(sd_of).collect();
        let this = Self { mean, sd, beta: Vec::new() };
        let flat = rows.iter().flat_map(|row| this.standardise(row)).collect();
        Some((this, flat))
    }

    fn standardise(&self, row: &[f64]) -> Vec<f64> {
        row.iter().zip(&self.mean).zip(&self.sd).map(|((v, mean), sd)| (v - mean) / sd).collect()
    }

    fn value(&self, row: &[f64]) -> f64 {
        dot(&self.standardise(row), &self.beta)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A missing feature counts 0.
fn known(row: &Row, feature: usize) -> f64 {
    if row[feature].is_finite() { row[feature] } else { 0.0 }
}

/// The step before last: x − x₁, 0 where one of them is missing.
fn change(row: &Row, now: usize, before: usize) -> f64 {
    let d = row[now] - row[before];
    if d.is_finite() { d } else { 0.0 }
}

/// The 60 columns of the median.
fn columns(row: &Row) -> Vec<f64> {
    let f = |feature| known(row, feature);
    let (x, src, us, nat_d) = (f(X), f(SRC), f(NATIONAL), f(NAT_D));
    let (d0, d1) = (change(row, X, X1), change(row, X1, X2));
    let mut all = vec![1.0, x, d0, d1, f(MEAN4), f(C1_24), f(C2_24), f(C1_15), f(C1_26), f(C2_26)];
    all.extend([nat_d, f(NAT_S3), f(NAT_X), f(DMAX), src, us, us * d0, us * x]);
    all.extend([src * x, src * d0, src * f(DMAX), x * x, x * d0, d0 * d0.abs()]);
    let sw = f(SW);
    for k in 1..=3 {
        let (sin, cos) = (f64::from(k) * 2.0 * PI * sw / 52.0).sin_cos();
        all.extend([sin, cos, sin * src, cos * src]);
        if k < 3 {
            all.extend([sin * x, cos * x, sin * d0, cos * d0, sin * nat_d, cos * nat_d]);
        }
    }
    let is = |week: u32| if sw == f64::from(week) { 1.0 } else { 0.0 };
    all.extend((19..=25).map(is));
    all.extend((20..=24).map(|week| is(week) * d0));
    all
}

/// The columns of the spread.
fn spread_columns(row: &Row, settings: &LinConfig) -> Vec<f64> {
    let f = |feature| known(row, feature);
    let (x, src, d0, p) = (f(X), f(SRC), change(row, X, X1), f(SIZE) - settings.size_centre);
    if !settings.full_spread {
        return vec![1.0, x, x * x, d0.abs(), p, src];
    }
    let (sin, cos) = (2.0 * PI * f(SW) / 52.0).sin_cos();
    let (sin2, cos2) = (4.0 * PI * f(SW) / 52.0).sin_cos();
    vec![1.0, x, x * x, d0.abs(), p, p * p, src, f(NATIONAL), src * p, src * x, sin, cos, sin2, cos2]
}
