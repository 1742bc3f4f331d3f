//! Forecasts against what came: stored once for every figure that a week was given.

mod spread;

pub use spread::{
    Came, DueSpread, Event, Means, NewSpread, ScoredSpread, due_spread, spread, spread_done, spread_means,
};

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{PgConnection, QueryBuilder};

/// A forecast whose week is over.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Due {
    /// The run.
    pub run_id: String,
    /// What it knew.
    pub origin: DateTime<Utc>,
    /// When it was computed, by the machine's clock.
    pub created_at: DateTime<Utc>,
    /// The place.
    pub place_id: String,
    /// Weeks ahead.
    pub horizon: i32,
    /// The end of the week.
    pub target_end_date: NaiveDate,
    /// 23 of them.
    pub quantiles: Vec<f64>,
}

/// A score, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct New<'a> {
    /// What is scored.
    pub of: &'a Due,
    /// When the figure was issued.
    pub truth_issued_at: DateTime<Utc>,
    /// The figure and the scores; `None` when the publisher took it back.
    pub found: Option<Found>,
    /// Was the forecast computed after the first figure of its week was out?
    pub replayed: bool,
}

/// A figure and how well it was forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The figure.
    pub truth: f64,
    /// Weighted interval score.
    pub wis: f64,
    /// That of the persistence baseline, where there is one.
    pub baseline_wis: Option<f64>,
    /// Inside the central 50, 80 and 95 % intervals?
    pub covered: [bool; 3],
}

/// A stored score: at the figure known at a time, and at the first one.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Scored {
    /// The run.
    pub run_id: String,
    /// Its model.
    pub model_id: String,
    /// The model's version.
    pub model_version: String,
    /// What it knew.
    pub origin: DateTime<Utc>,
    /// The place.
    pub place_id: String,
    /// Weeks ahead.
    pub horizon: i32,
    /// The end of the week.
    pub target_end_date: NaiveDate,
    /// The middle of the forecast.
    pub median: f64,
    /// The lower end of its central 80 % interval.
    pub low_80: f64,
    /// The upper end.
    pub high_80: f64,
    /// The figure.
    pub truth: f64,
    /// When it was issued.
    pub truth_issued_at: DateTime<Utc>,
    /// Weighted interval score.
    pub wis: f64,
    /// That of the baseline.
    pub baseline_wis: Option<f64>,
    /// Inside the central 50 % interval?
    pub covered_50: bool,
    /// Inside the 80 % interval?
    pub covered_80: bool,
    /// Inside the 95 % interval?
    pub covered_95: bool,
    /// The first figure of the week.
    pub first_truth: f64,
    /// When that was issued.
    pub first_issued_at: DateTime<Utc>,
    /// The score against it.
    pub first_wis: f64,
    /// Was it inside the 80 % interval?
    pub first_covered_80: bool,
    /// Was the forecast computed after that?
    pub replayed: bool,
}

/// All forecasts of one week together: every place and horizon.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Week {
    /// The end of the week.
    pub target_end_date: NaiveDate,
    /// How many.
    pub forecasts: i64,
    /// How many held the figure in their 80 % interval.
    pub held_80: i64,
    /// Sum of the scores that a baseline stands beside.
    pub wis: f64,
    /// Sum of the baseline's.
    pub baseline_wis: f64,
}

/// All scored forecasts of one version of a model together.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Totals {
    /// The version.
    pub model_version: String,
    /// How many forecasts have a figure.
    pub forecasts: i64,
    /// How many of them were computed after it was out.
    pub replayed: i64,
    /// The end of the first week.
    pub first_week: NaiveDate,
    /// The end of the last week.
    pub last_week: NaiveDate,
    /// When the newest figure was issued.
    pub truth_issued_at: DateTime<Utc>,
    /// Sum of the scores over that of the baseline, where there is one.
    pub relative_wis: Option<f64>,
    /// Share inside the central 50 % interval.
    pub coverage_50: f64,
    /// Share inside the 80 % interval.
    pub coverage_80: f64,
    /// Share inside the 95 % interval.
    pub coverage_95: f64,
}

/// The forecast of the nearest week that was made last before a figure came.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Held {
    /// The end of the week.
    pub target_end_date: NaiveDate,
    /// Did its 80 % interval hold the figure?
    pub covered_80: bool,
    /// Was it computed after the figure was out?
    pub replayed: bool,
}

