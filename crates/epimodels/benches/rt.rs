//! Seconds for the reproduction number of many series, and the estimates, for comparison with EpiEstim.
//!
//! `cargo bench -p epimodels --bench rt -- FILE`: a line of FILE is one series, counts with commas between them. The answer
//! is the median of 25 times over all series, after one to warm; then of each series the mean, the deviation and the seven
//! quantiles of every window.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says its numbers and fails by panicking"
)]

use std::time::Instant;

use epimodels::rt::{RtConfig, RtEstimate, SerialInterval, estimate};

fn main() {
    // Cargo gives `--bench`; the file is what is no option.
    let Some(file) = std::env::args().skip(1).find(|a| !a.starts_with("--")) else {
        println!("not run: name a file of series");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let series: Vec<Vec<f64>> =
        text.lines().map(|line| line.split(',').map(|n| n.parse().unwrap()).collect()).collect();
    let si = SerialInterval::shifted_gamma(2.6, 1.5).unwrap();
    let all = || -> Vec<Vec<RtEstimate>> {
        series.iter().map(|s| estimate(s, &si, &RtConfig::default()).unwrap()).collect()
    };
    std::hint::black_box(all());
    let once = || {
        let start = Instant::now();
        std::hint::black_box(all());
        start.elapsed().as_secs_f64()
    };
    let mut seconds: Vec<f64> = (0..25).map(|_| once()).collect();
    seconds.sort_by(f64::total_cmp);
    println!("{}", seconds[12]);
    for estimates in all() {
        let numbers = estimates.iter().flat_map(|e| [e.mean, e.sd].into_iter().chain(e.quantiles));
        let numbers: Vec<String> = numbers.map(|n| n.to_string()).collect();
        println!("{}", numbers.join(","));
    }
}
