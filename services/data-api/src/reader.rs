//! Reads a selection piece by piece: constant memory, and no connection is held while a slow client reads.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ObservationKey;
use sqlx::{PgConnection, PgPool};
use store::many_places::{Asked, known_in};
use store::series::{Cells, KnownBy, Point, issues, known};

/// A place and whose figures stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) place: String,
    pub(crate) source: String,
}

/// Places asked for in one question: most of a country at once, and the planner's work stays small.
const MANY: usize = 64;

/// One row per cell, or one per issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As known at the time asked for, or `lag` days after each reference date.
    Known { lag: Option<i32> },
    /// Every issue.
    Issues,
}

impl Mode {
    /// The lag, where there is one.
    pub(crate) fn lag(self) -> Option<i32> {
        match self {
            Self::Known { lag } => lag,
            Self::Issues => None,
        }
    }
}

/// Where the reading stands.
#[derive(Debug)]
pub(crate) struct Reader {
    db: PgPool,
    signal: String,
    targets: Vec<Target>,
    span: (Option<NaiveDate>, Option<NaiveDate>),
    as_of: DateTime<Utc>,
    by: KnownBy,
    mode: Mode,
    next: usize,
    after: Option<(NaiveDate, DateTime<Utc>)>,
}

impl Reader {
    /// A reader at the beginning, by the publisher's times. `targets` are sorted by place.
    pub(crate) fn new(
        db: PgPool,
        signal: String,
        targets: Vec<Target>,
        span: (Option<NaiveDate>, Option<NaiveDate>),
        as_of: DateTime<Utc>,
        mode: Mode,
    ) -> Self {
        Self { db, signal, targets, span, as_of, by: KnownBy::Issue, mode, next: 0, after: None }
    }

    /// Chooses by which of its times a value is known.
    pub(crate) fn by(mut self, by: KnownBy) -> Self {
        self.by = by;
        self
    }

    /// Moves behind a value that was already sent.
    pub(crate) fn after(mut self, key: Option<&ObservationKey>) -> Self {
        if let Some(key) = key {
            self.next = self.targets.partition_point(|t| t.place.as_str() < key.place.as_str());
            let inside = self.targets.get(self.next).is_some_and(|t| t.place == key.place.as_str());
            self.after = inside.then_some((key.reference_date, key.issued_at));
        }
        self
    }

    /// The next rows with their sources, `limit` at most; fewer only at the end.
    pub(crate) async fn batch(&mut self, limit: usize) -> sqlx::Result<Vec<(String, Point)>> {
        let mut rows = Vec::new();
        let mut conn = self.db.acquire().await?;
        let first = self.next;
        while let Some(target) = self.targets.get(self.next) {
            let left = limit.saturating_sub(rows.len());
            if left == 0 {
                break;
            }
            let wanted = i64::try_from(left).unwrap_or(i64::MAX);
            let cells = Cells {
                signal: &self.signal,
                source: &target.source,
                place: &target.place,
                from: self.span.0,
                to: self.span.1,
                as_of: self.as_of,
                by: self.by,
            };
            // As the places before had few rows, so may the next ones: many of them are asked for at once.
            let many = (left * (self.next - first) / rows.len().max(1)).min(MANY);
            if let (Mode::Known { lag }, None, 2..) = (self.mode, self.after, many) {
                rows.extend(self.many(&mut conn, lag, many, left).await?);
                continue;
            }
            let found = match self.mode {
                Mode::Known { lag } => known(&mut conn, &cells, lag, self.after.map(|a| a.0), wanted).await?,
                Mode::Issues => issues(&mut conn, &cells, self.after, wanted).await?,
            };
            if found.len() < left {
                self.next += 1;
                self.after = None;
            } else {
                self.after = found.last().map(|p| (p.reference_date, p.issued_at));
            }
            rows.extend(found.into_iter().map(|p| (target.source.clone(), p)));
        }
        Ok(rows)
    }

    /// The next rows of up to `many` places, which nothing was sent of yet.
    async fn many(
        &mut self,
        conn: &mut PgConnection,
        lag: Option<i32>,
        many: usize,
        left: usize,
    ) -> sqlx::Result<Vec<(String, Point)>> {
        let end = (self.next + many).min(self.targets.len());
        let targets = self.targets.get(self.next..end).unwrap_or_default();
        let sources: Vec<&str> = targets.iter().map(|t| t.source.as_str()).collect();
        let places: Vec<&str> = targets.iter().map(|t| t.place.as_str()).collect();
        let asked = Asked { signal: &self.signal, span: self.span, as_of: self.as_of, by: self.by, lag };
        let found =
            known_in(conn, &asked, &sources, &places, i64::try_from(left).unwrap_or(i64::MAX)).await?;
        match found.last().filter(|_| found.len() == left) {
            None => self.next = end,
            Some((_, last)) => {
                self.next += places.iter().position(|p| *p == last.place_id).unwrap_or(0);
                self.after = Some((last.reference_date, last.issued_at));
            }
        }
        Ok(found)
    }
}
