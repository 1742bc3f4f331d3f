//! The live runner: looks at the publishers of a country on their cadence, and appends what is new.

pub mod check;
pub mod fetch;
pub mod keep;
pub mod schedule;

use crate::load::Plan;
use crate::source::Source;
use crate::sources;
use check::{Checker, Job};
use schedule::Schedule;
use std::path::PathBuf;
use std::time::Duration;

/// What the runner is told besides [`kit::config::Config`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `VIGIE_LIVE`: `1` fetches from the publishers; anything else waits. Default `0`.
    pub live: bool,
    /// `VIGIE_RAW_DIR`: where payloads are kept, by their SHA-256. Default `raw` in the working directory.
    pub raw: PathBuf,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a value cannot be read; it names the variable.
    pub fn from_env() -> Result<Self, kit::config::ConfigError> {
        Ok(Self {
            live: kit::config::var("VIGIE_LIVE", String::new())? == "1",
            raw: kit::config::var("VIGIE_RAW_DIR", PathBuf::from("raw"))?,
        })
    }
}

/// What a country looks at: every feed of its sources that is still offered.
#[must_use]
pub fn jobs(plan: &Plan) -> Vec<Job> {
    let wanted = plan.sources();
    let of = |source: &'static Source| {
        source.feeds.iter().filter(|f| !f.url.is_empty()).map(move |feed| (source, feed))
    };
    let live = sources::ALL.iter().copied().filter(|s| schedule::period(s.cadence).is_some());
    live.filter(|s| wanted.contains(s.id))
        .flat_map(of)
        .map(|(source, feed)| Job { source, feed, url: feed.url.to_owned() })
        .collect()
}

/// Looks at one feed after the other, each when it is due, for ever: one request at a time in all is also one at a
/// time per publisher. A failed look is written down and tried again later; the last good data stay.
pub async fn run(checker: &mut Checker, jobs: Vec<Job>) {
    let mut schedule = Schedule::new(jobs.len());
    for (index, job) in jobs.iter().enumerate() {
        if let Some(last) = checker.last_check(job).await {
            schedule.looked_before(index, job.source.cadence, last, kit::wall());
        }
    }
    while let Some((index, wait)) = schedule.next(kit::wall()) {
        let Some(job) = jobs.get(index) else { return };
        tokio::time::sleep(wait).await;
        let found = checker.check(job, kit::wall()).await;
        match &found {
            Ok(found) => tracing::info!(
                source = job.source.id,
                feed = job.feed.name,
                ?found,
                "looked at {}",
                job.source.id
            ),
            Err(error) => {
                tracing::error!(
                    source = job.source.id,
                    feed = job.feed.name,
                    error = format!("{error:#}"),
                    "look failed"
                );
            }
        }
        schedule.done(index, job.source.cadence, &found, kit::wall());
        // Politeness between two requests, also to different tables of one publisher.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // A country without a live source: nothing to do until the end.
    std::future::pending::<()>().await;
}
