//! Reads a selection piece by piece: constant memory, and no connection is held while a slow client reads.

use crate::select::Selection;
use crate::visit::{Memory, Visit};
use crate::words::{Words, date, time};
use chrono::{DateTime, NaiveDate, Utc};
use kit::{App, Problem};
use sqlx::PgPool;
use store::issued::{Coverage, coverage};
use store::scan::{Question, Row};
use store::series::{Limit, rows};

/// Where the reading stands.
#[derive(Debug)]
pub(crate) struct Reader {
    db: PgPool,
    memory: Memory,
    words: Words,
    question: Question,
    state: Vec<Coverage>,
    next: usize,
    after: Option<(NaiveDate, DateTime<Utc>)>,
}

impl Reader {
    /// A reader at the beginning of a selection, or behind the value that it names. `state` is what there was when it was
    /// asked for.
    pub(crate) fn new(app: &App, memory: &Memory, selection: &Selection, state: Vec<Coverage>) -> Self {
        let targets = &selection.targets;
        let (mut next, mut after) = (0, None);
        if let Some(key) = &selection.after {
            next = targets.partition_point(|t| t.place.as_str() < key.place.as_str());
            let inside = targets.get(next).is_some_and(|t| t.place == key.place.as_str());
            after = inside.then_some((key.reference_date, key.issued_at));
        }
        Self {
            db: app.db.clone(),
            memory: memory.clone(),
            words: Words::new(app, &selection.signal, targets.clone()),
            question: selection.question.clone(),
            state,
            next,
            after,
        }
    }

    /// The next rows, `limit` at most, all of one moment; fewer only at the end. And what their numbers stand for.
    pub(crate) async fn batch(
        &mut self,
        visit: &mut Visit,
        limit: usize,
    ) -> Result<(Vec<Row>, Words), Problem> {
        let series: Vec<i32> =
            self.words.targets.iter().skip(self.next).map(|target| target.series).collect();
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX);
        let limits = Limit { each: wanted, all: wanted };
        let mut found = rows(&mut visit.conn, &series, &self.question, self.after, limits).await?;
        for row in &mut found {
            row.series += u32::try_from(self.next).unwrap_or(u32::MAX);
        }
        match found.last().filter(|_| found.len() == limit) {
            None => (self.next, self.after) = (self.words.targets.len(), None),
            Some(last) => {
                let times = date(last.date).and_then(|date| Ok((date, time(last.issued_at)?)));
                self.after = Some(times.map_err(anyhow::Error::from)?);
                self.next = last.series as usize;
            }
        }
        let payloads = visit.payloads(&found).await?;
        Ok((found, self.words.clone().with(payloads)))
    }

    /// The next rows of a visit of their own.
    pub(crate) async fn piece(&mut self, limit: usize) -> Result<(Vec<Row>, Words), Problem> {
        let mut visit = self.memory.visit(&self.db).await?;
        self.batch(&mut visit, limit).await
    }

    /// Is there nothing that came since the reading began? Then all batches together are of one moment too.
    pub(crate) async fn unchanged(&self) -> sqlx::Result<bool> {
        let mut visit = self.memory.visit(&self.db).await?;
        let issued = visit.issued(&self.words.signal).await?;
        Ok(coverage(&issued, self.question.as_of, self.question.by) == self.state)
    }
}
