//! Forecasts and estimates: stored once, with what they were made from.

mod relation;

pub use relation::{Relation, relation};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::{FromRow as _, PgConnection, Row as _};

/// One model on one signal with what was known at `as_of`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Run {
    /// sha256 of model, signal, as-of and data: the same input has the same id.
    pub id: String,
    /// The model.
    pub model_id: String,
    /// Its version.
    pub model_version: String,
    /// What was forecast.
    pub signal_id: String,
    /// From whose figures.
    pub source_id: String,
    /// What was known.
    pub as_of: DateTime<Utc>,
    /// The end of the last week known.
    pub reference_date: NaiveDate,
    /// The newest issue among the rows that were used.
    pub data_vintage: DateTime<Utc>,
    /// sha256 of the rows that were used.
    pub data_hash: String,
    /// sha256 of the model's source code.
    pub source_hash: String,
    /// When it was computed.
    pub created_at: DateTime<Utc>,
}

/// A predictive distribution: 23 quantiles at [`domain::LEVELS`].
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Forecast {
    /// The place.
    pub place_id: String,
    /// Weeks ahead.
    pub horizon: i32,
    /// The end of the week that is forecast.
    pub target_end_date: NaiveDate,
    /// Ascending.
    pub quantiles: Vec<f64>,
}

impl Forecast {
    /// Is its week over on `today`? Publishers are late: a forecast begins after the last figure, at times with such weeks.
    #[must_use]
    pub fn is_over(&self, today: NaiveDate) -> bool {
        self.target_end_date < today
    }
}

/// The reproduction number of one window.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Rt {
    /// The place.
    pub place_id: String,
    /// First day of the window.
    pub window_start: NaiveDate,
    /// Last day of the window.
    pub window_end: NaiveDate,
    /// Posterior mean.
    pub mean: f64,
    /// Posterior standard deviation.
    pub sd: f64,
    /// 2.5 % quantile.
    pub q025: f64,
    /// 25 % quantile.
    pub q25: f64,
    /// Median.
    pub q50: f64,
    /// 75 % quantile.
    pub q75: f64,
    /// 97.5 % quantile.
    pub q975: f64,
    /// Growth in the same window; `None` in runs from before it was computed.
    #[sqlx(skip)]
    pub growth: Option<Growth>,
}

/// How fast infections grow in one window, and how much of their reports is known.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Growth {
    /// What happened in the window: `infection`, or `report`.
    pub dated: String,
    /// Mean of the growth rate per day: ln of the factor from one day to the next.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// 2.5 % quantile.
    pub q025: f64,
    /// 25 % quantile.
    pub q25: f64,
    /// Median.
    pub q50: f64,
    /// 75 % quantile.
    pub q75: f64,
    /// 97.5 % quantile.
    pub q975: f64,
    /// Probability that it is above 0.
    pub rises: f64,
    /// Share of the reports of these infections for which the delay has passed.
    pub passed: f64,
    /// Share of them that is known, 0 to about 1: less what the youngest figures still miss.
    pub known: f64,
    /// 2.5 % quantile of it.
    pub known_025: f64,
    /// 97.5 % quantile of it.
    pub known_975: f64,
}

/// Probabilities of FluSight's five classes, and that the value rises.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Trend {
    /// The place.
    pub place_id: String,
    /// Weeks ahead.
    pub horizon: i32,
    /// Probability.
    pub large_decrease: f64,
    /// Probability.
    pub decrease: f64,
    /// Probability.
    pub stable: f64,
    /// Probability.
    pub increase: f64,
    /// Probability.
    pub large_increase: f64,
    /// Probability that the value is above today's.
    pub rises: f64,
}

/// Whether the disease arrives in a place (`epimodels::arrival`), asked of a count of persons only.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Arrival {
    /// The place.
    pub place_id: String,
    /// Weeks ahead.
    pub horizon: i32,
    /// `quiet`, or `present`: it is there already and cannot arrive.
    pub state: String,
    /// Probability that it arrives, of a place that is quiet.
    pub probability: Option<f64>,
}

/// A question without an answer.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, Serialize)]
pub struct NotEstimated {
    /// The place.
    pub place_id: String,
    /// `transmission`, `forecast`, `mortality` or `spread`.
    pub question: String,
    /// A stable word: `ended`, `stale`, `too_few`, `no_data`, `no_model`.
    pub reason: String,
}

/// Everything that one run found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    /// Predictive distributions.
    pub forecasts: Vec<Forecast>,
    /// Reproduction numbers.
    pub rt: Vec<Rt>,
    /// Trends.
    pub trends: Vec<Trend>,
    /// Arrivals.
    pub arrivals: Vec<Arrival>,
    /// What deaths ahead follow from.
    pub relations: Vec<Relation>,
    /// Questions without an answer.
    pub not_estimated: Vec<NotEstimated>,
}

