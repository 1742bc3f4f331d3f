//! What may be done with published values, against a real server: appended, once each, and never changed.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::{ObservationKey, Status};
use sqlx::{PgConnection, PgPool, Row as _};
use store::observations::{self, NewPoint};

const PARENTS: &str = "
    insert into source values ('src', '', '', '', '', '', '', '');
    insert into place values ('FR', 'nation', null, null, '{}'), ('FR-IDF', 'region', 'FR', null, '{}');
    insert into retrieval values ('r1', 'src', '', '', now(), '', 0, '')";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn point(place: &str, day: NaiveDate, issued_at: &str, value: Option<f64>) -> NewPoint {
    NewPoint {
        key: ObservationKey {
            signal: "flu_cases".parse().unwrap(),
            source: "src".parse().unwrap(),
            place: place.parse().unwrap(),
            reference_date: day,
            issued_at: time(issued_at),
        },
        status: if value.is_some() { Status::Observed } else { Status::Withdrawn },
        value,
        retrieval_id: "r1".into(),
        seen_at: time("2025-03-01T00:00:00.123456Z"),
    }
}

/// Two places, 300 days from before PostgreSQL's epoch on, two issues each, the last one without figures.
fn points() -> Vec<NewPoint> {
    let first: NaiveDate = "1999-06-01".parse().unwrap();
    let mut all = Vec::new();
    for i in 0..300 {
        for place in ["FR-IDF", "FR"] {
            all.push(point(place, first + Days::new(i), "1999-12-31T23:59:59.999999Z", Some(i as f64 / 3.0)));
            all.push(point(place, first + Days::new(i), "2025-02-01T12:00:00Z", None));
        }
    }
    all
}

