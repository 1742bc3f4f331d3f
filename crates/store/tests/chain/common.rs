//! A run with a row of each table, scores of it, and the chain read whole.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};
use store::chain;
use store::forecasts::{Arrival, Forecast, Growth, NotEstimated, Relation, Results, Rt, Run, Trend};
use store::scores::{Came, Due, DueSpread, Event, Found, New, NewSpread};

pub(crate) const PARENTS: &str = "
    insert into source values ('src', '', '', '', '', '', '', '');
    insert into place values ('FR', 'nation', null, null, '{}'), ('Ée', 'nation', null, null, '{}'),
        ('a', 'nation', null, null, '{}')";

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn run(id: &str) -> Run {
    Run {
        id: id.into(),
        model_id: "m".into(),
        model_version: "1".into(),
        signal_id: "flu_cases".into(),
        source_id: "src".into(),
        as_of: time("2025-01-31T23:59:59Z"),
        reference_date: date("2025-01-26"),
        data_vintage: time("2025-01-31T12:00:00.5Z"),
        data_hash: "d".into(),
        source_hash: "s".into(),
        // Finer than the database keeps it.
        created_at: time("2025-02-01T00:05:00.123456789Z"),
    }
}

/// A row of each table, and places whose order depends on the language of the database.
pub(crate) fn results() -> Results {
    let (places, day) = (["Ée", "a", "FR"].map(String::from), date("2025-02-02"));
    let quantiles = |n: usize| (0..23).map(|q| (q * n) as f64 / 7.0 - 0.0).collect();
    Results {
        forecasts: places
            .iter()
            .enumerate()
            .flat_map(|(n, place)| {
                (0..2).rev().map(move |horizon| Forecast {
                    place_id: place.clone(),
                    horizon,
                    target_end_date: day + Days::new(7 * horizon.unsigned_abs() as u64),
                    quantiles: quantiles(n),
                })
            })
            .collect(),
        rt: vec![Rt {
            place_id: "a".into(),
            window_start: day - Days::new(6),
            window_end: day,
            mean: 1.1,
            sd: -0.0,
            q025: 0.1,
            q25: 0.2,
            q50: 1.0 / 3.0,
            q75: 4.0,
            q975: f64::MIN_POSITIVE,
            growth: Some(Growth {
                dated: "infection".into(),
                mean: 0.01,
                sd: 0.02,
                q025: -0.03,
                q25: -0.0,
                q50: 0.01,
                q75: 0.02,
                q975: 0.05,
                rises: 0.75,
                passed: 0.9,
                known: 0.8,
                known_025: 0.7,
                known_975: 0.85,
            }),
        }],
        trends: vec![Trend {
            place_id: "FR".into(),
            horizon: 1,
            large_decrease: 0.1,
            decrease: 0.2,
            stable: 0.3,
            increase: 0.2,
            large_increase: 0.2,
            rises: 0.6,
        }],
        arrivals: vec![
            Arrival { place_id: "a".into(), horizon: 0, state: "quiet".into(), probability: Some(0.25) },
            Arrival { place_id: "FR".into(), horizon: 1, state: "present".into(), probability: None },
        ],
        relations: vec![Relation {
            place_id: "FR".into(),
            follows: "flu_cases".into(),
            ratio_025: 0.1,
            ratio_50: 0.2,
            ratio_975: 0.3,
            delay: None,
            delay_low: None,
            delay_high: None,
            tried_low: 0.25,
            tried_high: 4.0,
        }],
        not_estimated: vec![NotEstimated {
            place_id: "Ée".into(),
            question: "transmission".into(),
            reason: "too_few".into(),
        }],
    }
}

pub(crate) async fn prepared(pool: &PgPool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    conn
}

/// Every link is the next one, after the one before.
pub(crate) async fn whole(conn: &mut PgConnection) -> Vec<chain::Link> {
    let links = chain::after(conn, 0, 1_000_000).await.unwrap();
    let mut before = vec![0; 32];
    for (link, seq) in links.iter().zip(1..) {
        assert_eq!((link.seq, &link.previous), (seq, &before), "{link:?}");
        assert_eq!(chain::digest(&link.bytes), link.digest, "{link:?}");
        assert_eq!(chain::digest(link.parts.as_bytes()), link.content, "{link:?}");
        assert_eq!(chain::parts(conn, link.subject().unwrap()).await.unwrap(), link.parts);
        before.clone_from(&link.digest);
    }
    assert_eq!(chain::unlinked(conn).await.unwrap(), (None, None));
    links
}

pub(crate) fn due(run_id: &str) -> Due {
    Due {
        run_id: run_id.into(),
        origin: run(run_id).as_of,
        created_at: run(run_id).created_at,
        place_id: "FR".into(),
        horizon: 0,
        target_end_date: date("2025-02-02"),
        quantiles: vec![0.0; 23],
    }
}

pub(crate) fn new<'a>(of: &'a Due, issued: &str, truth: Option<f64>) -> New<'a> {
    let found =
        truth.map(|truth| Found { truth, wis: 0.5, baseline_wis: None, covered: [true, true, false] });
    New { of, truth_issued_at: time(issued), found, replayed: false }
}

pub(crate) const CLOCK: &str = "2025-03-01T00:00:00Z";

/// What the run of [`results`] said of the spread in France.
pub(crate) fn due_spread(run_id: &str) -> DueSpread {
    DueSpread {
        run_id: run_id.into(),
        origin: run(run_id).as_of,
        created_at: run(run_id).created_at,
        place_id: "FR".into(),
        horizon: 1,
        target_end_date: date("2025-02-09"),
        classes: vec![0.1, 0.2, 0.3, 0.2, 0.2],
        rises: 0.6,
        arrives: None,
    }
}

/// A score of it; `None`: the figure was taken back.
pub(crate) fn new_spread<'a>(of: &'a DueSpread, issued: &str, arrives: Option<Event>) -> NewSpread<'a> {
    let came = Came {
        class: "increase",
        rps: 0.18,
        rps_climatology: Some(0.25),
        rises: Event { came: true, brier: 0.16, climatology: None },
        arrives,
    };
    let came = arrives.map(|_| came);
    NewSpread { of, truth_issued_at: time(issued), came, replayed: true }
}
