//! What was said of spread, against what came: classes of change, a rise, an arrival.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, QueryBuilder};

/// What a run said of the spread in a week that is over.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct DueSpread {
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
    /// Probabilities of the five classes, from the largest decrease to the largest increase.
    pub classes: Vec<f64>,
    /// Of a rise.
    pub rises: f64,
    /// Of an arrival, where the place was quiet.
    pub arrives: Option<f64>,
}

/// A score of it, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSpread<'a> {
    /// What is scored.
    pub of: &'a DueSpread,
    /// When the newer of the figures of both weeks was issued.
    pub truth_issued_at: DateTime<Utc>,
    /// What came and the scores; `None` when the publisher took a figure back.
    pub came: Option<Came>,
    /// Was it computed after the first figure of its week was out?
    pub replayed: bool,
}

/// What came, and how well it was foreseen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Came {
    /// The class of change, as FluSight names it.
    pub class: &'static str,
    /// Ranked probability score of the five classes.
    pub rps: f64,
    /// That of their frequencies at this time of earlier seasons, where one is known.
    pub rps_climatology: Option<f64>,
    /// A rise.
    pub rises: Event,
    /// An arrival, of a place that was quiet.
    pub arrives: Option<Event>,
}

/// Something that came or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Did it?
    pub came: bool,
    /// Brier score of its probability.
    pub brier: f64,
    /// That of its frequency at this time of earlier seasons, where one is known.
    pub climatology: Option<f64>,
}

/// A stored score of spread: at the figures known at a time, and at the first ones.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct ScoredSpread {
    /// The run.
    pub run_id: String,
    /// The place.
    pub place_id: String,
    /// Weeks ahead.
    pub horizon: i32,
    /// When the newer of both figures was issued.
    pub truth_issued_at: DateTime<Utc>,
    /// The class that came.
    pub class: String,
    /// Ranked probability score of the classes.
    pub rps: f64,
    /// That of climatology.
    pub rps_climatology: Option<f64>,
    /// What was said of a rise.
    pub rises_probability: f64,
    /// Did it rise?
    pub rises: bool,
    /// Brier score.
    pub rises_brier: f64,
    /// That of climatology.
    pub rises_climatology: Option<f64>,
    /// What was said of an arrival.
    pub arrives_probability: Option<f64>,
    /// Did it arrive?
    pub arrives: Option<bool>,
    /// Brier score.
    pub arrives_brier: Option<f64>,
    /// That of climatology.
    pub arrives_climatology: Option<f64>,
    /// When the first pair of figures was complete.
    pub first_issued_at: DateTime<Utc>,
    /// The class by these.
    pub first_class: Option<String>,
    /// The scores against them.
    pub first_rps: Option<f64>,
    /// Of a rise.
    pub first_rises_brier: Option<f64>,
    /// Of an arrival.
    pub first_arrives_brier: Option<f64>,
}

/// Mean scores of one question over the newest weeks: `classes`, `rises` or `arrives`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Means {
    /// The question.
    pub question: String,
    /// Weeks that have a figure.
    pub weeks: i64,
    /// Forecasts that were scored.
    pub forecasts: i64,
    /// How many of them were computed after the first figure of their week was out.
    pub replayed: i64,
    /// How often it came; of classes nothing.
    pub came: Option<i64>,
    /// How often it was to be expected: the sum of the probabilities.
    pub expected: Option<f64>,
    /// Mean score.
    pub score: f64,
    /// Mean score against the first figures.
    pub first_score: Option<f64>,
    /// Forecasts that have a climatology.
    pub compared: i64,
    /// Sum of their scores over that of climatology; `None` where that is nothing.
    pub relative: Option<f64>,
}

