//! Time lines: what the database wrote between two restores (PostgreSQL's manual, "Timelines"). Their numbers, the names of the
//! files that belong to them, and which one a moment or a backup is on.

use anyhow::Context as _;
use chrono::{DateTime, Utc};

/// What the name of a history ends with, after eight digits.
pub(crate) const HISTORY: &str = ".history";
/// The bytes of a segment, as `initdb` has them.
const SEGMENT: u64 = 16 << 20;

/// A time line.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub number: u32,
    /// When the restore that began it was done.
    pub began: DateTime<Utc>,
    /// The lines that it comes from, oldest first, each with the position at which the next one left it.
    parents: Vec<(u32, u64)>,
}

impl Line {
    /// The one that no restore began.
    pub(crate) fn first() -> Self {
        Self { number: 1, began: DateTime::<Utc>::MIN_UTC, parents: Vec::new() }
    }

    /// What the history of a line says; `written`: when it was, for one that does not say when the line began.
    pub(crate) fn read(number: u32, text: &str, written: DateTime<Utc>) -> anyhow::Result<Self> {
        let mut line = Self { number, began: written, parents: Vec::new() };
        for row in text.lines().map(str::trim).filter(|row| !row.is_empty()) {
            if let Some(time) = row.strip_prefix(&began(number, "")) {
                line.began = time.parse().with_context(|| format!("`{row}` in a history"))?;
            } else if !row.starts_with('#') {
                let mut words = row.split_ascii_whitespace();
                let parent = words.next().and_then(|word| word.parse().ok());
                let left = words.next().and_then(position);
                line.parents.push(parent.zip(left).with_context(|| format!("`{row}` in a history"))?);
            }
        }
        Ok(line)
    }

    /// Does this line come from what was there when a backup, from segment `start` on, ended at `stop`?
    pub(crate) fn holds(&self, start: &str, stop: Option<u64>) -> bool {
        let Some((number, begin)) = line_of(start).zip(place(start)) else { return false };
        let mut entered = 0;
        for &(parent, left) in &self.parents {
            if parent == number {
                return begin + SEGMENT > entered && stop.is_some_and(|stop| stop <= left);
            }
            entered = left;
        }
        // A line begins within a segment, which has all of its parent before.
        number == self.number && begin + SEGMENT > entered
    }

    /// The position at which this line, or one that it comes from, left another.
    pub(crate) fn left(&self, parent: u32) -> Option<u64> {
        self.parents.iter().find(|(number, _)| *number == parent).map(|(_, left)| *left)
    }

    /// Is a segment of this line, or of one that it comes from?
    pub(crate) fn reads(&self, segment: &str) -> bool {
        line_of(segment).is_some_and(|of| of == self.number || self.parents.iter().any(|(n, _)| *n == of))
    }
}

/// The comment that says when a line began: after a restore of its own a line has those of its parents too.
pub(crate) fn began(number: u32, time: &str) -> String {
    format!("# time line {number} began {time}")
}

/// `0/3000138`, as PostgreSQL writes a position.
pub(crate) fn position(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some(u64::from(u32::from_str_radix(high, 16).ok()?) << 32 | u64::from(u32::from_str_radix(low, 16).ok()?))
}

