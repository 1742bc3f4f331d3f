//! A model that is given the database's training role and wants to know the future.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

use chrono::{DateTime, Utc};
use domain::{ObservationKey, Status};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use store::observations::{self, NewPoint};
use store::training;

const PARENTS: &str = "
    insert into source values ('src', '', '', '', '', '', '', '');
    insert into place values ('FR', 'nation', null, null, '{}'), ('DE', 'nation', null, null, '{}');
    insert into retrieval values ('r1', 'src', '', '', now(), '', 0, '')";

/// Between the two issues of [`prepared`].
const ORIGIN: &str = "2025-01-20T00:00:00Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Ten weeks of two places: 1 as issued in time, 1,000,000 as issued too late for the origin.
async fn prepared(pool: &PgPool) -> PgConnection {
    let mut conn = pool.acquire().await.unwrap().detach();
    publish(&mut conn).await;
    conn
}

async fn publish(conn: &mut PgConnection) {
    sqlx::raw_sql(PARENTS).execute(&mut *conn).await.unwrap();
    let mut points = Vec::new();
    for week in 0..10 {
        for place in ["FR", "DE"] {
            for (issued, value) in [("2025-01-15T12:00:00Z", 1.0), ("2025-01-20T00:00:00.000001Z", 1e6)] {
                let day: chrono::NaiveDate = "2024-11-03".parse().unwrap();
                points.push(NewPoint {
                    key: ObservationKey {
                        signal: "flu_cases".parse().unwrap(),
                        source: "src".parse().unwrap(),
                        place: place.parse().unwrap(),
                        reference_date: day + chrono::Days::new(7 * week),
                        issued_at: time(issued),
                    },
                    value: Some(value),
                    status: Status::Observed,
                    retrieval_id: "r1".into(),
                    seen_at: time("2025-03-01T00:00:00Z"),
                });
            }
        }
    }
    observations::append(conn, &points).await.unwrap();
}

/// The largest value that `query` gives out.
async fn largest(conn: &mut PgConnection, query: &'static str) -> Option<f64> {
    sqlx::query_scalar(query).fetch_one(conn).await.unwrap()
}