/// Stores a run, its results and its link ([`crate::chain`]) in one transaction. A run that is there already is left as
/// it is (`false`).
///
/// # Errors
/// When the database refuses a row.
#[tracing::instrument(name = "db.forecasts.put", skip_all, fields(run.id = %run.id, signal = %run.signal_id), err)]
pub async fn put(conn: &mut PgConnection, run: &Run, results: &Results) -> sqlx::Result<bool> {
    use sqlx::Connection as _;
    let mut tx = conn.begin().await?;
    if !insert(&mut tx, run, results).await? {
        return Ok(false);
    }
    link(&mut tx, &run.id).await?;
    tx.commit().await?;
    Ok(true)
}

/// Links a run that [`insert`] stored: the last thing in its transaction, for which other sessions wait.
///
/// # Errors
/// When the database refuses it; when the run is linked already.
pub async fn link(tx: &mut PgConnection, run: &str) -> sqlx::Result<()> {
    crate::chain::append(tx, crate::chain::Subject::Run(run)).await
}

/// Stores a run and its results without the link, and without it the transaction cannot end: [`put`] in its first part,
/// for a benchmark that looks at the parts.
///
/// # Errors
/// When the database refuses a row.
pub async fn insert(tx: &mut PgConnection, run: &Run, results: &Results) -> sqlx::Result<bool> {
    let new = sqlx::query(
        "insert into forecast_run (id, model_id, model_version, signal_id, source_id, as_of, reference_date,
                                   data_vintage, data_hash, source_hash, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing",
    )
    .bind(&run.id)
    .bind(&run.model_id)
    .bind(&run.model_version)
    .bind(&run.signal_id)
    .bind(&run.source_id)
    .bind(run.as_of)
    .bind(run.reference_date)
    .bind(run.data_vintage)
    .bind(&run.data_hash)
    .bind(&run.source_hash)
    .bind(run.created_at)
    .execute(&mut *tx)
    .await?;
    if new.rows_affected() == 0 {
        return Ok(false);
    }
    for f in &results.forecasts {
        sqlx::query(
            "insert into forecast (run_id, place_id, horizon, target_end_date, quantiles) values ($1, $2, $3, $4, $5)",
        )
        .bind(&run.id)
        .bind(&f.place_id)
        .bind(f.horizon)
        .bind(f.target_end_date)
        .bind(&f.quantiles)
        .execute(&mut *tx)
        .await?;
    }
    for r in &results.rt {
        sqlx::query(
            "insert into rt_estimate (run_id, place_id, window_start, window_end, mean, sd, q025, q25, q50, q75, q975)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&run.id)
        .bind(&r.place_id)
        .bind(r.window_start)
        .bind(r.window_end)
        .bind(r.mean)
        .bind(r.sd)
        .bind(r.q025)
        .bind(r.q25)
        .bind(r.q50)
        .bind(r.q75)
        .bind(r.q975)
        .execute(&mut *tx)
        .await?;
        if let Some(g) = &r.growth {
            insert_growth(tx, &run.id, r, g).await?;
        }
    }
    for t in &results.trends {
        sqlx::query(
            "insert into trend (run_id, place_id, horizon, large_decrease, decrease, stable, increase, large_increase,
                                rises) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&run.id)
        .bind(&t.place_id)
        .bind(t.horizon)
        .bind(t.large_decrease)
        .bind(t.decrease)
        .bind(t.stable)
        .bind(t.increase)
        .bind(t.large_increase)
        .bind(t.rises)
        .execute(&mut *tx)
        .await?;
    }
    for a in &results.arrivals {
        sqlx::query(
            "insert into arrival (run_id, place_id, horizon, state, probability) values ($1, $2, $3, $4, $5)",
        )
        .bind(&run.id)
        .bind(&a.place_id)
        .bind(a.horizon)
        .bind(&a.state)
        .bind(a.probability)
        .execute(&mut *tx)
        .await?;
    }
    for r in &results.relations {
        relation::insert(tx, &run.id, r).await?;
    }
    for n in &results.not_estimated {
        sqlx::query("insert into not_estimated (run_id, place_id, question, reason) values ($1, $2, $3, $4)")
            .bind(&run.id)
            .bind(&n.place_id)
            .bind(&n.question)
            .bind(&n.reason)
            .execute(&mut *tx)
            .await?;
    }
    Ok(true)
}

async fn insert_growth(tx: &mut PgConnection, run: &str, r: &Rt, g: &Growth) -> sqlx::Result<()> {
    sqlx::query(
        "insert into growth_estimate (run_id, place_id, window_end, dated, mean, sd, q025, q25, q50, q75, q975, rises, passed,
                                      known, known_025, known_975)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(run)
    .bind(&r.place_id)
    .bind(r.window_end)
    .bind(&g.dated)
    .bind(g.mean)
    .bind(g.sd)
    .bind(g.q025)
    .bind(g.q25)
    .bind(g.q50)
    .bind(g.q75)
    .bind(g.q975)
    .bind(g.rises)
    .bind(g.passed)
    .bind(g.known)
    .bind(g.known_025)
    .bind(g.known_975)
    .execute(tx)
    .await?;
    Ok(())
}

