//! Past weeks again: what the models would have said of each, from what was known then and nothing later. So that a record
//! stands beside a forecast from the first day on, and the rule of withdrawal is seen at work on real seasons.

use crate::batch::{Kind, Options, Progress, Task};
use crate::watch;
use crate::work::Worker;
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::Signal;
use kit::{App, Clock};
use sqlx::PgConnection;
use sqlx::postgres::PgListener;
use std::collections::BTreeMap;
use store::leases;

/// Which weeks.
#[derive(Debug, Clone, Copy)]
pub enum Span {
    /// The newest ones before the clock.
    Weeks(usize),
    /// Issues of these days, both included.
    Between(NaiveDate, NaiveDate),
}

/// Runs the pooled models as of every time in `span` at which a new week came out, oldest first, and scores them with everything
/// known at the clock. Of all signals, or of `only`. What is stored already is not computed again, so that it may be ended and
/// started anew. Returns how many runs are new.
///
/// # Errors
/// As [`crate::batch::perform`].
pub async fn run(
    app: &App,
    options: &Options,
    span: Span,
    only: Option<&str>,
    say: Progress,
) -> anyhow::Result<usize> {
    let mut freed = PgListener::connect_with(&app.db).await?;
    freed.listen(leases::FREED).await?;
    let mut new = 0;
    let asked = |s: &&Signal| s.forecast.is_some() && only.is_none_or(|id| s.id.as_str() == id);
    for signal in app.profile.signals.iter().filter(asked) {
        let origins = open(&mut *app.db.acquire().await?, signal, app.clock.now(), span).await?;
        let of = |kind| [Task { kind, signal: signal.id.clone() }].into();
        for (number, origin) in origins.iter().enumerate() {
            say(&format!(
                "{}: week {} of {}, as of {}",
                signal.id,
                number + 1,
                origins.len(),
                origin.date_naive()
            ));
            let then = App { clock: Clock::Recorded(*origin), ..app.clone() };
            new += Worker::new(&then, options, say).all(&mut of(Kind::Pool), &mut freed).await?;
        }
        if !origins.is_empty() {
            Worker::new(app, options, say).all(&mut of(Kind::Scores), &mut freed).await?;
        }
    }
    Ok(new)
}

/// The times of `span` at which a new week of `signal` came out and nothing is stored, oldest first.
async fn open(
    conn: &mut PgConnection,
    signal: &Signal,
    now: DateTime<Utc>,
    span: Span,
) -> sqlx::Result<Vec<DateTime<Utc>>> {
    let ours = |source: &str| signal.sources.values().any(|s| s.as_str() == source);
    let mut by_day: BTreeMap<NaiveDate, (DateTime<Utc>, NaiveDate)> = BTreeMap::new();
    for issue in store::issued::issues(conn, signal.id.as_str()).await? {
        if ours(&issue.source_id) && issue.issued_at < now {
            let day =
                by_day.entry(issue.issued_at.date_naive()).or_insert((issue.issued_at, issue.last_date));
            *day = (day.0.max(issue.issued_at), day.1.max(issue.last_date));
        }
    }
    let mut newest = None;
    let fresh = by_day.into_values().filter(|(_, last)| {
        let new = newest.is_none_or(|before| *last > before);
        newest = newest.max(Some(*last));
        new
    });
    let mut origins: Vec<DateTime<Utc>> = fresh.map(|(at, _)| at).collect();
    match span {
        Span::Weeks(count) => drop(origins.drain(..origins.len().saturating_sub(count))),
        Span::Between(from, to) => origins.retain(|at| (from..=to).contains(&at.date_naive())),
    }
    let stored: Vec<DateTime<Utc>> =
        store::forecasts::runs(conn, signal.id.as_str(), now).await?.iter().map(|run| run.as_of).collect();
    origins.retain(|at| !stored.contains(at));
    Ok(origins)
}

/// The same, for a task that is not awaited: a failure is told, and operators see the scores that came.
pub async fn in_background(app: App, options: Options, weeks: usize, say: Progress) {
    let replayed = async {
        run(&app, &options, Span::Weeks(weeks), None, say).await?;
        anyhow::Ok(watch::publish(&app).await?)
    };
    if let Err(error) = replayed.await {
        tracing::error!(error = format!("{error:#}"), "past weeks cannot be replayed");
    }
}
