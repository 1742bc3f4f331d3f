//! What a log says at a moment: who was told, who must be, and when.

use super::log::{Declared, Event, Log};
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How moments are shown.
pub(super) const MOMENT: &str = "%Y-%m-%d %H:%M UTC";

/// An incident as its log leaves it.
#[derive(Debug)]
pub(super) struct Incident {
    pub id: String,
    pub declared: Declared,
    pub facts: BTreeMap<String, String>,
    pub deadlines: Vec<Deadline>,
}

/// The timer of one authority.
#[derive(Debug)]
pub(super) struct Deadline {
    pub authority: String,
    aware: DateTime<Utc>,
    /// By the law; `None`: without delay.
    pub due_at: Option<DateTime<Utc>>,
    alert_hours: Vec<u32>,
    reminded: BTreeSet<u32>,
    /// When it was told first, and what it answered.
    pub sent: Option<(DateTime<Utc>, String)>,
}

/// Where a timer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Open,
    Overdue,
    Sent,
    /// Told, and too late.
    SentLate,
}

impl Incident {
    /// # Errors
    /// When the log does not begin with a declaration.
    pub(super) fn of(id: &str, log: &Log) -> anyhow::Result<Self> {
        let mut events = log.entries.iter();
        let declared = match events.next().map(|e| &e.event) {
            Some(Event::Declared(declared)) => (**declared).clone(),
            _ => anyhow::bail!("the log of {id} does not begin with a declaration"),
        };
        let mut deadlines: Vec<Deadline> = declared
            .rules
            .authority
            .iter()
            .map(|a| Deadline {
                authority: a.id.clone(),
                aware: declared.aware_at,
                due_at: a.due_hours.map(|h| declared.aware_at + TimeDelta::hours(h.into())),
                alert_hours: a.alert_hours.clone(),
                reminded: BTreeSet::new(),
                sent: None,
            })
            .collect();
        let mut facts = BTreeMap::new();
        for entry in events {
            match &entry.event {
                Event::Declared(_) => anyhow::bail!("the log of {id} holds a second declaration"),
                Event::Stated { facts: more } => facts.extend(more.clone()),
                Event::Sent { authority, reference } => {
                    for deadline in
                        deadlines.iter_mut().filter(|d| d.authority == *authority && d.sent.is_none())
                    {
                        deadline.sent = Some((entry.at, reference.clone()));
                    }
                }
                Event::Reminded { authority, hours } => {
                    for deadline in deadlines.iter_mut().filter(|d| d.authority == *authority) {
                        deadline.reminded.insert(*hours);
                    }
                }
            }
        }
        Ok(Self { id: id.to_owned(), declared, facts, deadlines })
    }

    /// Reminders that were reached and that nobody has been given: authority, hours.
    pub(super) fn new_reminders(&self, now: DateTime<Utc>) -> Vec<(String, u32)> {
        let open = self.deadlines.iter().filter(|d| d.sent.is_none());
        open.flat_map(|d| {
            let due = d.reached(now).filter(|h| !d.reminded.contains(h));
            due.map(|h| (d.authority.clone(), h)).collect::<Vec<_>>()
        })
        .collect()
    }
}

impl Deadline {
    /// After this it is overdue: what the law says; where it names no number, the last reminder.
    fn limit(&self) -> DateTime<Utc> {
        let last = self.alert_hours.last().copied().unwrap_or(0);
        self.due_at.unwrap_or(self.aware + TimeDelta::hours(last.into()))
    }

    fn reached(&self, now: DateTime<Utc>) -> impl Iterator<Item = u32> {
        self.alert_hours.iter().copied().filter(move |h| now >= self.aware + TimeDelta::hours((*h).into()))
    }

    pub(super) fn at(&self, now: DateTime<Utc>) -> Progress {
        match &self.sent {
            Some((at, _)) if *at > self.limit() => Progress::SentLate,
            Some(_) => Progress::Sent,
            None if now > self.limit() => Progress::Overdue,
            None => Progress::Open,
        }
    }

    /// For people: `cnil: due 2026-12-02 20:15 UTC, in 47 h; reminders reached: 24 h`.
    pub(super) fn sentence(&self, now: DateTime<Utc>) -> String {
        let due = self.due_at.map_or("without delay".to_owned(), |at| format!("due {}", at.format(MOMENT)));
        let name = &self.authority;
        let text = match (self.at(now), &self.sent) {
            (Progress::Overdue, _) => format!("{name}: OVERDUE by {}, {due}", span(now - self.limit())),
            (Progress::SentLate, Some((at, _))) => {
                format!("{name}: told {}, {} too late", at.format(MOMENT), span(*at - self.limit()))
            }
            (_, Some((at, _))) => format!("{name}: told {}", at.format(MOMENT)),
            (_, None) if self.due_at.is_none() => {
                format!("{name}: {due}, known for {}", span(now - self.aware))
            }
            (_, None) => format!("{name}: {due}, in {}", span(self.limit() - now)),
        };
        let reached: Vec<String> = self.reached(now).map(|h| format!("{h} h")).collect();
        match &self.sent {
            Some((_, reference)) if !reference.is_empty() => format!("{text}, as {reference}"),
            None if !reached.is_empty() => format!("{text}; reminders reached: {}", reached.join(", ")),
            _ => text,
        }
    }

    pub(super) fn json(&self, now: DateTime<Utc>) -> Value {
        let progress = match self.at(now) {
            Progress::Open => "open",
            Progress::Overdue => "overdue",
            Progress::Sent => "sent",
            Progress::SentLate => "sent_late",
        };
        json!({ "authority": self.authority, "due_at": self.due_at, "progress": progress,
            "reminders_reached": self.reached(now).collect::<Vec<_>>(), "sent_at": self.sent.as_ref().map(|s| s.0),
            "reference": self.sent.as_ref().map(|s| s.1.as_str()) })
    }
}

/// Whole hours, or minutes below two hours.
fn span(time: TimeDelta) -> String {
    match time.num_minutes() {
        minutes @ ..120 => format!("{minutes} min"),
        minutes => format!("{} h", minutes / 60),
    }
}

/// The incidents of a folder, oldest first; none when it is not there.
///
/// # Errors
/// When it cannot be read.
pub(super) fn ids(dir: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("{} cannot be read", dir.display()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", dir.display()))?;
        if entry.path().is_dir() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}