/// Is this run stored?
///
/// # Errors
/// When the database does not answer.
pub async fn exists(conn: &mut PgConnection, run: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from forecast_run where id = $1)")
        .bind(run)
        .fetch_one(conn)
        .await
}

/// The newest run on `signal` that used nothing later than `as_of`.
///
/// # Errors
/// When the database does not answer.
pub async fn latest_run(
    conn: &mut PgConnection,
    signal: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Option<Run>> {
    sqlx::query_as(
        "select * from forecast_run where signal_id = $1 and as_of <= $2 order by as_of desc, created_at desc limit 1",
    )
    .bind(signal)
    .bind(as_of)
    .fetch_optional(conn)
    .await
}

/// Whether a run with this id is stored.
///
/// # Errors
/// When the database does not answer.
pub async fn has_run(conn: &mut PgConnection, run: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("select exists (select from forecast_run where id = $1)")
        .bind(run)
        .fetch_one(conn)
        .await
}

/// The distributions of a run in one place, by horizon; in all places when `place` is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn forecasts(
    conn: &mut PgConnection,
    run: &str,
    place: Option<&str>,
) -> sqlx::Result<Vec<Forecast>> {
    sqlx::query_as(
        "select place_id, horizon, target_end_date, quantiles from forecast
          where run_id = $1 and ($2::text is null or place_id = $2) order by place_id, horizon",
    )
    .bind(run)
    .bind(place)
    .fetch_all(conn)
    .await
}

/// The reproduction numbers of a run with the growth beside them, by window; in all places when `place` is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn rt(conn: &mut PgConnection, run: &str, place: Option<&str>) -> sqlx::Result<Vec<Rt>> {
    let mut windows: Vec<Rt> = sqlx::query_as(
        "select place_id, window_start, window_end, mean, sd, q025, q25, q50, q75, q975 from rt_estimate
          where run_id = $1 and ($2::text is null or place_id = $2) order by place_id, window_end",
    )
    .bind(run)
    .bind(place)
    .fetch_all(&mut *conn)
    .await?;
    let growth = sqlx::query(
        "select place_id, window_end, dated, mean, sd, q025, q25, q50, q75, q975, rises, passed, known, known_025, known_975
           from growth_estimate where run_id = $1 and ($2::text is null or place_id = $2)",
    )
    .bind(run)
    .bind(place)
    .fetch_all(conn)
    .await?;
    let mut of_window = std::collections::HashMap::new();
    for row in growth {
        let key: (String, NaiveDate) = (row.try_get("place_id")?, row.try_get("window_end")?);
        of_window.insert(key, Growth::from_row(&row)?);
    }
    for window in &mut windows {
        window.growth = of_window.remove(&(window.place_id.clone(), window.window_end));
    }
    Ok(windows)
}

/// The trends of a run, by horizon; in all places when `place` is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn trends(conn: &mut PgConnection, run: &str, place: Option<&str>) -> sqlx::Result<Vec<Trend>> {
    sqlx::query_as(
        "select place_id, horizon, large_decrease, decrease, stable, increase, large_increase, rises from trend
          where run_id = $1 and ($2::text is null or place_id = $2) order by place_id, horizon",
    )
    .bind(run)
    .bind(place)
    .fetch_all(conn)
    .await
}

/// The arrivals of a run, by place and horizon. A run from before they were stored has none.
///
/// # Errors
/// When the database does not answer.
pub async fn arrivals(conn: &mut PgConnection, run: &str) -> sqlx::Result<Vec<Arrival>> {
    sqlx::query_as(
        "select place_id, horizon, state, probability from arrival where run_id = $1 order by place_id, horizon",
    )
    .bind(run)
    .fetch_all(conn)
    .await
}

/// The questions that a run could not answer; in all places when `place` is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn not_estimated(
    conn: &mut PgConnection,
    run: &str,
    place: Option<&str>,
) -> sqlx::Result<Vec<NotEstimated>> {
    sqlx::query_as(
        "select place_id, question, reason from not_estimated
          where run_id = $1 and ($2::text is null or place_id = $2) order by place_id, question",
    )
    .bind(run)
    .bind(place)
    .fetch_all(conn)
    .await
}

/// All runs on `signal` that used nothing later than `as_of`, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn runs(conn: &mut PgConnection, signal: &str, as_of: DateTime<Utc>) -> sqlx::Result<Vec<Run>> {
    sqlx::query_as(
        "select * from forecast_run where signal_id = $1 and as_of <= $2 order by as_of desc, created_at desc",
    )
    .bind(signal)
    .bind(as_of)
    .fetch_all(conn)
    .await
}
