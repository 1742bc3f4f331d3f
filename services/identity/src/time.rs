//! The machine's time, which tests move. Sessions live by it, never by the clock of the figures.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What time it is. Clones move together.
#[derive(Debug, Clone, Default)]
pub struct Time(Arc<AtomicI64>);

impl Time {
    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        kit::wall() + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }

    /// Lets `by` pass at once.
    pub fn pass(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_seconds(), Ordering::Relaxed);
    }
}
