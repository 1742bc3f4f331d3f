//! Seconds for all scores of many forecasts on one thread, without reading files.
//!
//! `cargo bench -p epimodels --bench wis -- FILE`: FILE holds little-endian doubles, of each forecast its 23 quantiles and the
//! truth. The answer is the median of nine times, after one to warm, and the sum of the weighted interval scores.
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
    std::hint::black_box(all());
    let once = || {
        let start = Instant::now();
        std::hint::black_box(all());
        start.elapsed().as_secs_f64()
    };
    let mut seconds: Vec<f64> = (0..9).map(|_| once()).collect();
    seconds.sort_by(f64::total_cmp);
    println!("{}", seconds[4]);
    println!("{}", all().iter().map(|s| s.wis).sum::<f64>());
}