/// What the database says when it refuses `query`; the transaction goes on.
async fn refused(conn: &mut PgConnection, query: &'static str) -> String {
    let mut attempt = conn.begin().await.unwrap();
    let said = sqlx::raw_sql(query).execute(&mut *attempt).await;
    let said = said.err().map_or_else(|| format!("{query} was allowed"), |e| e.to_string());
    attempt.rollback().await.unwrap();
    said
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_query_without_a_limit_sees_nothing_later_than_the_origin(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    assert_eq!(
        largest(&mut conn, "select max(value) from observation").await,
        Some(1e6),
        "an owner sees all"
    );
    let mut training = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
    let model = training.reader();
    for query in [
        "select max(value) from observation",
        "select max(value) from observation_row",
        "select max(value) from only observation_row",
        "select max(value) from observation where issued_at > '2025-01-20'",
        "select max(value) from (select value from observation_row order by issued_at desc limit 1) newest",
        "select extract(epoch from max(issued_at))::float8 from observation where issued_at > '2025-01-20'",
        "select extract(epoch from max(issued_at))::float8 from issue where issued_at > '2025-01-20'",
    ] {
        let found = largest(model, query).await;
        assert!(found.is_none_or(|v| v == 1.0), "{query}: {found:?}");
    }
    let asked = observations::all_revisions(model, "flu_cases", time("2099-01-01T00:00:00Z")).await.unwrap();
    assert_eq!((asked.len(), asked.iter().filter_map(|r| r.point.value).fold(0.0, f64::max)), (20, 1.0));
    assert_eq!(store::issued::issues(model, "flu_cases").await.unwrap().len(), 1);
    training.end().await.unwrap();
    let after = largest(&mut conn, "select max(value) from observation").await;
    assert_eq!(after, Some(1e6), "afterwards the connection is the owner's again");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_ways_around_are_refused(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    let mut training = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
    let model = training.reader();
    for (query, why) in [
        ("select * from observation_row_0", "permission denied for table observation_row_0"),
        ("copy observation_row_3 to stdout", "permission denied for table observation_row_3"),
        ("update training set origin = 'infinity'", "permission denied for table training"),
        (
            "insert into training values (pg_current_xact_id(), 'infinity')",
            "permission denied for table training",
        ),
        ("select * from training", "permission denied for table training"),
        ("set local row_security = off; select count(*) from observation", "row-level security policy"),
        ("alter table observation_row disable row level security", "must be owner of table observation_row"),
        ("drop policy known_at_origin on observation_row", "must be owner of relation observation_row"),
        (
            "create or replace function training_origin() returns timestamptz language sql as 'select now()'",
            "permission denied for schema public",
        ),
        ("create table public.kept as select * from observation", "permission denied for schema public"),
        ("alter role vigie_train bypassrls", "permission denied to alter role"),
        ("select count(*) from forecast", "permission denied for table forecast"),
        ("select count(*) from chain_link", "permission denied for table chain_link"),
        ("copy (select 1) to program 'cat'", "permission denied to COPY to or from an external program"),
    ] {
        let said = refused(model, query).await;
        assert!(said.contains(why), "{query}: {said}");
    }
    // What a session may always do: settings, and tables of its own with our names. They move nothing.
    let harmless = "set local timezone = 'Pacific/Kiritimati';
         select set_config('vigie.origin', 'infinity', true);
         create temporary table training as select pg_current_xact_id() as transaction, 'infinity'::timestamptz as origin;
         create function pg_temp.training_origin() returns timestamptz language sql as 'select now()'";
    sqlx::raw_sql(harmless).execute(&mut *model).await.unwrap();
    assert_eq!(largest(model, "select max(value) from observation").await, Some(1.0));
    assert_eq!(largest(model, "select max(value) from observation_row").await, Some(1.0));
    training.end().await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_copy_takes_out_is_filtered_too(pool: PgPool) {
    use futures_util::TryStreamExt as _;
    let mut conn = prepared(&pool).await;
    let mut training = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
    // Of a partitioned table itself COPY takes nothing; of what is asked of it, what the rule lets through.
    for (from, lines) in [("observation_row", 0), ("(select value from observation_row)", 20)] {
        let statement = format!("copy {from} to stdout");
        let out = training.reader().copy_out_raw(&statement).await.unwrap();
        let parts: Vec<_> = out.try_collect().await.unwrap();
        let text = String::from_utf8(parts.concat()).unwrap();
        assert_eq!(text, "1\n".repeat(lines), "{from}");
    }
    training.end().await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_an_origin_the_role_sees_no_figure(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("set local role vigie_train").execute(&mut *tx).await.unwrap();
    assert_eq!(largest(&mut tx, "select count(*)::float8 from observation").await, Some(0.0));
    tx.rollback().await.unwrap();
    // That of another transaction, still open or not, is none.
    let mut other = pool.acquire().await.unwrap();
    let _open = training::begin(&mut other, time("2030-01-01T00:00:00Z")).await.unwrap();
    let mut training = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
    assert_eq!(largest(training.reader(), "select max(value) from observation").await, Some(1.0));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_left_the_role_is_noticed_and_nothing_of_it_stays(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    for leave in ["reset role", "set local role none", "commit"] {
        let mut training = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
        sqlx::raw_sql(leave).execute(training.reader()).await.unwrap();
        let said = training.end().await.unwrap_err().to_string();
        assert!(said.contains("left before its end"), "{leave}: {said}");
    }
    let mut moved = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
    let moving = "reset role; update training set origin = 'infinity'; set local role vigie_train";
    sqlx::raw_sql(moving).execute(moved.reader()).await.unwrap();
    assert!(moved.end().await.is_err(), "an origin that somebody moved");
    let left: i64 = sqlx::query_scalar("select count(*) from training where origin > '2025-01-20'")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_table_with_an_issue_time_that_the_role_may_read_is_under_the_rule(pool: PgPool) {
    let open: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c
          where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'm', 'f')
            and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'issued_at')
            and not (c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
    let readable: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c
          where c.relnamespace = 'public'::regnamespace and has_table_privilege('vigie_train', c.oid, 'select')
          order by 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(readable, ["issue", "observation", "observation_row", "payload", "series"]);
}

/// As in a cluster: the database belongs to a login that may not create roles, and an operator grants it this one.
#[sqlx::test(migrations = false)]
async fn an_owner_without_other_rights_needs_one_grant_and_is_told_so(pool: PgPool) {
    // The role is the server's; other tests make it too.
    store::MIGRATOR.run(&pool).await.unwrap();
    let mut conn = pool.acquire().await.unwrap().detach();
    let database: String =
        sqlx::query_scalar("select current_database()").fetch_one(&mut conn).await.unwrap();
    let owner = format!("owner_of_{database}");
    let run = |sql: String| AssertSqlSafe(sql);
    let schema = "drop schema public cascade; create schema public";
    let make = format!(
        "create role \"{owner}\"; {schema} authorization \"{owner}\"; grant usage on schema public to public"
    );
    sqlx::raw_sql(run(make)).execute(&mut conn).await.unwrap();
    let become_owner = format!("set session authorization \"{owner}\"");
    sqlx::raw_sql(run(become_owner.clone())).execute(&mut conn).await.unwrap();
    let said = store::MIGRATOR.run(&mut conn).await.unwrap_err().to_string();
    assert!(said.contains("may not become vigie_train"), "{said}");
    let grant =
        format!("reset session authorization; grant vigie_train to \"{owner}\" with inherit false, set true");
    sqlx::raw_sql(run(grant)).execute(&mut conn).await.unwrap();
    sqlx::raw_sql(run(become_owner)).execute(&mut conn).await.unwrap();
    store::MIGRATOR.run(&mut conn).await.unwrap();
    publish(&mut conn).await;
    let mut training = training::begin(&mut conn, time(ORIGIN)).await.unwrap();
    assert_eq!(largest(training.reader(), "select max(value) from observation").await, Some(1.0));
    training.end().await.unwrap();
    assert_eq!(
        largest(&mut conn, "select max(value) from observation").await,
        Some(1e6),
        "the owner is not filtered"
    );
    let gone =
        format!("reset session authorization; drop owned by \"{owner}\" cascade; drop role \"{owner}\"");
    sqlx::raw_sql(run(gone)).execute(&mut conn).await.unwrap();
}