/// What runs of `signal` after `since` said of the spread in weeks that ended before the day of `as_of`; of runs as in
/// [`super::due`].
///
/// # Errors
/// When the database does not answer.
pub async fn due_spread(
    conn: &mut PgConnection,
    signal: &str,
    since: DateTime<Utc>,
    as_of: DateTime<Utc>,
) -> sqlx::Result<Vec<DueSpread>> {
    sqlx::query_as(
        "select r.id as run_id, r.as_of as origin, r.created_at, f.place_id, f.horizon, f.target_end_date,
                array[t.large_decrease, t.decrease, t.stable, t.increase, t.large_increase] as classes, t.rises,
                a.probability as arrives
           from (select distinct on (model_id, as_of) id, as_of, created_at
                   from forecast_run
                  where signal_id = $1 and as_of > $2 and as_of <= $3
                  order by model_id, as_of, created_at) r
           join forecast f on f.run_id = r.id
           join trend t on (t.run_id, t.place_id, t.horizon) = (f.run_id, f.place_id, f.horizon)
           left join arrival a on (a.run_id, a.place_id, a.horizon) = (f.run_id, f.place_id, f.horizon)
          where f.target_end_date < ($3 at time zone 'UTC')::date
          order by r.as_of, r.id, f.place_id, f.horizon",
    )
    .bind(signal)
    .bind(since)
    .bind(as_of)
    .fetch_all(conn)
    .await
}

/// Which figures have been scored against what runs said of the spread: run, place, horizon, issue time.
///
/// # Errors
/// When the database does not answer.
pub async fn spread_done(
    conn: &mut PgConnection,
    signal: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<(String, String, i32, DateTime<Utc>)>> {
    sqlx::query_as(
        "select run_id, place_id, horizon, truth_issued_at from spread_score where signal_id = $1 and origin > $2",
    )
    .bind(signal)
    .bind(since)
    .fetch_all(conn)
    .await
}

pub(super) async fn insert(
    tx: &mut PgConnection,
    signal: &str,
    pass: i64,
    all: &[NewSpread<'_>],
    scored_at: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let mut query = QueryBuilder::new(
        "insert into spread_score (run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, class, rps,
                                   rps_climatology, rises, rises_brier, rises_climatology, arrives, arrives_brier,
                                   arrives_climatology, replayed, scored_at, pass) ",
    );
    query.push_values(all, |mut row, new| {
        let arrives = new.came.and_then(|c| c.arrives);
        row.push_bind(&new.of.run_id)
            .push_bind(&new.of.place_id)
            .push_bind(new.of.horizon)
            .push_bind(signal)
            .push_bind(new.of.origin)
            .push_bind(new.of.target_end_date)
            .push_bind(new.truth_issued_at)
            .push_bind(new.came.map(|c| c.class))
            .push_bind(new.came.map(|c| c.rps))
            .push_bind(new.came.and_then(|c| c.rps_climatology))
            .push_bind(new.came.map(|c| c.rises.came))
            .push_bind(new.came.map(|c| c.rises.brier))
            .push_bind(new.came.and_then(|c| c.rises.climatology))
            .push_bind(arrives.map(|a| a.came))
            .push_bind(arrives.map(|a| a.brier))
            .push_bind(arrives.and_then(|a| a.climatology))
            .push_bind(new.replayed)
            .push_bind(scored_at)
            .push_bind(pass);
    });
    Ok(query.push(" on conflict do nothing").build().persistent(false).execute(tx).await?.rows_affected())
}

/// The scores of spread of `signal` by the figures known at `as_of`, of the newest `runs` runs that have one; in all places
/// when `place` is `None`.
///
/// # Errors
/// When the database does not answer.
pub async fn spread(
    conn: &mut PgConnection,
    signal: &str,
    place: Option<&str>,
    as_of: DateTime<Utc>,
    runs: i64,
) -> sqlx::Result<Vec<ScoredSpread>> {
    sqlx::query_as(
        "with latest as materialized (
             select distinct on (run_id, place_id, horizon) *
               from spread_score
              where signal_id = $1 and truth_issued_at <= $3 and ($2::text is null or place_id = $2)
                and origin >= coalesce((select min(origin) from (select distinct origin from spread_score
                                          where signal_id = $1 and truth_issued_at <= $3
                                          order by origin desc limit $4) newest), '-infinity')
              order by run_id, place_id, horizon, truth_issued_at desc)
         select l.run_id, l.place_id, l.horizon, l.truth_issued_at, l.class, l.rps, l.rps_climatology,
                t.rises as rises_probability, l.rises, l.rises_brier, l.rises_climatology,
                a.probability as arrives_probability, l.arrives, l.arrives_brier, l.arrives_climatology,
                e.truth_issued_at as first_issued_at, e.class as first_class, e.rps as first_rps,
                e.rises_brier as first_rises_brier, e.arrives_brier as first_arrives_brier
           from latest l
           join trend t on (t.run_id, t.place_id, t.horizon) = (l.run_id, l.place_id, l.horizon)
           left join arrival a on (a.run_id, a.place_id, a.horizon) = (l.run_id, l.place_id, l.horizon)
          cross join lateral (select * from spread_score e
                               where (e.run_id, e.place_id, e.horizon) = (l.run_id, l.place_id, l.horizon)
                               order by truth_issued_at limit 1) e
          where l.class is not null
          order by l.origin desc, l.run_id, l.place_id, l.horizon",
    )
    .bind(signal)
    .bind(place)
    .bind(as_of)
    .bind(runs)
    .fetch_all(conn)
    .await
}

