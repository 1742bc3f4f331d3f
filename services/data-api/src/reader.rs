//! Reads a selection piece by piece: constant memory, and no connection is held while a slow client reads.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ObservationKey;
use sqlx::{PgConnection, PgPool};
use store::issued::Coverage;
use store::many_places::known_in;
use store::scan::{Mode, Question, moment};
use store::series::{Cells, Point, issues, known};

/// A place and whose figures stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) place: String,
    pub(crate) source: String,
}

/// Places asked for in one question: most of a country at once, and the planner's work stays small.
const MANY: usize = 64;

/// Where the reading stands.
#[derive(Debug)]
pub(crate) struct Reader {
    db: PgPool,
    signal: String,
    targets: Vec<Target>,
    question: Question,
    state: Vec<Coverage>,
    next: usize,
    after: Option<(NaiveDate, DateTime<Utc>)>,
}

impl Reader {
    /// A reader at the beginning. `targets` are sorted by place; `state` is what there was when they were asked for.
    pub(crate) fn new(
        db: PgPool,
        signal: String,
        targets: Vec<Target>,
        question: Question,
        state: Vec<Coverage>,
    ) -> Self {
        Self { db, signal, targets, question, state, next: 0, after: None }
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

    /// The next rows with their sources, `limit` at most, all of one moment; fewer only at the end.
    pub(crate) async fn batch(&mut self, limit: usize) -> sqlx::Result<Vec<(String, Point)>> {
        let mut rows = Vec::new();
        let mut conn = self.db.acquire().await?;
        let first = self.next;
        let mut of_one_moment;
        let conn: &mut PgConnection = if self.targets.len() - self.next.min(self.targets.len()) > 1 {
            of_one_moment = moment(&mut conn).await?;
            &mut of_one_moment
        } else {
            &mut conn
        };
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
                from: self.question.span.0,
                to: self.question.span.1,
                as_of: self.question.as_of,
                by: self.question.by,
            };
            // As the places before had few rows, so may the next ones: many of them are asked for at once.
            let many = (left * (self.next - first) / rows.len().max(1)).min(MANY);
            if let (Mode::Known { .. }, None, 2..) = (self.question.mode, self.after, many) {
                rows.extend(self.many(&mut *conn, many, left).await?);
                continue;
            }
            let found = match self.question.mode {
                Mode::Known { lag } => {
                    known(&mut *conn, &cells, lag, self.after.map(|a| a.0), wanted).await?
                }
                Mode::Issues => issues(&mut *conn, &cells, self.after, wanted).await?,
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
        many: usize,
        left: usize,
    ) -> sqlx::Result<Vec<(String, Point)>> {
        let end = (self.next + many).min(self.targets.len());
        let targets = self.targets.get(self.next..end).unwrap_or_default();
        let sources: Vec<&str> = targets.iter().map(|t| t.source.as_str()).collect();
        let places: Vec<&str> = targets.iter().map(|t| t.place.as_str()).collect();
        let wanted = i64::try_from(left).unwrap_or(i64::MAX);
        let found = known_in(conn, &self.signal, &sources, &places, &self.question, wanted).await?;
        match found.last().filter(|_| found.len() == left) {
            None => self.next = end,
            Some((_, last)) => {
                self.next += places.iter().position(|p| *p == last.place_id).unwrap_or(0);
                self.after = Some((last.reference_date, last.issued_at));
            }
        }
        Ok(found)
    }

    /// Is there nothing that came since the reading began? Then all batches together are of one moment too.
    pub(crate) async fn unchanged(&self) -> sqlx::Result<bool> {
        let mut conn = self.db.acquire().await?;
        let Question { as_of, by, .. } = self.question;
        Ok(store::issued::coverage(&mut conn, Some(&self.signal), as_of, by).await? == self.state)
    }
}
