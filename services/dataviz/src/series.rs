//! One signal in one place, as it was known at a moment, between two days.

use crate::question::Question;
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::Signal;
use domain::{ObservationKey, Status};
use kit::Problem;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use store::places::Place;
use store::sources::Source;

/// A value on a day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    pub(crate) value: Option<f64>,
    pub(crate) status: Status,
    pub(crate) issued_at: DateTime<Utc>,
    /// Permanent id, for `/why/{id}`.
    pub(crate) id: String,
}

/// A series.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) place: Place,
    /// `None`: the signal is not published at this level.
    pub(crate) source: Option<Source>,
    /// All that is known, by date.
    pub(crate) cells: BTreeMap<NaiveDate, Cell>,
    averaged: bool,
    /// The last day whose value is complete; later ones still grow.
    settled: NaiveDate,
    /// Where nothing is known: the first issue that is kept, whenever it came.
    kept_from: Option<DateTime<Utc>>,
}

/// Are the values of this signal so many a day that their mean of seven days is what can be compared?
pub(crate) fn averaged(signal: &Signal) -> bool {
    signal.sums_days()
}

impl Series {
    /// Reads it; without figures where the signal is not published.
    ///
    /// # Errors
    /// When the database does not answer or holds a row that breaks a rule.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        q: &Question<'_>,
        place: &Place,
    ) -> Result<Self, Problem> {
        let mut series = Self {
            place: place.clone(),
            source: None,
            cells: BTreeMap::new(),
            averaged: averaged(q.signal),
            settled: NaiveDate::MAX,
            kept_from: None,
        };
        let Some(id) = q.signal.source_at(&place.level) else { return Ok(series) };
        series.source = store::sources::get(conn, id.as_str()).await?;
        let points =
            store::observations::as_of(conn, q.signal.id.as_str(), id.as_str(), &place.id, q.as_of).await?;
        let issued =
            store::observations::last_issue(conn, q.signal.id.as_str(), id.as_str(), q.as_of).await?;
        series.settled = issued.map_or(NaiveDate::MAX, |at| q.signal.settled(at.date_naive()));
        for p in points {
            let key = ObservationKey {
                signal: q.signal.id.clone(),
                source: id.clone(),
                place: p.place_id.parse().map_err(anyhow::Error::from)?,
                reference_date: p.reference_date,
                issued_at: p.issued_at,
            };
            let status = p.status.parse().map_err(anyhow::Error::from)?;
            let cell = Cell { value: p.value, status, issued_at: p.issued_at, id: key.id() };
            series.cells.insert(p.reference_date, cell);
        }
        if series.cells.is_empty() {
            let first = store::observations::first_issue(conn, q.signal.id.as_str(), id.as_str(), &place.id);
            series.kept_from = first.await?;
        }
        Ok(series)
    }

    /// When the newest of these values was issued.
    pub(crate) fn issued(&self) -> Option<DateTime<Utc>> {
        self.cells.values().map(|c| c.issued_at).max()
    }

    /// Why there is nothing to draw.
    pub(crate) fn gap(&self, q: &Question<'_>) -> String {
        match self.kept_from.filter(|at| *at > q.as_of) {
            _ if q.signal.source_at(&self.place.level).is_none() => q.lang.t("gap.level"),
            Some(at) => {
                let day = |at| q.lang.formats.date(q.lang.formats.day_of(at));
                q.lang.f("gap.before", &[("date", &day(at)), ("now", &day(q.as_of))])
            }
            None => q.lang.t("gap.none"),
        }
    }

    /// The last day with a number.
    pub(crate) fn last(&self) -> Option<NaiveDate> {
        self.cells.iter().rev().find(|(_, c)| c.value.is_some()).map(|(d, _)| *d)
    }

    /// The first day with a number.
    pub(crate) fn first(&self) -> Option<NaiveDate> {
        self.cells.iter().find(|(_, c)| c.value.is_some()).map(|(d, _)| *d)
    }

    /// Is the value of this day complete?
    pub(crate) fn is_settled(&self, date: NaiveDate) -> bool {
        date <= self.settled
    }

    /// The first day whose number is still incomplete.
    pub(crate) fn incomplete_from(&self) -> Option<NaiveDate> {
        let shown = self.cells.iter().find(|(d, c)| **d > self.settled && c.value.is_some());
        shown.map(|(d, _)| *d)
    }

    /// What is drawn of a day: the value, or the mean of seven days that are all known; nothing of a day that is
    /// still incomplete.
    pub(crate) fn drawn(&self, date: NaiveDate) -> Option<f64> {
        if !self.is_settled(date) {
            return None;
        }
        let at = |day: NaiveDate| self.cells.get(&day)?.value;
        if !self.averaged {
            return at(date);
        }
        (0..7).map(|back| at(date - Days::new(back))).sum::<Option<f64>>().map(|sum| sum / 7.0)
    }

    /// The points of a line between two days, both inside.
    pub(crate) fn points(&self, span: (NaiveDate, NaiveDate)) -> Vec<(NaiveDate, Option<f64>)> {
        self.cells.range(span.0..=span.1).map(|(date, _)| (*date, self.drawn(*date))).collect()
    }

    /// Lowest, highest and last point of a line.
    pub(crate) fn extremes(&self, span: (NaiveDate, NaiveDate)) -> Option<[(NaiveDate, f64); 3]> {
        let known: Vec<(NaiveDate, f64)> =
            self.points(span).into_iter().filter_map(|(d, v)| Some((d, v?))).collect();
        let lowest = known.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let highest = known.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some([*lowest, *highest, *known.last()?])
    }
}
