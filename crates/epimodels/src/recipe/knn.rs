//! Member 3: what came after the most similar weeks of the pool.

use super::config::KnnConfig;
use super::features::{C1_15, DMAX, NAT_S3, Row, SIZE, SRC, SW, X, X1, X2};
use super::rows::StepRows;
use crate::quantile::{Quantiles, Weighted};

const AXES: usize = 9;

/// The pool of one step.
#[derive(Debug, Clone)]
pub(crate) struct Knn {
    settings: KnnConfig,
    places: Vec<[f64; AXES]>,
    y: Vec<f64>,
}

impl Knn {
    pub(crate) fn fit(rows: &StepRows, settings: &KnnConfig) -> Option<Self> {
        let places: Vec<[f64; AXES]> = rows.x.iter().map(|row| place(row, settings)).collect();
        (!places.is_empty()).then(|| Self { settings: settings.clone(), places, y: rows.y.clone() })
    }

    /// Quantiles of δ for one row of features: of equally near rows the first of the pool counts.
    pub(crate) fn predict(&self, row: &Row) -> Quantiles {
        let here = place(row, &self.settings);
        let distance = |p: &[f64; AXES]| p.iter().zip(&here).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let mut near: Vec<(f64, usize)> =
            self.places.iter().enumerate().map(|(i, p)| (distance(p), i)).collect();
        let k = self.settings.neighbours.clamp(1, near.len());
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        near.select_nth_unstable_by(k - 1, order);
        near.truncate(k);
        near.sort_by(order);
        let half = near[k / 2].0.sqrt().max(1e-9);
        let weights: Vec<f64> = near.iter().map(|(d2, _)| (-0.5 * d2 / (half * half)).exp()).collect();
        let changes: Vec<f64> = near.iter().map(|(_, i)| self.y[*i]).collect();
        Weighted::new(&changes, &weights).map_or([0.0; 23], |sample| sample.hub())
    }
}

/// Coordinates of a row; a missing feature counts 0.
fn place(row: &Row, settings: &KnnConfig) -> [f64; AXES] {
    let all = [
        row[X],
        4.0 * (row[X] - row[X1]),
        2.0 * (row[X1] - row[X2]),
        4.0 * row[C1_15],
        2.0 * row[NAT_S3],
        0.1 * row[SW],
        row[DMAX],
        settings.size_factor * row[SIZE],
        0.1 * row[SRC],
    ];
    all.map(|v| if v.is_finite() { v } else { 0.0 })
}
