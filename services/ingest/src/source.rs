//! What a source file declares.

use crate::{Context, Parsed, Refusal};
use chrono::Weekday;
use domain::Step;

/// Under which kind of terms the figures stand. Only some kinds may be carried in the project's own extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    /// In the public domain (US Government work).
    PublicDomain,
    /// Creative Commons BY.
    CcBy,
    /// Licence Ouverte / Etalab 2.0.
    LicenceOuverte,
    /// Free reuse when the source is named.
    ReuseWithCredit,
    /// A licence that asks derived databases to be under itself (ODbL): not mixed into the extract.
    ShareAlike,
    /// Not for commercial use: fetched by an operator who may, never carried.
    NonCommercial,
}

/// How often a table is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// Every working day.
    Daily,
    /// Once a week.
    Weekly,
    /// Once a year.
    Yearly,
    /// No more: the table is final.
    Ended,
}

impl Cadence {
    /// Its word in the database and on pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Yearly => "yearly",
            Self::Ended => "ended",
        }
    }
}

/// A pure function from bytes to rows.
pub type Parser = fn(&[u8], &Context<'_>) -> Result<Parsed, Refusal>;

/// One table of a source, as the publisher names it.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// A short name, unique within the source.
    pub name: &'static str,
    /// Where the publisher offers its newest state; empty when it is offered no longer.
    pub url: &'static str,
    /// Reads it.
    pub parse: Parser,
}

/// How the issue time of a recorded payload is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issued {
    /// The payload states it.
    Inside,
    /// From the recording: the full time in its manifest, else the date in the file's name, else the manifest's date.
    Recorded,
}

/// Recorded payloads of one feed: the files of a folder whose names begin and end so.
#[derive(Debug, Clone, Copy)]
pub struct Recording {
    /// The feed that reads them.
    pub feed: &'static str,
    /// Folder below the recording.
    pub folder: &'static str,
    /// How their names begin.
    pub prefix: &'static str,
    /// How their names end.
    pub suffix: &'static str,
    /// How their issue time is known.
    pub issued: Issued,
}

impl Recording {
    /// Is a file of its folder one of these, by its name?
    #[must_use]
    pub fn names(&self, file: &str) -> bool {
        file.starts_with(self.prefix) && file.ends_with(self.suffix)
    }
}

/// A defect of single rows that a source may be known for: the rows are quarantined and the rest is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A count below zero.
    Negative,
    /// About a day after the issue.
    Future,
    /// About a day before the series begins.
    Early,
    /// A weekly value not dated by the last day of a week.
    Weekday,
}

/// What [`crate::validation`] holds a source to.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Does the publisher correct earlier days by negative counts? Then they are values.
    pub corrections: bool,
    /// Fewer distinct places than this means that the place column is broken.
    pub min_places: usize,
    /// The first day that a value can be about: year, month, day.
    pub first_day: (i32, u32, u32),
    /// The weekday that dates a weekly value.
    pub week_ends: Option<Weekday>,
    /// Does every payload hold the whole history of its places? Then a cell that is no longer in it was taken back.
    pub complete: bool,
    /// Less than this share of the cells known before means a truncated file.
    pub least_share: f64,
    /// Defects that cost the row and not the payload.
    pub tolerates: &'static [Defect],
}

/// A publisher's table: who, where, under which terms, and how to read it.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The id that country profiles use.
    pub id: &'static str,
    /// Who publishes it.
    pub publisher: &'static str,
    /// What the publisher calls it.
    pub title: &'static str,
    /// Where a person can read about it.
    pub page_url: &'static str,
    /// How often it is published.
    pub cadence: Cadence,
    /// The kind of terms.
    pub terms: Terms,
    /// The licence's short name.
    pub licence: &'static str,
    /// The licence's text.
    pub licence_url: &'static str,
    /// The words that the licence asks for.
    pub credit: &'static str,
    /// May the project's own extract carry it?
    pub redistributable: bool,
    /// Why the extract leaves it out although its terms allow it; `None` when it is carried.
    pub left_out: Option<&'static str>,
    /// How the issue time of its values is known: a sentence for readers.
    pub issue_time: &'static str,
    /// The publisher's own repositories (`owner/name`), whose commits are addresses of vintages.
    pub repositories: &'static [&'static str],
    /// What else is done to its figures than is done to those of every source ([`Source::transformations`]).
    pub steps: &'static [Step],
    /// What a payload must satisfy.
    pub rules: Rules,
    /// Its tables.
    pub feeds: &'static [Feed],
    /// What was recorded of it.
    pub recordings: &'static [Recording],
}

impl Source {
    /// The feed of that name.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&'static Feed> {
        self.feeds.iter().find(|f| f.name == name)
    }

    /// What is done to its figures on the way to values, in order.
    #[must_use]
    pub fn transformations(&self) -> Vec<Step> {
        let all = |step: &Step| match step {
            Step::Cell | Step::FirstIssue => true,
            Step::AsPublished => !self.steps.contains(&Step::Difference),
            Step::WeekEnd => self.rules.week_ends.is_some(),
            Step::Difference | Step::EndOfDay => self.steps.contains(step),
            // Of single values, not of a source.
            Step::Withdrawn | Step::Released => false,
        };
        Step::ALL.into_iter().filter(all).collect()
    }

    /// Is it in the extract: may it be, and does nothing speak against it?
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.may_be_carried() && self.left_out.is_none()
    }

    /// Do its terms allow the extract to carry it?
    #[must_use]
    pub fn may_be_carried(&self) -> bool {
        self.redistributable && !matches!(self.terms, Terms::NonCommercial | Terms::ShareAlike)
    }
}