/// Mean scores of spread over the last `weeks` weeks of `signal` that have figures known at `as_of`: of the classes, of a rise
/// and of an arrival, each where there is one; in all places when `place` is `None`. Looks back as far as [`super::weeks`].
///
/// # Errors
/// When the database does not answer.
pub async fn spread_means(
    conn: &mut PgConnection,
    signal: &str,
    place: Option<&str>,
    as_of: DateTime<Utc>,
    weeks: u32,
) -> sqlx::Result<Vec<Means>> {
    sqlx::query_as(
        "with latest as materialized (
             select distinct on (run_id, place_id, horizon) *
               from spread_score
              where signal_id = $1 and target_end_date >= $2 and truth_issued_at <= $3
                and ($5::text is null or place_id = $5)
              order by run_id, place_id, horizon, truth_issued_at desc),
         newest as (
             select l.*, dense_rank() over (order by target_end_date desc) as week
               from latest l where class is not null),
         each as (
             select l.target_end_date, l.replayed, q.*
               from newest l
               join trend t on (t.run_id, t.place_id, t.horizon) = (l.run_id, l.place_id, l.horizon)
               left join arrival a on (a.run_id, a.place_id, a.horizon) = (l.run_id, l.place_id, l.horizon)
              cross join lateral (select * from spread_score e
                                   where (e.run_id, e.place_id, e.horizon) = (l.run_id, l.place_id, l.horizon)
                                   order by truth_issued_at limit 1) e
              cross join lateral (values
                  ('classes', 1, null::int, null::float8, l.rps, l.rps_climatology, e.rps),
                  ('rises', 2, l.rises::int, t.rises, l.rises_brier, l.rises_climatology, e.rises_brier),
                  ('arrives', 3, l.arrives::int, a.probability, l.arrives_brier, l.arrives_climatology, e.arrives_brier))
                  as q (question, place, came, probability, score, climatology, first_score)
              where l.week <= $4 and q.score is not null)
         select question, count(distinct target_end_date) as weeks, count(*) as forecasts,
                count(*) filter (where replayed) as replayed, sum(came) as came, sum(probability) as expected,
                avg(score) as score, avg(first_score) as first_score, count(climatology) as compared,
                sum(score) filter (where climatology is not null) / nullif(sum(climatology), 0) as relative
           from each group by question, place order by place",
    )
    .bind(signal)
    .bind(super::back(as_of, weeks))
    .bind(as_of)
    .bind(i64::from(weeks))
    .bind(place)
    .fetch_all(conn)
    .await
}
