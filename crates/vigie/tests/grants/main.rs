//! Each service's role at the database: it does all that the service does, each single right of it is needed, and there is
//! none beside (`store::access`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail; clippy sees no test in a helper")]

mod figures;
mod scenario;

use scenario::Scenario;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool};
use std::collections::BTreeSet;
use store::access::{Access, SERVICES};

/// What says that the database refused; of a schema into which it may not look, a service sees nothing.
const REFUSED: [&str; 3] = ["permission denied", " answers 500", "the schema is not current"];

/// A database with a short name of its own, for roles have its name and are the whole server's.
struct Place {
    options: PgConnectOptions,
    name: String,
}

impl Place {
    async fn make(beside: &PgPool, of: &str) -> Self {
        let name = format!("grants_{}_{}", std::process::id(), of.replace('-', "_"));
        run(&mut beside.acquire().await.unwrap(), &format!("create database {name} template template0"))
            .await;
        let options = (*beside.connect_options()).clone().database(&name);
        let mut owner = options.connect().await.unwrap();
        store::MIGRATOR.run(&mut owner).await.unwrap();
        for (_, role) in roles(&name) {
            run(&mut owner, &format!("create role {role} login bypassrls password '0123'")).await;
        }
        // Twice: as at the second start.
        for _ in 0..2 {
            store::access::give(&mut owner, &roles(&name)).await.unwrap();
        }
        figures::add(&mut owner).await;
        // Forecasts, which others show.
        Scenario::of("forecast", options.clone(), options.clone()).await.run().await.unwrap();
        Self { options, name }
    }

    async fn remove(&self, beside: &PgPool) {
        let mut conn = beside.acquire().await.unwrap();
        run(&mut conn, &format!("drop database {} with (force)", self.name)).await;
        for access in SERVICES {
            run(&mut conn, &format!("drop role {}", access.role(&self.name))).await;
        }
    }

    fn as_service(&self, access: &Access) -> PgConnectOptions {
        self.options.clone().username(&access.role(&self.name)).password("0123")
    }
}

/// Each service's rights and its role at the database of this name.
fn roles(database: &str) -> Vec<(Access, String)> {
    SERVICES.into_iter().map(|access| (access, access.role(database))).collect()
}

async fn run(conn: &mut PgConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(conn).await.unwrap();
}

/// What is wrong with the rights of one service: each is taken away and given back.
async fn wrong_with(service: &str, place: &Place, owner: &mut PgConnection) -> Vec<String> {
    let access = Access::of(service).unwrap();
    let scenario = Scenario::of(access.service, place.as_service(&access), place.options.clone()).await;
    let role = access.role(&place.name);
    if let Err(error) = scenario.run().await {
        return vec![format!("{service} lacks a right: {}", error.chars().take(300).collect::<String>())];
    }
    let mut wrong = Vec::new();
    for (right, take, give) in single(&access, &place.name, &role) {
        run(owner, &take).await;
        match scenario.run().await {
            Ok(()) => wrong.push(format!("{service} does without {right}")),
            // Not for another reason.
            Err(error) if REFUSED.iter().any(|words| error.contains(words)) => {}
            Err(error) => wrong.push(format!("{service} without {right}: {error}")),
        }
        run(owner, &give).await;
    }
    if let Err(error) = scenario.run().await {
        wrong.push(format!("{service} fails with all its rights again: {error}"));
    }
    wrong.extend(beside(owner, &access, &place.name, &role).await);
    wrong
}

