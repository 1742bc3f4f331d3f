//! What each service may do with each table: its role at the database has these rights and no others. A test takes every
//! one of them away and sees the service fail, so none is here that is not needed (`crates/vigie/tests/grants`).
//!
//! `identity` is not here: it has a database of its own.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The rights of one service.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Its name, as its folder below `services/`.
    pub service: &'static str,
    /// Tables and views, and what may be done with each, in the words of `grant`.
    pub tables: &'static [(&'static str, &'static [&'static str])],
    /// Sequences from which it takes numbers.
    pub sequences: &'static [&'static str],
    /// Rows that are known already are put aside in a temporary table.
    pub temporary: bool,
    /// It becomes `vigie_train`, the role that models read as (docs/decisions/0012-training-role.md).
    pub trains: bool,
}

const READ: &[&str] = &["select"];
const ADD: &[&str] = &["select", "insert"];
/// A newer description takes the place of the older one; whatever else is published is only added to.
const DESCRIBE: &[&str] = &["select", "insert", "update"];

/// Every service but `identity`.
pub const SERVICES: [Access; 5] = [
    Access {
        service: "data-api",
        tables: &[
            ("issue", READ),
            ("observation_row", READ),
            ("payload", READ),
            ("place", READ),
            ("release", READ),
            ("retrieval", READ),
            ("series", READ),
            ("source", READ),
            ("source_check", READ),
        ],
        sequences: &[],
        temporary: false,
        trains: false,
    },
    Access {
        service: "dataviz",
        tables: &[
            ("observation_row", READ),
            ("payload", READ),
            ("place", READ),
            ("series", READ),
            ("source", READ),
        ],
        sequences: &[],
        temporary: false,
        trains: false,
    },
    Access {
        service: "forecast",
        tables: &[
            ("arrival", ADD),
            ("chain_link", ADD),
            ("deaths_relation", ADD),
            ("forecast", ADD),
            ("forecast_run", ADD),
            ("forecast_score", ADD),
            ("growth_estimate", ADD),
            ("issue", READ),
            ("lease", &["select", "insert", "update", "delete"]),
            ("not_estimated", ADD),
            ("observation", READ),
            ("observation_row", READ),
            ("payload", READ),
            ("place", READ),
            ("quarantine", READ),
            ("release", READ),
            ("retrieval", READ),
            ("rt_estimate", ADD),
            ("series", READ),
            ("source", READ),
            ("training", &["insert"]),
            ("trend", ADD),
        ],
        sequences: &["score_pass"],
        temporary: false,
        trains: true,
    },
    Access {
        service: "ingest",
        tables: &[
            ("issue", &["insert"]),
            ("loaded_file", ADD),
            ("observation", READ),
            ("observation_row", ADD),
            ("payload", ADD),
            ("place", DESCRIBE),
            ("quarantine", ADD),
            ("release", ADD),
            ("retrieval", DESCRIBE),
            ("series", ADD),
            ("source", DESCRIBE),
            ("source_check", ADD),
        ],
        sequences: &[],
        temporary: true,
        trains: false,
    },
    Access {
        service: "web",
        tables: &[
            ("forecast", READ),
            ("forecast_run", READ),
            ("forecast_score", READ),
            ("growth_estimate", READ),
            ("not_estimated", READ),
            ("observation", READ),
            ("observation_row", READ),
            ("payload", READ),
            ("place", READ),
            ("quarantine", READ),
            ("release", READ),
            ("retrieval", READ),
            ("rt_estimate", READ),
            ("series", READ),
            ("source", READ),
            ("source_check", READ),
            ("trend", READ),
        ],
        sequences: &[],
        temporary: false,
        trains: false,
    },
];

impl Access {
    /// The rights of the service of this name; `None` for one that has no role here.
    #[must_use]
    pub fn of(service: &str) -> Option<Self> {
        SERVICES.into_iter().find(|a| a.service == service)
    }

    /// The name of its role at a database of this name.
    #[must_use]
    pub fn role(&self, database: &str) -> String {
        format!("{database}_{}", self.service.replace('-', "_"))
    }

    /// Gives its role in the database of `conn` these rights and takes all others away, in one transaction: a service that
    /// runs meanwhile, as each does while another version is rolled out, is never without a right. The tables' owner can do
    /// so; to let `forecast` become `vigie_train`, the connection's role must have the admin option on it, or the role be in
    /// it already.
    ///
    /// # Errors
    /// When the role is missing, or the connection's role may not.
    pub async fn grant(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let mut conn = conn.begin().await?;
        let database: String = sqlx::query_scalar("select current_database()").fetch_one(&mut *conn).await?;
        let role = self.role(&database);
        let statements = sqlx::query_scalar::<_, String>(
            "select format(s, current_database(), $1::name) from unnest($2::text[]) with ordinality as s (s, n) order by n",
        )
        .bind(&role)
        .bind(self.statements())
        .fetch_all(&mut *conn)
        .await?;
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
        }
        let trains: bool = sqlx::query_scalar("select pg_has_role($1::name, 'vigie_train', 'set')")
            .bind(&role)
            .fetch_one(&mut *conn)
            .await?;
        if self.trains && !trains {
            let quoted: String =
                sqlx::query_scalar("select quote_ident($1)").bind(&role).fetch_one(&mut *conn).await?;
            let statement = format!("grant vigie_train to {quoted} with inherit false, set true");
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
        }
        conn.commit().await
    }

    /// For `format()`: the database is its first argument, the role its second.
    fn statements(&self) -> Vec<String> {
        let mut all = vec![
            "revoke all on database %1$I from public".to_owned(),
            "revoke all on database %1$I from %2$I".to_owned(),
            "grant connect on database %1$I to %2$I".to_owned(),
            "revoke all on all tables in schema public from %2$I".to_owned(),
            "revoke all on all sequences in schema public from %2$I".to_owned(),
            "grant select on _sqlx_migrations to %2$I".to_owned(),
        ];
        let tables =
            self.tables.iter().map(|(table, verbs)| format!("grant {} on {table} to %2$I", verbs.join(", ")));
        all.extend(tables);
        all.extend(self.sequences.iter().map(|s| format!("grant usage on sequence {s} to %2$I")));
        if self.temporary {
            all.push("grant temporary on database %1$I to %2$I".to_owned());
        }
        all
    }
}
