//! What a person at a terminal reads. The one module that prints.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// One line on stdout. When nobody reads on, it is not heard; what is under way goes on.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A sentence that explains why something did not work, on stderr.
pub(crate) fn error(text: &str) {
    let _ = writeln!(std::io::stderr(), "vigie: {text}");
}

/// Numbered steps, each with what to expect and what it took.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
    first: bool,
    started: Instant,
}

/// A step under way.
#[derive(Debug)]
pub(crate) struct Step {
    label: String,
    started: Instant,
}

impl Steps {
    /// `first`: is this the first start, which costs more?
    pub(crate) fn new(total: usize, first: bool) -> Self {
        Self { total, done: 0, first, started: Instant::now() }
    }

    /// Announces the next step: how long it may take and what it costs at the first start, and how long later.
    pub(crate) fn next(&mut self, what: &str, first: &str, later: &str) -> Step {
        self.done += 1;
        let expect = if self.first { first } else { later };
        let label = format!("[{}/{}] {what}", self.done, self.total);
        line(&format!("{label} … ({expect})"));
        Step { label, started: Instant::now() }
    }

    /// Time since the first step.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Step {
    /// News of the step under way, indented below it.
    pub(crate) fn progress(&self, text: &str) {
        line(&format!("      {text}"));
    }

    /// The step is done: what came of it and how long it took.
    pub(crate) fn done(self, result: &str) {
        line(&format!("{} – {result} in {}", self.label, seconds(self.started.elapsed())));
    }
}

/// `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        s @ 10..60 => format!("{s} s"),
        s => format!("{} min {:02} s", s / 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
