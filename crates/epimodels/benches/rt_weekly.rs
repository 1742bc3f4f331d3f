//! Weekly reproduction numbers of given series, for comparison with other programs.
//!
//! `cargo bench -p epimodels --bench rt_weekly -- FILE`: the first line of FILE is the generation interval (probabilities of
//! 0, 1, 2, … days), each further line a series of weekly counts, with commas between the numbers. The answer is a line for
//! each series: shape and scale of the gamma law of every week from the second on.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says its numbers and fails by panicking"
)]

use epimodels::rt::{SerialInterval, WeeklyConfig, estimate_weekly};

fn main() {
    // Cargo gives `--bench`; the file is what is no option.
    let Some(file) = std::env::args().skip(1).find(|a| !a.starts_with("--")) else {
        println!("not run: name a file of a generation interval and series");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines =
        text.lines().map(|line| line.split(',').map(|n| n.parse().unwrap()).collect::<Vec<f64>>());
    let si = SerialInterval::given(lines.next().unwrap()).unwrap();
    for series in lines {
        let found = estimate_weekly(&series, &si, &WeeklyConfig::default()).unwrap();
        let numbers: Vec<String> =
            found.iter().flat_map(|e| [e.shape, e.scale]).map(|n| n.to_string()).collect();
        println!("{}", numbers.join(","));
    }
}