/// Forecasts of `signal` from runs after `since` whose week ended before `day`. Of runs of one model as of the same time the
/// one that was stored first counts: a forecast is not replaced once its truth is out.
///
/// # Errors
/// When the database does not answer.
pub async fn due(
    conn: &mut PgConnection,
    signal: &str,
    since: DateTime<Utc>,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as(
        "select r.id as run_id, r.as_of as origin, r.created_at, f.place_id, f.horizon, f.target_end_date, f.quantiles
           from (select distinct on (model_id, as_of) id, as_of, created_at
                   from forecast_run
                  where signal_id = $1 and as_of > $2 and as_of <= $3
                  order by model_id, as_of, created_at) r
           join forecast f on f.run_id = r.id
          where f.target_end_date < ($3 at time zone 'UTC')::date
          order by r.as_of, r.id, f.place_id, f.horizon",
    )
    .bind(signal)
    .bind(since)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// Which figures the forecasts of `signal` have been scored against: run, place, horizon, issue time.
///
/// # Errors
/// When the database does not answer.
pub async fn done(
    conn: &mut PgConnection,
    signal: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<(String, String, i32, DateTime<Utc>)>> {
    sqlx::query_as(
        "select run_id, place_id, horizon, truth_issued_at from forecast_score where signal_id = $1 and origin > $2",
    )
    .bind(signal)
    .bind(since)
    .fetch_all(conn)
    .await
}

/// Every issue of `signal` about a day from `from` on, not after `as_of`, by place, date and issue time.
///
/// # Errors
/// When the database does not answer.
pub async fn truths(
    conn: &mut PgConnection,
    signal: &str,
    from: NaiveDate,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<crate::observations::Sourced>> {
    sqlx::query_as(
        "select source_id, place_id, reference_date, issued_at, value, status, retrieval_id
           from observation
          where signal_id = $1 and reference_date >= $2 and issued_at <= $3
          order by place_id, reference_date, issued_at",
    )
    .bind(signal)
    .bind(from)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// Stores the scores of one pass, those of quantiles and those of spread, and their link ([`crate::chain`]) in one
/// transaction, and returns how many are new: what is already scored against an issue is left as it is.
///
/// # Errors
/// When the database refuses one; then none is stored.
pub async fn put(
    conn: &mut PgConnection,
    signal: &str,
    all: &[New<'_>],
    spread: &[NewSpread<'_>],
    scored_at: DateTime<Utc>,
) -> sqlx::Result<usize> {
    use sqlx::Connection as _;
    if all.is_empty() && spread.is_empty() {
        return Ok(0);
    }
    let mut tx = conn.begin().await?;
    let pass: i64 = sqlx::query_scalar("select nextval('score_pass')").fetch_one(&mut *tx).await?;
    let mut count = 0;
    for some in all.chunks(AT_ONCE) {
        count += insert(&mut tx, signal, pass, some, scored_at).await?;
    }
    for some in spread.chunks(AT_ONCE) {
        count += spread::insert(&mut tx, signal, pass, some, scored_at).await?;
    }
    if count > 0 {
        crate::chain::append(&mut tx, crate::chain::Subject::Scores(pass)).await?;
    }
    tx.commit().await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Rows of one statement: together they bind fewer than the 65,535 values that the protocol counts.
const AT_ONCE: usize = 1_000;

async fn insert(
    tx: &mut PgConnection,
    signal: &str,
    pass: i64,
    all: &[New<'_>],
    scored_at: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let mut query = QueryBuilder::new(
        "insert into forecast_score (run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, truth,
                                     wis, baseline_wis, covered_50, covered_80, covered_95, replayed, scored_at, pass) ",
    );
    query.push_values(all, |mut row, new| {
        let covered = |n: usize| new.found.map(|f| f.covered[n]);
        row.push_bind(&new.of.run_id)
            .push_bind(&new.of.place_id)
            .push_bind(new.of.horizon)
            .push_bind(signal)
            .push_bind(new.of.origin)
            .push_bind(new.of.target_end_date)
            .push_bind(new.truth_issued_at)
            .push_bind(new.found.map(|f| f.truth))
            .push_bind(new.found.map(|f| f.wis))
            .push_bind(new.found.and_then(|f| f.baseline_wis))
            .push_bind(covered(0))
            .push_bind(covered(1))
            .push_bind(covered(2))
            .push_bind(new.replayed)
            .push_bind(scored_at)
            .push_bind(pass);
    });
    Ok(query.push(" on conflict do nothing").build().persistent(false).execute(tx).await?.rows_affected())
}

/// The scores of `signal` by the figures known at `as_of`, of the newest `runs` runs, newest first; in all places when `place`
/// is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn scored(
    conn: &mut PgConnection,
    signal: &str,
    place: Option<&str>,
    as_of: DateTime<Utc>,
    runs: i64,
) -> sqlx::Result<Vec<Scored>> {
    sqlx::query_as(
        "with latest as materialized (
             select distinct on (run_id, place_id, horizon) *
               from forecast_score
              where signal_id = $1 and truth_issued_at <= $3 and ($2::text is null or place_id = $2)
                and origin >= coalesce((select min(origin) from (select distinct origin from forecast_score
                                          where signal_id = $1 and truth_issued_at <= $3
                                          order by origin desc limit $4) newest), '-infinity')
              order by run_id, place_id, horizon, truth_issued_at desc)
         select l.run_id, r.model_id, r.model_version, l.origin, l.place_id, l.horizon, l.target_end_date,
                f.quantiles[12] as median, f.quantiles[4] as low_80, f.quantiles[20] as high_80, l.truth, l.truth_issued_at, l.wis, l.baseline_wis,
                l.covered_50, l.covered_80, l.covered_95,
                e.truth as first_truth, e.truth_issued_at as first_issued_at, e.wis as first_wis,
                e.covered_80 as first_covered_80, l.replayed
           from latest l
           join forecast_run r on r.id = l.run_id
           join forecast f on (f.run_id, f.place_id, f.horizon) = (l.run_id, l.place_id, l.horizon)
          cross join lateral (select * from forecast_score e
                               where (e.run_id, e.place_id, e.horizon) = (l.run_id, l.place_id, l.horizon)
                               order by truth_issued_at limit 1) e
          where l.truth is not null
          order by l.origin desc, l.run_id, l.place_id, l.horizon",
    )
    .bind(signal)
    .bind(place)
    .bind(as_of)
    .bind(runs)
    .fetch_all(conn)
    .await
}

/// The last `weeks` weeks of `signal` that a figure known at `as_of` was forecast for, newest first, every forecast counted.
/// Looks back twice as far as that, and 12 weeks.
///
/// # Errors
/// When the database does not answer.
pub async fn weeks(
    conn: &mut PgConnection,
    signal: &str,
    as_of: DateTime<Utc>,
    weeks: u32,
) -> sqlx::Result<Vec<Week>> {
    sqlx::query_as(
        "select target_end_date, count(*) as forecasts, count(*) filter (where covered_80) as held_80,
                coalesce(sum(wis) filter (where baseline_wis is not null), 0) as wis,
                coalesce(sum(baseline_wis), 0) as baseline_wis
           from (select distinct on (run_id, place_id, horizon) *
                   from forecast_score
                  where signal_id = $1 and target_end_date >= $2 and truth_issued_at <= $3
                  order by run_id, place_id, horizon, truth_issued_at desc) latest
          where truth is not null
          group by target_end_date
          order by target_end_date desc limit $4",
    )
    .bind(signal)
    .bind(back(as_of, weeks))
    .bind(as_of)
    .bind(i64::from(weeks))
    .fetch_all(conn)
    .await
}

/// All forecasts of `signal` by `model` against the figures known at `as_of`, by version of the model.
///
/// # Errors
/// When the database does not answer.
pub async fn totals(
    conn: &mut PgConnection,
    signal: &str,
    model: &str,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<Totals>> {
    sqlx::query_as(
        "select r.model_version, count(*) as forecasts, count(*) filter (where l.replayed) as replayed,
                min(l.target_end_date) as first_week, max(l.target_end_date) as last_week,
                max(l.truth_issued_at) as truth_issued_at,
                sum(l.wis) filter (where l.baseline_wis is not null) / nullif(sum(l.baseline_wis), 0) as relative_wis,
                avg(l.covered_50::int)::float8 as coverage_50, avg(l.covered_80::int)::float8 as coverage_80,
                avg(l.covered_95::int)::float8 as coverage_95
           from (select distinct on (run_id, place_id, horizon) *
                   from forecast_score
                  where signal_id = $1 and truth_issued_at <= $3
                  order by run_id, place_id, horizon, truth_issued_at desc) l
           join forecast_run r on r.id = l.run_id
          where l.truth is not null and r.model_id = $2
          group by r.model_version
          order by min(l.origin), r.model_version",
    )
    .bind(signal)
    .bind(model)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// Of the last `weeks` weeks of `signal` in `place` that have a figure known at `as_of`, newest first: the forecast of the
/// nearest horizon that was made last.
///
/// # Errors
/// When the database does not answer.
pub async fn held(
    conn: &mut PgConnection,
    signal: &str,
    place: &str,
    as_of: DateTime<Utc>,
    weeks: u32,
) -> sqlx::Result<Vec<Held>> {
    sqlx::query_as(
        "select target_end_date, covered_80, replayed
           from (select distinct on (target_end_date) *
                   from forecast_score
                  where signal_id = $1 and place_id = $2 and target_end_date >= $3 and truth_issued_at <= $4
                  order by target_end_date desc, horizon, origin desc, truth_issued_at desc) nearest
          where truth is not null
          order by target_end_date desc limit $5",
    )
    .bind(signal)
    .bind(place)
    .bind(back(as_of, weeks))
    .bind(as_of)
    .bind(i64::from(weeks))
    .fetch_all(conn)
    .await
}

/// From which week on: a week without a figure, or a summer without runs, does not end the record.
fn back(as_of: DateTime<Utc>, weeks: u32) -> NaiveDate {
    as_of.date_naive() - Days::new(7 * (2 * u64::from(weeks) + 12))
}
