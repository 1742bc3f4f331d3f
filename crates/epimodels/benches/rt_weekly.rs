//! Weekly reproduction numbers of given series, for comparison with other programs.
//!
//! `cargo bench -p epimodels --bench rt_weekly -- FILE`: the first line of FILE is the generation interval (probabilities of
//! 0, 1, 2, … days), each further line a series of weekly counts, with commas between the numbers. The answer is a line for
//! each series: shape and scale of the gamma law of every week from the second on.
//!
//! A second line `delay,` with the means and deviations in days of the stages from infection to report asks for R by infection:
//! for every week from the second on the share of its reports that is due, and the quantiles .025, .25, .5, .75, .975.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark says its numbers and fails by panicking"
)]

use epimodels::rt::{Delay, DelayedConfig, SerialInterval, WeeklyConfig, estimate_delayed, estimate_weekly};

fn main() {
    // Cargo gives `--bench`; the file is what is no option.
    let Some(file) = std::env::args().skip(1).find(|a| !a.starts_with("--")) else {
        println!("not run: name a file of a generation interval and series");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let numbers = |line: &str| line.split(',').map(|n| n.parse().unwrap()).collect::<Vec<f64>>();
    let mut lines = text.lines().peekable();
    let si = SerialInterval::given(numbers(lines.next().unwrap())).unwrap();
    if let Some(stages) = lines.peek().and_then(|line| line.strip_prefix("delay,")) {
        let stages: Vec<(f64, f64)> = numbers(stages).chunks_exact(2).map(|s| (s[0], s[1])).collect();
        let delay = Delay::stages(&stages).unwrap();
        for series in lines.skip(1).map(numbers) {
            let found = estimate_delayed(&series, &si, &delay, &[], &DelayedConfig::default()).unwrap();
            let all = found.iter().flat_map(|e| std::iter::once(e.passed).chain(e.r.quantiles));
            println!("{}", all.map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        }
        return;
    }
    for series in lines.map(numbers) {
        let found = estimate_weekly(&series, &si, &WeeklyConfig::default()).unwrap();
        let numbers: Vec<String> =
            found.iter().flat_map(|e| [e.shape, e.scale]).map(|n| n.to_string()).collect();
        println!("{}", numbers.join(","));
    }
}
