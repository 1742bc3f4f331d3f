//! The chain over runs and scores: every one has its link, and there is one chain.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};
use store::chain::{self, Subject};
use store::forecasts::{self, Arrival, Forecast, Growth, NotEstimated, Relation, Results, Rt, Run, Trend};
use store::scores::{self, Due, Found, New};

const PARENTS: &str = "
    insert into source values ('src', '', '', '', '', '', '', '');
    insert into place values ('FR', 'nation', null, null, '{}'), ('Ée', 'nation', null, null, '{}'),
        ('a', 'nation', null, null, '{}')";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn run(id: &str) -> Run {
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
fn results() -> Results {
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

async fn prepared(pool: &PgPool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    conn
}

/// Every link is the next one, after the one before.
async fn whole(conn: &mut PgConnection) -> Vec<chain::Link> {
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

fn due(run_id: &str) -> Due {
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

fn new<'a>(of: &'a Due, issued: &str, truth: Option<f64>) -> New<'a> {
    let found =
        truth.map(|truth| Found { truth, wis: 0.5, baseline_wis: None, covered: [true, true, false] });
    New { of, truth_issued_at: time(issued), found, replayed: false }
}

const CLOCK: &str = "2025-03-01T00:00:00Z";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_and_a_pass_of_scores_get_a_link_each_and_the_same_again_gets_none(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    assert_eq!(chain::head(&mut conn).await.unwrap(), None);
    assert!(forecasts::put(&mut conn, &run("it's"), &results()).await.unwrap());
    assert!(!forecasts::put(&mut conn, &run("it's"), &results()).await.unwrap());
    let links = whole(&mut conn).await;
    assert_eq!((links.len(), links[0].subject()), (1, Some(Subject::Run("it's"))));
    assert!(!links[0].existing);
    let counts: Vec<&str> = links[0].parts.lines().map(|l| l.rsplit_once(' ').unwrap().0).collect();
    let tables = [
        "forecast_run 1",
        "forecast 6",
        "rt_estimate 1",
        "trend 1",
        "not_estimated 1",
        "growth_estimate 1",
        "arrival 2",
        "deaths_relation 1",
    ];
    assert_eq!(counts, tables);
    assert_eq!(forecasts::rt(&mut conn, "it's", None).await.unwrap(), results().rt);
    assert_eq!(forecasts::rt(&mut conn, "it's", Some("FR")).await.unwrap(), []);
    let of = due("it's");
    let pass = [new(&of, "2025-02-07T00:00:00Z", Some(1.0)), new(&of, "2025-02-14T00:00:00Z", None)];
    assert_eq!(scores::put(&mut conn, "flu_cases", &pass, time(CLOCK)).await.unwrap(), 2);
    assert_eq!(scores::put(&mut conn, "flu_cases", &pass, time(CLOCK)).await.unwrap(), 0);
    assert_eq!(scores::put(&mut conn, "flu_cases", &[], time(CLOCK)).await.unwrap(), 0);
    let links = whole(&mut conn).await;
    assert_eq!(links.len(), 2);
    assert!(links[1].parts.starts_with("forecast_score 2 "), "{}", links[1].parts);
    let head = chain::head(&mut conn).await.unwrap().unwrap();
    assert_eq!((head.seq, head.digest), (2, links[1].digest.clone()));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn writers_at_the_same_time_make_one_chain(pool: PgPool) {
    drop(prepared(&pool).await);
    let writers = (0..6).map(|writer| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for n in 0..20 {
                let mut conn = pool.acquire().await.unwrap();
                // Some runs are everybody's.
                let id = if n % 5 == 0 { format!("all {n}") } else { format!("{writer} {n}") };
                let new_run = forecasts::put(&mut conn, &run(&id), &results()).await.unwrap();
                let of = due(&id);
                let pass = [new(&of, "2025-02-07T00:00:00Z", Some(f64::from(n)))];
                let scored = scores::put(&mut conn, "flu_cases", &pass, time(CLOCK)).await.unwrap();
                assert!(!new_run || scored <= 1);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut conn = pool.acquire().await.unwrap();
    let runs = 6 * 16 + 4;
    assert_eq!(whole(&mut conn).await.len(), 2 * runs);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_writer_waits_for_the_link_that_another_has_not_committed(pool: PgPool) {
    let mut one = prepared(&pool).await;
    let mut open = sqlx::Connection::begin(&mut *one).await.unwrap();
    assert!(forecasts::put(&mut open, &run("first"), &results()).await.unwrap());
    let other = pool.clone();
    let second = tokio::spawn(async move {
        let mut conn = other.acquire().await.unwrap();
        forecasts::put(&mut conn, &run("second"), &results()).await.unwrap()
    });
    let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                                     and database = (select oid from pg_database where datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&pool).await.unwrap() {
        assert!(!second.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    open.commit().await.unwrap();
    assert!(second.await.unwrap());
    let links = whole(&mut one).await;
    let order: Vec<_> = links.iter().map(|l| l.run_id.as_deref().unwrap()).collect();
    assert_eq!(order, ["first", "second"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nothing_is_changed_taken_away_or_added_later(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    forecasts::put(&mut conn, &run("r"), &results()).await.unwrap();
    let of = due("r");
    let pass = [new(&of, "2025-02-07T00:00:00Z", Some(1.0))];
    scores::put(&mut conn, "flu_cases", &pass, time(CLOCK)).await.unwrap();
    let mut unlinked = run("unlinked");
    unlinked.as_of = time("2025-02-20T00:00:00Z");
    for (sql, why) in [
        ("update chain_link set existing = true", "append-only"),
        ("delete from chain_link", "append-only"),
        ("truncate chain_link cascade", "append-only"),
        (
            "insert into forecast select run_id, place_id, 9, target_end_date, quantiles from forecast limit 1",
            "run r is linked already",
        ),
        (
            "insert into rt_estimate select run_id, 'FR', window_start, window_end, mean, sd, q025, q25, q50, q75, q975
               from rt_estimate",
            "linked already",
        ),
        (
            "insert into growth_estimate select run_id, place_id, window_end + 7, dated, mean, sd, q025, q25, q50, q75, q975, rises,
                    passed, known, known_025, known_975 from growth_estimate",
            "linked already",
        ),
        ("delete from growth_estimate", "append-only"),
        ("truncate growth_estimate", "append-only"),
        (
            "insert into trend select run_id, 'a', horizon, 0, 0, 1, 0, 0, 0 from trend",
            "linked already",
        ),
        ("insert into not_estimated values ('r', 'FR', 'spread', 'no_data')", "linked already"),
        ("insert into arrival values ('r', 'FR', 2, 'present', null)", "linked already"),
        ("update arrival set probability = 0.9 where state = 'quiet'", "append-only"),
        ("insert into deaths_relation values ('r', 'a', 'flu_cases', 0, 0, 0, null, null, null, 0, 4)", "linked already"),
        ("update deaths_relation set ratio_975 = 0.9", "append-only"),
        (
            "insert into forecast_score select run_id, place_id, horizon, signal_id, origin, target_end_date,
                    truth_issued_at + interval '1 day', truth, wis, baseline_wis, covered_50, covered_80, covered_95, replayed,
                    scored_at, pass from forecast_score",
            "pass 1 is linked already",
        ),
        (
            "insert into forecast_score select run_id, place_id, horizon, signal_id, origin, target_end_date,
                    truth_issued_at + interval '1 day', truth, wis, baseline_wis, covered_50, covered_80, covered_95, replayed,
                    scored_at, 99 from forecast_score",
            "forecast_score_is_linked",
        ),
        (
            "insert into forecast_run select 'other', model_id, model_version, signal_id, source_id, as_of, reference_date,
                    data_vintage, data_hash, source_hash, created_at from forecast_run",
            "forecast_run_is_linked",
        ),
    ] {
        let said = sqlx::raw_sql(sql).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains(why), "{sql}: {said}");
    }
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    assert!(forecasts::insert(&mut tx, &unlinked, &results()).await.unwrap());
    let said = tx.commit().await.unwrap_err().to_string();
    assert!(said.contains("forecast_run_is_linked"), "{said}");
    assert_eq!(whole(&mut conn).await.len(), 2);
}

/// The bytes of decision 0013, written out once more from what was given to the database.
struct Bytes(Vec<u8>);

impl Bytes {
    fn row(&mut self, columns: i32) -> &mut Self {
        self.0.extend(columns.to_be_bytes());
        self
    }

    fn column(&mut self, kind: i32, value: &[u8]) -> &mut Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
        self.0.extend(value);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.column(25, text.as_bytes())
    }

    fn date(&mut self, day: NaiveDate) -> &mut Self {
        let days = (day - date("2000-01-01")).num_days();
        self.column(1082, &i32::try_from(days).unwrap().to_be_bytes())
    }

    fn time(&mut self, at: DateTime<Utc>) -> &mut Self {
        let micros = at.timestamp_micros() - time("2000-01-01T00:00:00Z").timestamp_micros();
        self.column(1184, &micros.to_be_bytes())
    }

    fn numbers(&mut self, values: &[f64]) -> &mut Self {
        for value in values {
            self.column(701, &value.to_be_bytes());
        }
        self
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_program_finds_the_same_digests_without_the_database(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    let (mut run, results) = (run("r"), results());
    forecasts::put(&mut conn, &run, &results).await.unwrap();
    run.created_at = time("2025-02-01T00:05:00.123456Z");
    let mut bytes = Bytes(Vec::new());
    bytes.row(11).text("r").text("m").text("1").text("flu_cases").text("src");
    bytes
        .time(run.as_of)
        .date(run.reference_date)
        .time(run.data_vintage)
        .text("d")
        .text("s")
        .time(run.created_at);
    let mut lines = vec![format!("forecast_run 1 {}", chain::hex(&chain::digest(&bytes.0)))];
    // By bytes: capital letters first, letters with accents last.
    let mut bytes = Bytes(Vec::new());
    for place in ["FR", "a", "Ée"] {
        for horizon in [0, 1] {
            let f = results.forecasts.iter().find(|f| f.place_id == place && f.horizon == horizon).unwrap();
            let mut array: Vec<u8> = [1_i32, 0, 701, 23, 1].iter().flat_map(|n| n.to_be_bytes()).collect();
            for q in &f.quantiles {
                array.extend(8_i32.to_be_bytes());
                array.extend(q.to_be_bytes());
            }
            bytes.row(5).text("r").text(place).column(23, &horizon.to_be_bytes()).date(f.target_end_date);
            bytes.column(1022, &array);
        }
    }
    lines.push(format!("forecast 6 {}", chain::hex(&chain::digest(&bytes.0))));
    let (mut bytes, rt) = (Bytes(Vec::new()), &results.rt[0]);
    bytes.row(11).text("r").text("a").date(rt.window_start).date(rt.window_end);
    bytes.numbers(&[rt.mean, rt.sd, rt.q025, rt.q25, rt.q50, rt.q75, rt.q975]);
    lines.push(format!("rt_estimate 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes
        .row(9)
        .text("r")
        .text("FR")
        .column(23, &1_i32.to_be_bytes())
        .numbers(&[0.1, 0.2, 0.3, 0.2, 0.2, 0.6]);
    lines.push(format!("trend 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes.row(4).text("r").text("Ée").text("transmission").text("too_few");
    lines.push(format!("not_estimated 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let (mut bytes, g) = (Bytes(Vec::new()), rt.growth.as_ref().unwrap());
    bytes.row(16).text("r").text("a").date(rt.window_end).text("infection");
    bytes.numbers(&[g.mean, g.sd, g.q025, g.q25, g.q50, g.q75, g.q975, g.rises, g.passed]);
    bytes.numbers(&[g.known, g.known_025, g.known_975]);
    lines.push(format!("growth_estimate 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes.row(5).text("r").text("FR").column(23, &1_i32.to_be_bytes()).text("present");
    bytes.0.extend([701_i32, -1].iter().flat_map(|n| n.to_be_bytes()));
    bytes.row(5).text("r").text("a").column(23, &0_i32.to_be_bytes()).text("quiet").numbers(&[0.25]);
    lines.push(format!("arrival 2 {}", chain::hex(&chain::digest(&bytes.0))));
    let mut bytes = Bytes(Vec::new());
    bytes.row(11).text("r").text("FR").text("flu_cases").numbers(&[0.1, 0.2, 0.3]);
    bytes.0.extend([701_i32, -1].repeat(3).iter().flat_map(|n| n.to_be_bytes()));
    bytes.numbers(&[0.25, 4.0]);
    lines.push(format!("deaths_relation 1 {}", chain::hex(&chain::digest(&bytes.0))));
    let link = whole(&mut conn).await.remove(0);
    assert_eq!(link.parts, lines.join("\n"));
    let linked_at: DateTime<Utc> =
        sqlx::query_scalar("select linked_at from chain_link").fetch_one(&mut *conn).await.unwrap();
    let mut bytes = Bytes(Vec::new());
    bytes.row(9).column(20, &1_i64.to_be_bytes()).text("run").text("r");
    // Nothing: a length of -1 and no bytes.
    bytes.0.extend([20_i32, -1].iter().flat_map(|n| n.to_be_bytes()));
    bytes.column(16, &[0]).text(&link.parts).column(17, &chain::digest(link.parts.as_bytes()));
    bytes.column(17, &[0; 32]).time(linked_at);
    assert_eq!(chain::hex(&link.digest), chain::hex(&chain::digest(&bytes.0)));
}

/// What a run from before growth was estimated found.
fn without_growth() -> Results {
    let mut all = results();
    all.rt.iter_mut().for_each(|r| r.growth = None);
    all
}

#[sqlx::test(migrations = false)]
async fn a_run_that_was_linked_before_growth_was_estimated_keeps_its_link_and_is_read(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let (before, after): (Vec<_>, Vec<_>) = store::MIGRATOR.iter().partition(|m| m.version < 12);
    for m in before {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    // As the program of that time linked it: five tables.
    let five = "select string_agg(format('%s %s %s', name, n, encode(sha256(coalesce(bytes, '')), 'hex')), E'\\n' order by part)
        from (select 0 as part, 'forecast_run' as name, count(*) as n, string_agg(record_send(p), '') as bytes
                from (select * from forecast_run where id = 'old') p
              union all select 1, 'forecast', 0, null
              union all select 2, 'rt_estimate', count(*), string_agg(record_send(p), '')
                from (select * from rt_estimate where run_id = 'old') p
              union all select 3, 'trend', 0, null
              union all select 4, 'not_estimated', 0, null) every";
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    let old = Results { rt: without_growth().rt, ..Results::default() };
    assert!(forecasts::insert(&mut tx, &run("old"), &old).await.unwrap());
    let parts: String = sqlx::query_scalar(five).fetch_one(&mut *tx).await.unwrap();
    sqlx::query(
        "insert into chain_link select l.*, sha256(record_send(l))
           from (select 1::bigint as seq, 'run'::text as kind, 'old'::text as run_id, null::bigint as pass, false as existing,
                        $1::text as parts, sha256(convert_to($1, 'UTF8')) as content, decode(repeat('00', 32), 'hex') as previous,
                        clock_timestamp() as linked_at) l",
    )
    .bind(&parts)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    for m in after {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    forecasts::put(&mut conn, &run("new"), &results()).await.unwrap();
    let links = whole(&mut conn).await;
    assert_eq!(links.iter().map(|l| l.parts.lines().count()).collect::<Vec<_>>(), [5, 8]);
    assert_eq!(forecasts::rt(&mut conn, "old", None).await.unwrap(), without_growth().rt);
    assert_eq!(forecasts::rt(&mut conn, "new", Some("a")).await.unwrap(), results().rt);
}

#[sqlx::test(migrations = false)]
async fn what_was_there_before_the_chain_is_linked_and_marked(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let (before, after): (Vec<_>, Vec<_>) = store::MIGRATOR.iter().partition(|m| m.version < 10);
    for m in before {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    for id in ["old", "older's"] {
        let then = Results { arrivals: Vec::new(), relations: Vec::new(), ..without_growth() };
        assert!(forecasts::insert(&mut conn, &run(id), &then).await.unwrap());
    }
    sqlx::raw_sql("insert into forecast_run select 'empty', 'm', '1', 'flu_cases', 'src', now(), '2025-01-01', now(), '', '', '1999-01-01'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let score = "insert into forecast_score
        select 'old', place_id, horizon, 'flu_cases', '2025-01-31', target_end_date, '2025-02-07', null, null, null, null, null,
               null, true, '2025-03-01' from forecast where run_id = 'old'";
    sqlx::raw_sql(score).execute(&mut *conn).await.unwrap();
    for m in after {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    forecasts::put(&mut conn, &run("new"), &results()).await.unwrap();
    let links = whole(&mut conn).await;
    let found: Vec<_> = links.iter().map(|l| (l.subject().unwrap(), l.existing)).collect();
    let (run, pass) = (Subject::Run, Subject::Scores(0));
    assert_eq!(
        found,
        [(run("empty"), true), (run("old"), true), (run("older's"), true), (pass, true), (run("new"), false)]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_without_arrivals_has_the_link_that_it_had_before_they_were_stored(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    let without = Results { arrivals: Vec::new(), relations: Vec::new(), ..results() };
    forecasts::put(&mut conn, &run("r"), &without).await.unwrap();
    forecasts::put(&mut conn, &run("s"), &results()).await.unwrap();
    let links = whole(&mut conn).await;
    let lines = |n: usize| links[n].parts.lines().count();
    assert_eq!((lines(0), lines(1)), (6, 8));
    assert_eq!(forecasts::arrivals(&mut conn, "r").await.unwrap(), []);
    let mut stored = forecasts::arrivals(&mut conn, "s").await.unwrap();
    stored.sort_by(|a, b| b.place_id.cmp(&a.place_id));
    assert_eq!(stored, results().arrivals);
    assert_eq!(forecasts::relation(&mut conn, "r", "FR").await.unwrap(), None);
    assert_eq!(forecasts::relation(&mut conn, "s", "FR").await.unwrap().as_slice(), results().relations);
    for (ratio, delay, wanted) in [
        ("0.2, 0.1, 0.3", "null, null, null", "has_its_ratio"),
        ("0.1, 0.2, 'NaN'", "null, null, null", "has_its_ratio"),
        ("0.1, 0.2, 0.3", "1, null, null", "has_a_delay_with_its_band"),
        ("0.1, 0.2, 0.3", "1, 0, 2", "has_a_delay_with_its_band"),
    ] {
        let sql =
            format!("insert into deaths_relation values ('none', 'FR', 'x', {ratio}, {delay}, 0.25, 4)");
        let said = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains(&format!("deaths_relation_{wanted}")), "{ratio} {delay}: {said}");
    }
    for (state, probability) in
        [("quiet", "null"), ("quiet", "'NaN'"), ("quiet", "1.5"), ("present", "0.5"), ("gone", "null")]
    {
        let sql = format!("insert into arrival values ('none', 'FR', 0, '{state}', {probability})");
        let said = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains("arrival_has_its_probability"), "{state} {probability}: {said}");
    }
}
