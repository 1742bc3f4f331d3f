//! Seconds for all scores of many forecasts on one thread, without reading files.
//!
//! `cargo bench -p epimodels --bench wis -- FILE`: FILE holds little-endian doubles, of each forecast its 23 quantiles and the
//! truth. The answer is the best of nine times, and the sum of the weighted interval scores.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says its numbers and fails by panicking"
)]

use std::time::Instant;

use epimodels::Quantiles;
use epimodels::scores::{Score, score};

fn main() {
    // Cargo gives `--bench`; the file is what is no option.
    let Some(file) = std::env::args().skip(1).find(|a| !a.starts_with("--")) else {
        println!("not run: name a file of forecasts");
        return;
    };
    let bytes = std::fs::read(file).unwrap();
    let numbers: Vec<f64> =
        bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    let forecasts: Vec<(Quantiles, f64)> =
        numbers.chunks_exact(24).map(|row| (row[..23].try_into().unwrap(), row[23])).collect();
    let all = || -> Vec<Score> { forecasts.iter().map(|(q, y)| score(q, *y)).collect() };
    let mut best = f64::INFINITY;
    for _ in 0..9 {
        let start = Instant::now();
        std::hint::black_box(all());
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{best}");
    println!("{}", all().iter().map(|s| s.wis).sum::<f64>());
}