/// Each right of a service is needed, and there is no other.
async fn judge(service: &str, pool: PgPool) {
    let place = Place::make(&pool, service).await;
    let mut owner = place.options.connect().await.unwrap();
    let wrong = wrong_with(service, &place, &mut owner).await;
    if service == "ingest" {
        loads_all(&place.as_service(&Access::of(service).unwrap())).await;
    }
    drop(owner);
    place.remove(&pool).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// One test a service: they run side by side.

#[sqlx::test(migrations = false)]
async fn each_right_of_data_api_is_needed_and_no_other(pool: PgPool) {
    judge("data-api", pool).await;
}

#[sqlx::test(migrations = false)]
async fn each_right_of_dataviz_is_needed_and_no_other(pool: PgPool) {
    judge("dataviz", pool).await;
}

#[sqlx::test(migrations = false)]
async fn each_right_of_forecast_is_needed_and_no_other(pool: PgPool) {
    judge("forecast", pool).await;
}

#[sqlx::test(migrations = false)]
async fn each_right_of_ingest_is_needed_and_no_other(pool: PgPool) {
    judge("ingest", pool).await;
}

#[sqlx::test(migrations = false)]
async fn each_right_of_web_is_needed_and_no_other(pool: PgPool) {
    judge("web", pool).await;
}

#[test]
fn every_service_is_judged() {
    let text = include_str!("main.rs");
    for access in SERVICES {
        assert!(text.contains(&format!("judge(\"{}\", pool)", access.service)), "{}", access.service);
    }
}

#[sqlx::test(migrations = false)]
async fn rights_are_given_at_once(pool: PgPool) {
    let place = Place::make(&pool, "at_once").await;
    let mut owner = place.options.connect().await.unwrap();
    let wrong = piecemeal(&mut owner, &place.name).await;
    drop(owner);
    place.remove(&pool).await;
    assert_eq!(wrong, None);
}

/// All that a start loads, as the one who may add figures.
async fn loads_all(ingest: &PgConnectOptions) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let profile = kit::config::profile(root.join("clusters/ch/profile/profile.toml")).unwrap();
    let mut own = ingest.connect().await.unwrap();
    let loaded =
        ingest::load::all(&mut own, &root.join("data"), &profile, kit::wall(), &|_| {}).await.unwrap();
    assert!(loaded.new_rows > 10_000, "{}", loaded.new_rows);
}

/// Each right of a role: its name, what takes it, what gives it back.
fn single(access: &Access, database: &str, role: &str) -> Vec<(String, String, String)> {
    let rights = access.rights(database).into_iter();
    let mut all: Vec<_> = rights
        .map(|right| {
            let (take, give) = (format!("revoke {right} from {role}"), format!("grant {right} to {role}"));
            (right, take, give)
        })
        .collect();
    if access.trains {
        let (take, give) = (
            format!("revoke vigie_train from {role}"),
            format!("grant vigie_train to {role} with inherit false, set true"),
        );
        all.push(("vigie_train".to_owned(), take, give));
    }
    all
}

/// Rights are given again at each deployment, beside services that run: in one transaction, or these miss some of them for a
/// moment. The catalogue keeps which transaction wrote each table's rights.
async fn piecemeal(owner: &mut PgConnection, name: &str) -> Option<String> {
    store::access::give(owner, &roles(name)).await.unwrap();
    let names: BTreeSet<&str> =
        SERVICES.iter().flat_map(|access| access.tables).map(|(table, _)| *table).collect();
    let (tables, transactions): (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct xmin::text) from pg_class
          where relnamespace = 'public'::regnamespace and relname = any($1)",
    )
    .bind(names.iter().collect::<Vec<_>>())
    .fetch_one(owner)
    .await
    .unwrap();
    (transactions != 1 || tables != i64::try_from(names.len()).unwrap())
        .then(|| format!("{tables} tables got their rights in {transactions} transactions"))
}

/// What the server says that a role may do, and `store::access` does not name.
async fn beside(owner: &mut PgConnection, access: &Access, database: &str, role: &str) -> Vec<String> {
    let mut named = access.rights(database);
    if access.trains {
        named.push("is in vigie_train".to_owned());
    }
    let held = store::access::held(owner, role).await.unwrap();
    let extra = held.into_iter().filter(|right| !named.contains(right));
    extra.map(|right| format!("{}: {right}, too", access.service)).collect()
}
