//! One signal in one place, as it was known at a moment.

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::{Cadence, Disease, Signal};
use domain::{CountryProfile, ObservationKey, PlaceId, Status};
use kit::Problem;
use sqlx::PgConnection;
use store::observations::Point;
use store::places::Place;
use store::sources::Source;

/// One date of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The day, or the last day of the week.
    pub date: NaiveDate,
    /// The number, where the status has one.
    pub value: Option<f64>,
    /// What kind of value it is.
    pub status: Status,
    /// When its publisher issued it.
    pub issued_at: DateTime<Utc>,
    /// Its permanent id, for `/why/{id}`.
    pub id: String,
}

/// A series with its source and when it was last looked at.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    /// What is counted.
    pub signal: &'a Signal,
    /// Who publishes it.
    pub source: Source,
    /// By date, ascending.
    pub cells: Vec<Cell>,
    /// The newest issue of this source for this signal, in any place.
    pub issued: Option<DateTime<Utc>>,
    /// When its source was last looked at.
    pub checked: Option<DateTime<Utc>>,
    /// Where nothing was known by then: the first issue of this source for this signal at this level, whenever it came.
    pub first: Option<DateTime<Utc>>,
    /// What "now" was.
    pub as_of: DateTime<Utc>,
}

impl<'a> Series<'a> {
    /// Reads it; `None` when the signal has no source at the place's level, or the source is not loaded.
    ///
    /// # Errors
    /// When the database does not answer, or holds a row that no rule of ours allows.
    pub async fn read(
        conn: &mut PgConnection,
        signal: &'a Signal,
        place: &Place,
        as_of: DateTime<Utc>,
    ) -> Result<Option<Self>, Problem> {
        let Some(id) = signal.source_at(&place.level) else { return Ok(None) };
        let Some(source) = store::sources::get(conn, id.as_str()).await? else { return Ok(None) };
        let points =
            store::observations::as_of(conn, signal.id.as_str(), id.as_str(), &place.id, as_of).await?;
        let mut series = Self::empty(signal, source, as_of);
        for point in points {
            series.push(point)?;
        }
        series.issued = store::observations::last_issue(conn, signal.id.as_str(), id.as_str(), as_of).await?;
        series.checked = store::sources::last_check(conn, id.as_str(), as_of).await?.map(|(at, ..)| at);
        if series.cells.is_empty() {
            let (signal, source) = (signal.id.as_str(), id.as_str());
            series.first = store::observations::first_issue(conn, signal, source, &place.id).await?;
        }
        Ok(Some(series))
    }

    /// The series that a disease opens with in a place: its headline signal, or the first one that has figures.
    ///
    /// # Errors
    /// As [`Series::read`].
    pub async fn headline(
        conn: &mut PgConnection,
        profile: &'a CountryProfile,
        disease: &'a Disease,
        place: &Place,
        as_of: DateTime<Utc>,
    ) -> Result<Option<Self>, Problem> {
        for signal in profile.signals_of(disease) {
            let found = Self::read(conn, signal, place, as_of).await?;
            if let Some(series) = found.filter(|s| s.last().is_some()) {
                return Ok(Some(series));
            }
        }
        Ok(None)
    }

    /// A series without figures yet.
    #[must_use]
    pub fn empty(signal: &'a Signal, source: Source, as_of: DateTime<Utc>) -> Self {
        Self { signal, source, cells: Vec::new(), issued: None, checked: None, first: None, as_of }
    }

    /// Adds the next date of the series.
    ///
    /// # Errors
    /// When the row breaks a rule that the database should have kept.
    pub fn push(&mut self, point: Point) -> Result<(), Problem> {
        let cell = cell(self.signal, &self.source, point)?;
        self.cells.push(cell);
        Ok(())
    }

    /// The newest date that has a number, complete or not.
    #[must_use]
    pub fn newest(&self) -> Option<&Cell> {
        self.cells.iter().rev().find(|c| c.value.is_some())
    }

    /// The newest date that has a complete number: what sentences speak of. Where there is none yet, the newest.
    #[must_use]
    pub fn last(&self) -> Option<&Cell> {
        self.cells.iter().rev().find(|c| c.value.is_some() && self.settled(c.date)).or_else(|| self.newest())
    }

    /// Is the value of this date complete in the newest issue?
    #[must_use]
    pub fn settled(&self, date: NaiveDate) -> bool {
        self.issued.is_none_or(|at| date <= self.signal.settled(at.date_naive()))
    }

    /// The first date whose number is still incomplete.
    #[must_use]
    pub fn incomplete_from(&self) -> Option<NaiveDate> {
        let last = self.last()?.date;
        self.cells.iter().find(|c| c.date > last && c.value.is_some()).map(|c| c.date)
    }

    /// The value on exactly this date.
    #[must_use]
    pub fn at(&self, date: NaiveDate) -> Option<f64> {
        let found = self.cells.binary_search_by_key(&date, |c| c.date).ok()?;
        self.cells.get(found)?.value
    }

    /// The value of the week that ends on `date`: the cell itself, or the sum of seven days that are all known.
    /// Rates and running totals are never summed.
    #[must_use]
    pub fn week_to(&self, date: NaiveDate) -> Option<f64> {
        match self.signal.cadence {
            Cadence::Week => self.at(date),
            Cadence::Day if !self.sums_days() => self.at(date),
            Cadence::Day => (0..7).map(|n| self.at(date - Days::new(n))).sum(),
        }
    }

    /// Are values of a week sums of its days?
    #[must_use]
    pub fn sums_days(&self) -> bool {
        self.signal.sums_days()
    }

    /// When the last issue that is kept came out, once the figures that are kept have come to their end; without any
    /// figure the end of the declared day.
    #[must_use]
    pub fn ended(&self) -> Option<DateTime<Utc>> {
        let newest = self.newest().map(|c| c.date);
        let declared = self.signal.ended_by(self.as_of.date_naive(), newest)?;
        let last = self.cells.iter().map(|c| c.issued_at).max();
        last.or_else(|| Some(declared.and_hms_opt(23, 59, 59)?.and_utc()))
    }

    /// Is no figure known at this moment only because no copy that is kept is so old?
    #[must_use]
    pub fn unkept(&self) -> bool {
        self.newest().is_none() && self.first.is_some_and(|at| at > self.as_of)
    }

    /// Is the newest figure too old to say anything about the present?
    #[must_use]
    pub fn stale(&self) -> bool {
        let limit = Days::new(u64::from(self.signal.stale_after_days));
        self.newest().is_some_and(|c| c.date + limit < self.as_of.date_naive())
    }

    /// When the next issue is expected: the declared number of days after the last one; not for an ended series.
    #[must_use]
    pub fn next_issue(&self) -> Option<DateTime<Utc>> {
        let every = Days::new(u64::from(self.signal.issue_every_days));
        self.issued.filter(|_| self.ended().is_none())?.checked_add_days(every)
    }
}

fn cell(signal: &Signal, source: &Source, p: Point) -> Result<Cell, Problem> {
    use anyhow::Context as _;
    let key = ObservationKey {
        signal: signal.id.clone(),
        source: source.id.parse().context("the id of a source in the database")?,
        place: PlaceId::new(&p.place_id).context("the id of a place in the database")?,
        reference_date: p.reference_date,
        issued_at: p.issued_at,
    };
    let status = p.status.parse().context("the status of a row in the database")?;
    Ok(Cell { date: p.reference_date, value: p.value, status, issued_at: p.issued_at, id: key.id() })
}
