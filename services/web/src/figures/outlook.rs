//! What was likely to come, as the newest run says it, or the reason why nothing is said.

use super::series::Series;
use chrono::NaiveDate;
use kit::Problem;
use kit::record::{Closed, LEAST_WEEKS, RECORD_WEEKS, Record};
use sqlx::PgConnection;
use store::forecasts::{Forecast, NotEstimated, Rt, Run, Trend};
use store::places::Place;
use store::scores::Means;

/// An answer, or the word of the reason why there is none (`reason.<word>` in the locale files).
pub type Answer<T> = Result<T, String>;

/// The answers of the newest run in one place.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// The run, where there is one that may speak.
    pub run: Option<Run>,
    /// Weeks after the last known one, at least one.
    pub weeks: Answer<Vec<Forecast>>,
    /// The reproduction number of the newest window.
    pub rt: Answer<Rt>,
    /// Which way the next week goes.
    pub trend: Answer<Trend>,
    /// How often such forecasts were right here, where there were enough.
    pub record: Option<Record>,
    /// How good what was said of the direction has been here, beside what is usual at that time of the year.
    pub direction: Option<Means>,
}

impl Outlook {
    /// No answer to any question, for one reason.
    #[must_use]
    pub fn none(reason: &str) -> Self {
        let no = || reason.to_owned();
        Self { run: None, weeks: Err(no()), rt: Err(no()), trend: Err(no()), record: None, direction: None }
    }

    /// Reads it. A series that ended, is stale or is empty gets no forecast, whatever is stored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(conn: &mut PgConnection, series: &Series<'_>, place: &Place) -> Result<Self, Problem> {
        if let Some(reason) = silence(series) {
            return Ok(Self::none(reason));
        }
        let signal = series.signal.id.as_str();
        // Without a plan nobody computes anything for places of this level; deaths ahead need none.
        let planned = series.signal.is_forecast_at(&place.level);
        if series.signal.forecast.is_some() && !planned {
            return Ok(Self::none("no_model"));
        }
        let Some(run) = store::forecasts::latest_run(conn, signal, series.as_of).await? else {
            return Ok(Self::none(if planned { "not_computed" } else { "no_model" }));
        };
        let source = series.signal.source_at(&place.level).map_or("", |s| s.as_str());
        let closed = Closed::read(conn, signal, source, &place.id, series.as_of).await?;
        if closed == Some(Closed::Quarantined) {
            return Ok(Self::none(Closed::Quarantined.as_str()));
        }
        let record = Record::read(conn, signal, &place.id, series.as_of).await?;
        let at = Some(place.id.as_str());
        let means = store::scores::spread_means(conn, signal, at, series.as_of, RECORD_WEEKS).await?;
        let enough = |m: &Means| usize::try_from(m.weeks).is_ok_and(|weeks| weeks >= LEAST_WEEKS);
        let direction = means.into_iter().find(|m| m.question == "classes").filter(enough);
        let rt = store::forecasts::rt(conn, &run.id, at).await?.pop();
        let why = store::forecasts::not_estimated(conn, &run.id, at).await?;
        let rt = rt.ok_or_else(|| reason(&why, "transmission"));
        if let Some(closed) = closed {
            return Ok(Self { run: Some(run), rt, record, direction, ..Self::none(closed.as_str()) });
        }
        let last = series.last().map_or(run.reference_date, |c| c.date);
        let stored = store::forecasts::forecasts(conn, &run.id, at).await?;
        let whole = |f: &Forecast| f.target_end_date > last && f.quantiles.len() == domain::LEVELS.len();
        let weeks: Vec<Forecast> = stored.iter().filter(|f| whole(f)).cloned().collect();
        if weeks.is_empty() && !stored.is_empty() {
            return Ok(Self::none("run_old"));
        }
        // Of the week that the first sentence is about.
        let next = to_come(&weeks, series.as_of.date_naive()).first().map(|f| f.horizon);
        let trends = store::forecasts::trends(conn, &run.id, at).await?;
        let trend = trends.into_iter().find(|t| next.is_none_or(|h| t.horizon == h));
        Ok(Self {
            weeks: if weeks.is_empty() { Err(reason(&why, "forecast")) } else { Ok(weeks) },
            rt,
            trend: trend.ok_or_else(|| reason(&why, "spread")),
            run: Some(run),
            record,
            direction,
        })
    }
}

/// The weeks that are not over; all of them where none is left.
#[must_use]
pub fn to_come(weeks: &[Forecast], today: NaiveDate) -> &[Forecast] {
    let from = weeks.iter().position(|f| !f.is_over(today)).unwrap_or(0);
    &weeks[from..]
}

/// Why nothing may be said about the future of a series, before any run is asked.
fn silence(series: &Series<'_>) -> Option<&'static str> {
    if series.ended().is_some() {
        return Some("ended");
    }
    if series.last().is_none() {
        return Some("no_data");
    }
    series.stale().then_some("stale")
}

fn reason(why: &[NotEstimated], question: &str) -> String {
    why.iter().find(|n| n.question == question).map_or_else(|| "no_answer".to_owned(), |n| n.reason.clone())
}
