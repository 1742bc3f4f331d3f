//! When to look at what.

use super::check::Found;
use crate::source::Cadence;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// How often a source is looked at: more often than it is published, so that a late issue is not a day late here. A final
/// table that is still offered may hold what was not recorded of it: it is fetched once, and seldom asked again.
#[must_use]
pub fn period(cadence: Cadence) -> TimeDelta {
    match cadence {
        Cadence::Daily => TimeDelta::hours(4),
        Cadence::Weekly => TimeDelta::hours(6),
        Cadence::Yearly => TimeDelta::days(1),
        Cadence::Ended => TimeDelta::days(30),
    }
}

/// First pause after a failure; it doubles up to the source's period.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);

#[derive(Debug, Clone)]
struct Due {
    at: Option<DateTime<Utc>>,
    failures: u32,
}

/// For each job the time of its next look.
#[derive(Debug)]
pub struct Schedule(Vec<Due>);

impl Schedule {
    /// Everything is due at once.
    #[must_use]
    pub fn new(jobs: usize) -> Self {
        Self(vec![Due { at: None, failures: 0 }; jobs])
    }

    /// The job was looked at before this program started.
    pub fn looked_before(&mut self, job: usize, cadence: Cadence, last: DateTime<Utc>, now: DateTime<Utc>) {
        let next = Some(last + period(cadence)).filter(|at| *at > now);
        if let Some(due) = self.0.get_mut(job) {
            due.at = next;
        }
    }

    /// The job that is due first, and how long until then; `None` when there is no job.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Option<(usize, Duration)> {
        let (index, due) = self.0.iter().enumerate().min_by_key(|(_, due)| due.at)?;
        let wait = due.at.map_or(TimeDelta::zero(), |at| at - now);
        Some((index, wait.to_std().unwrap_or_default()))
    }

    /// The job was looked at: next time after its period, after a failure sooner, never before the publisher asked.
    pub fn done(&mut self, job: usize, cadence: Cadence, found: &anyhow::Result<Found>, now: DateTime<Utc>) {
        let (Some(due), period) = (self.0.get_mut(job), period(cadence)) else { return };
        let pause = match found {
            Ok(found) if found.again => {
                due.failures = due.failures.saturating_add(1);
                let pause = backoff(due.failures, period, now);
                found.retry_after.map_or(pause, |asked| asked.max(pause))
            }
            Err(_) => {
                due.failures = due.failures.saturating_add(1);
                backoff(due.failures, period, now)
            }
            Ok(_) => {
                due.failures = 0;
                period
            }
        };
        due.at = Some(now + pause);
    }
}

/// 2 s, 4 s, 8 s … up to the period, and up to half as much again: two installations that failed together do not
/// come back together. The time of the failure is random enough for that.
fn backoff(failures: u32, period: TimeDelta, now: DateTime<Utc>) -> TimeDelta {
    let doubled = FIRST_PAUSE
        .checked_mul(1i32.checked_shl(failures.saturating_sub(1)).filter(|n| *n > 0).unwrap_or(i32::MAX));
    let pause = doubled.unwrap_or(period).min(period);
    let share = i64::from(now.timestamp_subsec_micros() % 1000);
    pause + TimeDelta::milliseconds(pause.num_milliseconds().saturating_mul(share) / 2000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Outcome;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn failed(retry_after: Option<TimeDelta>, again: bool) -> anyhow::Result<Found> {
        Ok(Found { outcome: Outcome::Failed("status 503".into()), retry_after, again })
    }

    fn unchanged() -> Found {
        Found { outcome: Outcome::Unchanged, retry_after: None, again: false }
    }

    #[test]
    fn failures_come_back_sooner_and_sooner_later_and_the_publisher_is_obeyed() {
        let now = at("2025-01-08T17:00:00Z");
        let mut schedule = Schedule::new(1);
        assert_eq!(schedule.next(now), Some((0, Duration::ZERO)));
        for seconds in [2, 4, 8] {
            schedule.done(0, Cadence::Weekly, &failed(None, true), now);
            assert_eq!(schedule.next(now), Some((0, Duration::from_secs(seconds))));
        }
        schedule.done(0, Cadence::Weekly, &failed(Some(TimeDelta::hours(9)), true), now);
        assert_eq!(schedule.next(now), Some((0, Duration::from_secs(9 * 3600))));
        for _ in 0..60 {
            schedule.done(0, Cadence::Weekly, &failed(None, true), now);
        }
        assert_eq!(schedule.next(now), Some((0, Duration::from_secs(6 * 3600))), "at most the period");
        schedule.done(0, Cadence::Weekly, &failed(None, false), now);
        assert_eq!(
            schedule.next(now),
            Some((0, Duration::from_secs(6 * 3600))),
            "a 404 is not asked again at once"
        );
        schedule.done(0, Cadence::Weekly, &Ok(unchanged()), now);
        schedule.done(0, Cadence::Weekly, &failed(None, true), now);
        assert_eq!(schedule.next(now), Some((0, Duration::from_secs(2))), "a good look forgets the failures");
    }

    #[test]
    fn a_restart_does_not_ask_again_what_was_just_asked() {
        let now = at("2025-01-08T17:00:00Z");
        let mut schedule = Schedule::new(2);
        schedule.looked_before(0, Cadence::Weekly, at("2025-01-08T16:00:00Z"), now);
        schedule.looked_before(1, Cadence::Weekly, at("2025-01-07T16:00:00Z"), now);
        assert_eq!(schedule.next(now), Some((1, Duration::ZERO)));
        schedule.done(1, Cadence::Weekly, &Ok(unchanged()), now);
        assert_eq!(schedule.next(now), Some((0, Duration::from_secs(5 * 3600))));
    }

    #[test]
    fn jitter_is_at_most_half() {
        let pause = backoff(3, TimeDelta::hours(6), at("2025-01-08T17:00:00.000999Z"));
        assert!(pause > TimeDelta::seconds(8) && pause <= TimeDelta::seconds(12));
    }
}
