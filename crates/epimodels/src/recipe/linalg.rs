//! A symmetric positive definite solve; enough for ridge regressions of a few dozen columns.

/// Solves A·z = b in place by Cholesky's factorisation: `a` (n × n, row by row, symmetric, positive definite) is
/// overwritten, `b` (n) becomes z. A pivot that is not positive is taken as 1e-12, which a ridge makes moot.
pub(crate) fn solve(a: &mut [f64], b: &mut [f64]) {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let left = a[i * n + j] - dot;
            a[i * n + j] = if i == j { left.max(1e-12).sqrt() } else { left / a[j * n + j] };
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - dot) / a[i * n + i];
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
    solve(&mut gram, &mut right);
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