async fn count(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from observation").fetch_one(conn).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_appended_is_read_back_to_the_microsecond(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    let points = points();
    assert_eq!(observations::append(&mut conn, &points).await.unwrap(), 1200);
    let mut wanted: Vec<_> = points.iter().filter(|p| p.key.place.as_str() == "FR").collect();
    wanted.sort_by_key(|p| (p.key.reference_date, p.key.issued_at));
    let rows =
        sqlx::query("select * from observation where place_id = 'FR' order by reference_date, issued_at")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    assert_eq!(rows.len(), wanted.len());
    for (row, p) in rows.iter().zip(&wanted) {
        assert_eq!(row.get::<&str, _>("signal_id"), "flu_cases");
        assert_eq!(row.get::<&str, _>("source_id"), "src");
        assert_eq!(row.get::<NaiveDate, _>("reference_date"), p.key.reference_date);
        assert_eq!(row.get::<DateTime<Utc>, _>("issued_at"), p.key.issued_at);
        assert_eq!(row.get::<DateTime<Utc>, _>("seen_at"), p.seen_at);
        assert_eq!(row.get::<Option<f64>, _>("value"), p.value);
        assert_eq!(row.get::<&str, _>("status"), p.status.as_str());
        assert_eq!(row.get::<&str, _>("retrieval_id"), "r1");
    }
    let before = observations::as_of(&mut conn, "flu_cases", "src", "FR", time("2025-01-01T00:00:00Z")).await;
    let before = before.unwrap();
    assert_eq!((before.len(), before[299].value), (300, Some(299.0 / 3.0)));
    let after =
        observations::panel(&mut conn, "flu_cases", "src", time("2025-03-01T00:00:00Z")).await.unwrap();
    assert_eq!((after.len(), after[0].place_id.as_str(), after[599].value), (600, "FR", None));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_same_rows_twice_or_at_the_same_time_are_there_once(pool: PgPool) {
    let (mut one, mut two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    sqlx::raw_sql(PARENTS).execute(&mut *one).await.unwrap();
    let points = points();
    let (a, b) =
        tokio::join!(observations::append(&mut one, &points), observations::append(&mut two, &points));
    assert_eq!(a.unwrap() + b.unwrap(), 1200);
    assert_eq!(count(&mut one).await, 1200);
    assert_eq!(observations::append(&mut one, &points).await.unwrap(), 0);
    // One row more, twice in the same call, among rows that are there; then in a series that is new.
    let day = "2024-01-01".parse().unwrap();
    let mut more = points.clone();
    more.extend([
        point("FR", day, "2024-01-02T00:00:00Z", Some(1.0)),
        point("FR", day, "2024-01-02T00:00:00Z", Some(1.0)),
    ]);
    assert_eq!(observations::append(&mut one, &more).await.unwrap(), 1);
    let mut other = point("FR", day, "2024-01-02T00:00:00Z", Some(1.0));
    other.key.signal = "rsv_cases".parse().unwrap();
    assert_eq!(observations::append(&mut one, &[other.clone(), other]).await.unwrap(), 1);
    assert_eq!(count(&mut one).await, 1202);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_breaks_a_rule_is_refused_with_its_name_and_nothing_is_appended(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    let good = points().remove(0);
    let change = |edit: fn(&mut NewPoint)| {
        let mut bad = good.clone();
        edit(&mut bad);
        bad
    };
    for (bad, why) in [
        (change(|p| p.value = Some(f64::NAN)), "observation_value_is_a_number"),
        (change(|p| p.value = None), "observation_value_matches_status"),
        (change(|p| p.retrieval_id = "nobody".into()), "payload_retrieval_id_fkey"),
        (change(|p| p.key.place = "DE".parse().unwrap()), "series_place_id_fkey"),
        (change(|p| p.key.source = "nobody".parse().unwrap()), "series_source_id_fkey"),
    ] {
        let error = observations::append(&mut conn, &[good.clone(), bad]).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error} instead of {why}");
        assert_eq!(count(&mut conn).await, 0);
    }
    assert_eq!(observations::append(&mut conn, &[good]).await.unwrap(), 1, "the connection still works");
}

/// What the table `issue` says, and what the rows say.
const ISSUES: [&str; 2] = [
    "select signal_id, source_id, issued_at, sum(row_count)::bigint, min(first_date), max(last_date), min(first_seen),
            max(last_seen) from issue group by 1, 2, 3",
    "select signal_id, source_id, issued_at, count(*), min(reference_date), max(reference_date), min(seen_at),
            max(seen_at) from observation group by 1, 2, 3",
];

/// Issues of the table `issue` that the rows do not have, and the other way round.
async fn wrong_issues(conn: &mut PgConnection) -> i64 {
    let [noted, there] = ISSUES;
    let sql = format!(
        "select count(*) from ((({noted}) except ({there})) union all (({there}) except ({noted}))) wrong"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(conn).await.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_append_notes_its_issues_and_nothing_twice(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    let points = points();
    observations::append(&mut conn, &points[..500]).await.unwrap();
    assert_eq!(wrong_issues(&mut conn).await, 0);
    observations::append(&mut conn, &points[..900]).await.unwrap();
    let mut twice = points.clone();
    twice.extend_from_slice(&points[100..200]);
    observations::append(&mut conn, &twice).await.unwrap();
    assert_eq!((wrong_issues(&mut conn).await, count(&mut conn).await), (0, 1200));
    let of = async |conn: &mut PgConnection, at: &str, by| {
        let all =
            store::issued::coverage(&store::issued::issues(conn, "flu_cases").await.unwrap(), time(at), by);
        all.iter().map(|c| c.rows).sum::<i64>()
    };
    use store::series::KnownBy;
    assert_eq!(of(&mut conn, "2025-01-01T00:00:00Z", KnownBy::Issue).await, 600);
    assert_eq!(of(&mut conn, "2025-03-01T00:00:01Z", KnownBy::Sight).await, 1200);
    assert_eq!(of(&mut conn, "2025-03-01T00:00:00Z", KnownBy::Sight).await, 0);
    let days = store::issued::days(&mut conn, "flu_cases", &["src".to_owned()], None).await.unwrap();
    assert_eq!(days.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1999-12-31", "2025-02-01"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nothing_is_changed_removed_or_emptied(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    observations::append(&mut conn, &points()).await.unwrap();
    for (sql, why) in [
        ("update observation_row set value = 1", "append-only"),
        ("delete from observation_row", "append-only"),
        ("truncate observation_row", "append-only"),
        ("update observation_row_0 set value = 1", "append-only"),
        ("delete from observation_row_1", "append-only"),
        ("truncate observation_row_2", "append-only"),
        ("insert into observation_row select * from observation_row", "store::observations::append"),
        ("insert into observation_row_3 select * from observation_row", "store::observations::append"),
        ("delete from series", "append-only"),
        ("truncate series", "append-only"),
        ("delete from payload", "append-only"),
        ("truncate payload", "append-only"),
        ("delete from retrieval", "payload_retrieval_id_fkey"),
        ("truncate retrieval cascade", "append-only"),
        ("delete from place where id = 'FR-IDF'", "series_place_id_fkey"),
        ("delete from observation", "view"),
        ("delete from issue", "append-only"),
        ("truncate issue", "append-only"),
    ] {
        let error = sqlx::raw_sql(sql).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(error.contains(why), "{sql}: {error}");
    }
    assert_eq!(count(&mut conn).await, 1200);
}

#[sqlx::test(migrations = false)]
async fn rows_from_before_the_partitions_are_kept(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    let (before, after): (Vec<_>, Vec<_>) = store::MIGRATOR.iter().partition(|m| m.version < 5);
    for m in before {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    sqlx::raw_sql(
        "insert into observation
             select 'flu_cases', p, 'src', date '2024-01-01' + d, timestamptz '2024-02-01' + v * interval '1 day', now(),
                    case when v < 2 then d / 7.0 end, case when v < 2 then 'provisional' else 'suppressed' end, 'r1'
               from unnest(array['FR', 'FR-IDF']) p, generate_series(0, 40) d, generate_series(0, 2) v",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let digest =
        "select count(*) || ' ' || md5(string_agg(o::text, '|' order by o::text)) from observation o";
    let old: String = sqlx::query_scalar(digest).fetch_one(&mut *conn).await.unwrap();
    for m in after {
        sqlx::raw_sql(m.sql.clone()).execute(&mut *conn).await.unwrap();
    }
    let new: String = sqlx::query_scalar(digest).fetch_one(&mut *conn).await.unwrap();
    assert!(old.starts_with("246 "), "{old}");
    assert_eq!(new, old);
    assert_eq!(wrong_issues(&mut conn).await, 0);
}