/// Digits in the name of a segment, or at the beginning of one that goes with it.
fn digits(name: &str, from: usize) -> Option<u32> {
    let digits = name.get(from..from + 8)?;
    (digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// The time line of a segment.
pub(crate) fn line_of(name: &str) -> Option<u32> {
    digits(name, 0)
}

/// Where a segment begins.
pub(crate) fn place(name: &str) -> Option<u64> {
    Some((u64::from(digits(name, 8)?) << 32) + u64::from(digits(name, 16)?) * SEGMENT)
}

pub(crate) fn is_segment(name: &str) -> bool {
    name.len() == 24 && line_of(name).is_some() && place(name).is_some()
}

/// The time line whose history this is.
pub(crate) fn history_of(name: &str) -> Option<u32> {
    line_of(name.strip_suffix(HISTORY).filter(|digits| digits.len() == 8)?)
}

/// The time line of a history, a segment, or a file that goes with one.
pub(crate) fn owner(name: &str) -> Option<u32> {
    history_of(name).or_else(|| name.get(..24).filter(|name| is_segment(name)).and_then(line_of))
}

/// The line on which the database was at a moment; the newest when there is none. A moment is one of the clock on the wall: what
/// was written between the moment of an earlier restore and that restore is found again by its time.
pub(crate) fn at(lines: &[Line], to: Option<DateTime<Utc>>) -> anyhow::Result<&Line> {
    let found = lines.iter().rev().find(|line| to.is_none_or(|to| line.began <= to));
    found.context("the archive has no time line")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Line 2 left line 1 in segment 5, line 3 left line 2 in segment 8, line 4 left line 1 in segment 6.
    fn four() -> Vec<Line> {
        let second =
            "1\t0/5000100\tbefore 2026-01-02 10:00:00+00\n\n# time line 2 began 2026-01-02T12:00:00Z\n";
        let third = format!(
            "{second}\n2\t0/8000100\tno recovery target specified\n\n# time line 3 began 2026-01-03T12:00:00Z\n"
        );
        let fourth =
            "1\t0/6000100\tbefore 2026-01-02 11:00:00+00\n\n# time line 4 began 2026-01-04T12:00:00Z\n";
        let written = time("2026-01-09T00:00:00Z");
        let read = |number, text| Line::read(number, text, written).unwrap();
        vec![Line::first(), read(2, second), read(3, &third), read(4, fourth)]
    }

    #[test]
    fn a_moment_is_looked_for_on_the_line_of_its_time() {
        let lines = four();
        let on = |to: &str| at(&lines, Some(time(to))).unwrap().number;
        assert_eq!(on("2026-01-02T09:00:00Z"), 1);
        assert_eq!(
            on("2026-01-02T11:00:00Z"),
            1,
            "after the moment of the first restore, before that restore"
        );
        assert_eq!(on("2026-01-02T12:00:00Z"), 2);
        assert_eq!(on("2026-01-03T11:59:59Z"), 2);
        assert_eq!(on("2026-01-03T12:00:01Z"), 3);
        assert_eq!(on("2026-01-08T12:00:01Z"), 4);
        assert_eq!(at(&lines, None).unwrap().number, 4, "the newest");
    }

    #[test]
    fn a_line_comes_from_backups_that_ended_before_it_left_theirs() {
        let lines = four();
        let holds = |line: usize, start: &str, stop: u64| lines[line - 1].holds(start, Some(stop));
        let (early, late) = ("000000010000000000000003", "000000010000000000000005");
        assert!(holds(1, early, 0x0300_0200) && holds(1, late, 0x0500_0200));
        assert!(lines[0].holds(late, None), "on its own line");
        for line in [2, 3] {
            assert!(holds(line, early, 0x0300_0200));
            assert!(!holds(line, late, 0x0500_0200), "it ended after the moment");
            assert!(!lines[line - 1].holds(early, None), "nobody knows where it ended");
        }
        assert!(holds(4, late, 0x0500_0200));
        let second = "000000020000000000000006";
        assert!(holds(2, second, 0x0600_0200) && holds(3, second, 0x0600_0200));
        assert!(!holds(4, second, 0x0600_0200) && !holds(1, second, 0x0600_0200));
        assert!(!holds(2, "000000020000000000000003", 0x0300_0200), "of another line with its number");
    }

    #[test]
    fn a_history_without_our_comment_began_when_it_was_written() {
        let written = time("2026-01-09T00:00:00Z");
        let line = Line::read(2, "1\t0/5000100\tbefore 2026-01-02 10:00:00+00\n", written).unwrap();
        assert_eq!((line.began, line.parents), (written, vec![(1, 0x0500_0100)]));
        assert!(Line::read(2, "1 nowhere", written).is_err());
    }
}
