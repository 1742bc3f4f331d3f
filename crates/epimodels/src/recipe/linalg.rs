//! A symmetric positive definite solve; enough for ridge regressions of a few dozen columns.

/// The lower triangle L of A = L·Lᵀ (n × n, row by row, symmetric, positive definite).
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    n: usize,
    l: Vec<f64>,
}

impl Cholesky {
    /// Factorises; of `a` only the lower triangle is read. A pivot that is not positive is taken as 1e-12, which a
    /// ridge makes moot.
    pub(crate) fn new(mut a: Vec<f64>, n: usize) -> Self {
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
                let left = a[i * n + j] - dot;
                a[i * n + j] = if i == j { left.max(1e-12).sqrt() } else { left / a[j * n + j] };
            }
        }
        Self { n, l: a }
    }

    /// `b` becomes the z of A·z = b.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| self.l[i * n + k] * b[k]).sum();
            b[i] = (b[i] - dot) / self.l[i * n + i];
        }
        self.back(b);
    }

    /// `b` becomes the z of Lᵀ·z = b: of independent standard normal numbers, numbers with the covariance A⁻¹.
    pub(crate) fn back(&self, b: &mut [f64]) {
        let n = self.n;
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| self.l[k * n + i] * b[k]).sum();
            b[i] = (b[i] - dot) / self.l[i * n + i];
        }
    }

    /// ln |A|.
    pub(crate) fn log_determinant(&self) -> f64 {
        (0..self.n).map(|i| 2.0 * self.l[i * self.n + i].ln()).sum()
    }
}

/// Weighted ridge regression: minimises Σ w·(y − x·β)² + ridge·|β|². `rows` holds `width` columns a row.
pub(crate) fn ridge(rows: &[f64], width: usize, y: &[f64], w: &[f64], ridge: f64) -> Vec<f64> {
    let mut gram = vec![0.0; width * width];
    let mut right = vec![0.0; width];
    for ((row, y), w) in rows.chunks_exact(width).zip(y).zip(w) {
        for (i, xi) in row.iter().enumerate() {
            let scaled = w * xi;
            right[i] += scaled * y;
            for (cell, xj) in gram[i * width..].iter_mut().zip(&row[..=i]) {
                *cell += scaled * xj;
            }
        }
    }
    for i in 0..width {
        gram[i * width + i] += ridge;
        for j in 0..i {
            gram[j * width + i] = gram[i * width + j];
        }
    }
    Cholesky::new(gram, width).solve(&mut right);
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_ridge_a_line_is_found_and_with_one_it_shrinks() {
        let rows: Vec<f64> = (0..10).flat_map(|i| [1.0, f64::from(i)]).collect();
        let y: Vec<f64> = (0..10).map(|i| 3.0 - 2.0 * f64::from(i)).collect();
        let free = ridge(&rows, 2, &y, &[1.0; 10], 0.0);
        assert!((free[0] - 3.0).abs() < 1e-9 && (free[1] + 2.0).abs() < 1e-9);
        assert!(ridge(&rows, 2, &y, &[1.0; 10], 50.0)[1] > -2.0);
    }
}
