//! On one machine too, each service has a role of its own at the database, which may do what the service does and no more:
//! none is the server's superuser, so none reaches the accounts.

use crate::login::IDENTITY;
use crate::state::State;
use crate::tree::Service;
use anyhow::{Context as _, bail};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use std::collections::BTreeMap;

/// Who fetches writes these, and the partitions of `observation_row`; who forecasts writes all the others.
const FIGURES: [&str; 11] = [
    "source",
    "place",
    "retrieval",
    "quarantine",
    "source_check",
    "release",
    "loaded_file",
    "series",
    "payload",
    "issue",
    "observation_row",
];

/// Of these a newer description takes the place of the older one; whatever else is published is only added to.
const DESCRIBED: &str = "place, source, retrieval";

/// The address of the database for each service.
#[derive(Debug)]
pub(crate) struct Roles {
    all: String,
    own: BTreeMap<String, String>,
}

impl Roles {
    /// Makes a role for each service but `identity`, which has a database of its own. On a server that is somebody else's
    /// (`ours` is false) none is made: there all come as the role of `url`, which its owner chose.
    ///
    /// # Errors
    /// When the role of `url` may not make others.
    pub(crate) async fn make(
        state: &State,
        url: &str,
        ours: bool,
        services: &[Service],
    ) -> anyhow::Result<Self> {
        let mut roles = Self { all: url.to_owned(), own: BTreeMap::new() };
        if !ours {
            return Ok(roles);
        }
        let admin: PgConnectOptions = url.parse().context("DATABASE_URL")?;
        let database = admin.get_database().unwrap_or("vigie");
        let mut conn = admin.connect().await?;
        for service in services.iter().map(|s| s.name.as_str()).filter(|name| *name != IDENTITY) {
            let role = format!("{database}_{}", service.replace('-', "_"));
            let password = state.secret(&format!("{service}-password"))?;
            role_of(&mut conn, database, service, &role, &password)
                .await
                .with_context(|| format!("the role {role} cannot be made at the database"))?;
            let mut own: url::Url = url.parse()?;
            if own.set_username(&role).is_err() || own.set_password(Some(&password)).is_err() {
                bail!("the address of the database takes no user");
            }
            roles.own.insert(service.to_owned(), String::from(own));
        }
        Ok(roles)
    }

    /// Where `service` finds the database.
    pub(crate) fn url(&self, service: &str) -> &str {
        self.own.get(service).unwrap_or(&self.all)
    }
}

/// `database`, `service` and `role` are words and `password` is hexadecimal, so all may stand in a statement.
async fn role_of(
    conn: &mut PgConnection,
    database: &str,
    service: &str,
    role: &str,
    password: &str,
) -> anyhow::Result<()> {
    for word in [database, role, password] {
        if !word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            bail!("`{word}` is no word of a-z, 0-9 and _");
        }
    }
    let known: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
        .bind(role)
        .fetch_one(&mut *conn)
        .await?;
    let verb = if known { "alter" } else { "create" };
    let mut statements = vec![
        // The rule for models stands on rows (decision 0012) and concerns vigie_train alone.
        format!(
            "{verb} role {role} login nosuperuser nocreatedb nocreaterole bypassrls password '{password}'"
        ),
        format!("revoke all on database {database} from public"),
        format!("grant connect on database {database} to {role}"),
        // What an earlier version was given goes.
        format!("revoke all on all tables in schema public from {role}"),
        format!("grant select on all tables in schema public to {role}"),
    ];
    match service {
        "ingest" => statements.extend([
            format!("grant insert on {} to {role}", FIGURES.join(", ")),
            format!("grant update on {DESCRIBED} to {role}"),
            // Rows go through a temporary table where some of them are there already.
            format!("grant temporary on database {database} to {role}"),
        ]),
        "forecast" => {
            let others: Vec<String> = sqlx::query_scalar(
                "select quote_ident(tablename) from pg_tables
                  where schemaname = 'public' and tablename <> all($1) and tablename <> '_sqlx_migrations'
                        and tablename not like 'observation\\_row\\_%' order by 1",
            )
            .bind(FIGURES)
            .fetch_all(&mut *conn)
            .await?;
            statements.extend([
                format!("grant insert, update, delete on {} to {role}", others.join(", ")),
                format!("grant usage on sequence score_pass to {role}"),
                format!("grant vigie_train to {role} with inherit false, set true"),
            ]);
        }
        _ => {}
    }
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::PgPool;

    const READ: &str = "select count(*) from observation";
    const FETCHED: &str =
        "insert into source_check (source_id, checked_at, outcome) select id, now(), 'fetched' from source";
    const COMPUTED: &str = "insert into lease (task, holder, until) values ('a', 'b', now())";
    const REWRITTEN: &str = "update observation_row set value = 1";
    const SCHEMA: &str = "create table mine (a int)";
    const SCORED: &str = "select nextval('score_pass')";
    const TRAINED: &str = "set role vigie_train";

    /// Whether a role may do something; nothing is kept.
    async fn may(options: &PgConnectOptions, role: &str, statement: &'static str) -> bool {
        let mut conn = options.clone().username(role).password("0123").connect().await.unwrap();
        match sqlx::query(statement).execute(&mut conn).await {
            Ok(_) => true,
            Err(error) => {
                assert!(error.to_string().contains("permission denied"), "{role}: {statement}: {error}");
                false
            }
        }
    }

    #[sqlx::test(migrator = "store::MIGRATOR")]
    async fn each_service_may_do_what_it_does_and_no_more(pool: PgPool) {
        let options = (*pool.connect_options()).clone();
        let mut conn = pool.acquire().await.unwrap();
        let database = format!("roles_{}", std::process::id());
        sqlx::query(AssertSqlSafe(format!("create database {database} template template0")))
            .execute(&mut *conn)
            .await
            .unwrap();
        let options = options.database(&database);
        let mut conn = options.connect().await.unwrap();
        store::MIGRATOR.run(&mut conn).await.unwrap();
        // Twice: as at the second start.
        for _ in 0..2 {
            for service in ["web", "forecast", "ingest"] {
                let role = format!("{database}_{service}");
                role_of(&mut conn, &database, service, &role, "0123").await.unwrap();
            }
        }
        for (service, allowed) in [
            ("web", vec![READ]),
            ("forecast", vec![READ, COMPUTED, SCORED, TRAINED]),
            ("ingest", vec![READ, FETCHED]),
        ] {
            for statement in [READ, FETCHED, COMPUTED, REWRITTEN, SCHEMA, SCORED, TRAINED] {
                let is = may(&options, &format!("{database}_{service}"), statement).await;
                assert_eq!(is, allowed.contains(&statement), "{service}: {statement}");
            }
        }
        // All that a start loads, as the one who may add figures.
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let profile = kit::config::profile(root.join("clusters/ch/profile/profile.toml")).unwrap();
        let ingest = options.clone().username(&format!("{database}_ingest")).password("0123");
        let mut own = ingest.connect().await.unwrap();
        let loaded =
            ingest::load::all(&mut own, &root.join("data"), &profile, kit::wall(), &|_| {}).await.unwrap();
        assert!(loaded.new_rows > 10_000, "{}", loaded.new_rows);
        drop((own, conn));
        let mut conn = pool.acquire().await.unwrap();
        let mut gone = vec![format!("drop database {database} with (force)")];
        gone.extend(["web", "forecast", "ingest"].map(|service| format!("drop role {database}_{service}")));
        for statement in gone {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await.unwrap();
        }
    }
}
