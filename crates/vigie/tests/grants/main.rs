//! Each service's role at the database: it does all that the service does, each single right of it is needed, and there is
//! none beside (`store::access`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail; clippy sees no test in a helper")]

mod figures;
mod scenario;

use scenario::Scenario;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, PgPool};
use store::access::{Access, SERVICES};

/// A database with a short name of its own, for roles have its name and are the whole server's.
struct Place {
    options: PgConnectOptions,
    name: String,
}

impl Place {
    async fn make(beside: &PgPool) -> Self {
        let name = format!("grants_{}", std::process::id());
        run(&mut beside.acquire().await.unwrap(), &format!("create database {name} template template0"))
            .await;
        let options = (*beside.connect_options()).clone().database(&name);
        let mut owner = options.connect().await.unwrap();
        store::MIGRATOR.run(&mut owner).await.unwrap();
        for access in SERVICES {
            let role = access.role(&name);
            run(&mut owner, &format!("create role {role} login bypassrls password '0123'")).await;
            // Twice: as at the second start.
            for _ in 0..2 {
                access.grant(&mut owner).await.unwrap();
            }
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

async fn run(conn: &mut PgConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(conn).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn each_right_is_needed_and_no_other(pool: PgPool) {
    let place = Place::make(&pool).await;
    let mut owner = place.options.connect().await.unwrap();
    let mut wrong = Vec::new();
    for access in SERVICES {
        let scenario = Scenario::of(access.service, place.as_service(&access), place.options.clone()).await;
        let role = access.role(&place.name);
        if let Err(error) = scenario.run().await {
            wrong.push(format!(
                "{} lacks a right: {}",
                access.service,
                error.chars().take(300).collect::<String>()
            ));
            continue;
        }
        for (right, take, give) in single(&access, &place.name, &role) {
            run(&mut owner, &take).await;
            match scenario.run().await {
                Ok(()) => wrong.push(format!("{} does without {right}", access.service)),
                // Not for another reason.
                Err(error) if error.contains("permission denied") || error.contains(" answers 500") => {}
                Err(error) => wrong.push(format!("{} without {right}: {error}", access.service)),
            }
            run(&mut owner, &give).await;
        }
        if let Err(error) = scenario.run().await {
            wrong.push(format!("{} fails with all its rights again: {error}", access.service));
        }
        wrong.extend(beside(&mut owner, &access, &role).await);
        wrong.extend(piecemeal(&mut owner, &access).await);
    }
    let ingest = Access::of("ingest").unwrap();
    loads_all(&place.as_service(&ingest)).await;
    drop(owner);
    place.remove(&pool).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    let mut all = Vec::new();
    let mut right = |what: String| {
        all.push((what.clone(), format!("revoke {what} from {role}"), format!("grant {what} to {role}")));
    };
    for (table, verbs) in access.tables {
        verbs.iter().for_each(|verb| right(format!("{verb} on {table}")));
    }
    access.sequences.iter().for_each(|sequence| right(format!("usage on sequence {sequence}")));
    if access.temporary {
        right(format!("temporary on database {database}"));
    }
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
async fn piecemeal(owner: &mut PgConnection, access: &Access) -> Option<String> {
    access.grant(owner).await.unwrap();
    let names: Vec<&str> = access.tables.iter().map(|(table, _)| *table).collect();
    let (tables, transactions): (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct xmin::text) from pg_class
          where relnamespace = 'public'::regnamespace and relname = any($1)",
    )
    .bind(&names)
    .fetch_one(owner)
    .await
    .unwrap();
    (transactions != 1 || tables != i64::try_from(names.len()).unwrap()).then(|| {
        format!("{}: {tables} tables got their rights in {transactions} transactions", access.service)
    })
}

/// What the catalogue says that a role may do, and `store::access` does not name.
async fn beside(owner: &mut PgConnection, access: &Access, role: &str) -> Vec<String> {
    let held: Vec<(String, String)> = sqlx::query_as(
        "select c.relname::text, lower(a.privilege_type)
           from pg_class c cross join lateral aclexplode(c.relacl) a
          where c.relnamespace = 'public'::regnamespace and a.grantee in ($1::regrole, 0) order by 1, 2",
    )
    .bind(role)
    .fetch_all(&mut *owner)
    .await
    .unwrap();
    let named = |object: &str, verb: &str| {
        access.tables.iter().any(|(table, verbs)| *table == object && verbs.contains(&verb))
            || (verb == "usage" && access.sequences.contains(&object))
            || (object, verb) == ("_sqlx_migrations", "select")
    };
    let mut extra: Vec<String> = held
        .iter()
        .filter(|(object, verb)| !named(object, verb))
        .map(|(object, verb)| format!("{} may {verb} on {object} too", access.service))
        .collect();
    let more: Vec<String> = sqlx::query_scalar(
        "select what from (values
            ('is a superuser', (select rolsuper from pg_roles where rolname = $1)),
            ('makes databases', (select rolcreatedb from pg_roles where rolname = $1)),
            ('makes roles', (select rolcreaterole from pg_roles where rolname = $1)),
            ('replicates', (select rolreplication from pg_roles where rolname = $1)),
            ('creates in the schema', has_schema_privilege($1, 'public', 'create')),
            ('creates in the database', has_database_privilege($1, current_database(), 'create')),
            ('has a temporary table', not $2 and has_database_privilege($1, current_database(), 'temporary')),
            ('is in another role', exists (select from pg_auth_members m join pg_roles r on r.oid = m.roleid
                                            where m.member = $1::regrole and not ($3 and r.rolname = 'vigie_train')))
         ) as v (what, is_so) where is_so",
    )
    .bind(role)
    .bind(access.temporary)
    .bind(access.trains)
    .fetch_all(&mut *owner)
    .await
    .unwrap();
    extra.extend(more.into_iter().map(|what| format!("{} {what}", access.service)));
    extra
}
