//! The live runner: looks at the publishers of a country on their cadence, and appends what is new.

pub mod check;
pub mod fetch;
pub mod schedule;

use crate::load::Plan;
use crate::source::{Source, Terms};
use crate::sources;
use check::{Checker, Job};
use schedule::Schedule;
use std::time::Duration;
use tokio::sync::watch;

/// Pause between two requests.
pub const BETWEEN: Duration = Duration::from_secs(1);

/// What the runner is told besides [`kit::config::Config`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `VIGIE_LIVE`: `1` fetches from the publishers; anything else waits. Default `0`.
    pub live: bool,
    /// `VIGIE_ARCHIVE`: where every retrieval is kept, a folder or `s3://bucket/prefix`. Default `archive` in the
    /// working directory.
    pub archive: String,
    /// `VIGIE_NON_COMMERCIAL`: `1` says that the installation serves no commercial purpose, so that tables whose terms forbid
    /// one are fetched too. Default `0`.
    pub non_commercial: bool,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a value cannot be read; it names the variable.
    pub fn from_env() -> Result<Self, kit::config::ConfigError> {
        Ok(Self {
            live: kit::config::var("VIGIE_LIVE", String::new())? == "1",
            archive: kit::config::var("VIGIE_ARCHIVE", "archive".to_owned())?,
            non_commercial: kit::config::var("VIGIE_NON_COMMERCIAL", String::new())? == "1",
        })
    }
}

/// What a country looks at: every feed of its sources that is still offered. Tables whose terms forbid commercial use only
/// where the operator says that the installation serves none. A table that is offered by country is asked for this one's rows.
#[must_use]
pub fn jobs(plan: &Plan, non_commercial: bool) -> Vec<Job> {
    let wanted = plan.sources();
    let code = plan.nation_code();
    let of = |source: &'static Source| {
        source.feeds.iter().filter(|f| !f.url.is_empty()).map(move |feed| (source, feed))
    };
    let may = |s: &&Source| non_commercial || s.terms != Terms::NonCommercial;
    sources::ALL
        .iter()
        .copied()
        .filter(|s| wanted.contains(s.id))
        .filter(may)
        .flat_map(of)
        .map(|(source, feed)| Job { source, feed, url: feed.url.replace("{nation}", code) })
        .collect()
}

/// Looks at one feed after the other, each when it is due, until `stop` says so: one request at a time in all is also
/// one at a time per publisher. A look under way is finished. A failed look is written down and tried again later;
/// the last good data stay.
pub async fn run(checker: Checker, jobs: Vec<Job>, mut stop: watch::Receiver<bool>) {
    let mut schedule = Schedule::new(jobs.len());
    for (index, job) in jobs.iter().enumerate() {
        if let Some(last) = checker.last_check(job).await {
            schedule.looked_before(index, job.source.cadence, last, kit::wall());
        }
    }
    while let Some((index, wait)) = schedule.next(kit::wall()) {
        let Some(job) = jobs.get(index) else { return };
        // Politeness between two requests, also to different tables of one publisher.
        let wait = wait.max(BETWEEN);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
        let found = checker.check(job, &kit::wall).await;
        let (source, feed) = (job.source.id, job.feed.name);
        match &found {
            Ok(found) => tracing::info!(source, feed, ?found, "looked at {source}"),
            Err(error) => {
                tracing::error!(source, feed, error = format!("{error:#}"), "the look at {source} failed")
            }
        }
        schedule.done(index, job.source.cadence, &found, kit::wall());
    }
}
