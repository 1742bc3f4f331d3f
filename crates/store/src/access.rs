//! What each service may do at its database: its role has these rights and no others. A test takes every one of them away
//! and sees the service fail, so none is here that is not needed (`crates/vigie/tests/grants`, and for `identity`, which has
//! a database and a list of its own, `services/identity/tests/flow/grants.rs`).

mod held;
mod services;

pub use held::held;
pub use services::SERVICES;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// The rights of one role.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Whose they are: a service, named as its folder below `services/`.
    pub service: &'static str,
    /// Tables and views, and what may be done with each, in the words of `grant`: `select`, `update (seen_at)`.
    pub tables: &'static [(&'static str, &'static [&'static str])],
    /// Sequences from which it takes numbers.
    pub sequences: &'static [&'static str],
    /// Rows that are known already are put aside in a temporary table.
    pub temporary: bool,
    /// It becomes `vigie_train`, the role that models read as (docs/decisions/0012-training-role.md).
    pub trains: bool,
}

impl Access {
    /// The rights of the service of this name; `None` for one that has no role at the database of the figures.
    #[must_use]
    pub fn of(service: &str) -> Option<Self> {
        SERVICES.into_iter().find(|a| a.service == service)
    }

    /// The name of its role: that of the database, or of who owns it, before its own.
    #[must_use]
    pub fn role(&self, database: &str) -> String {
        format!("{database}_{}", self.service.replace('-', "_"))
    }

    /// Each single right in a database of this name, as [`held`] says it, but the one to become `vigie_train`.
    #[must_use]
    pub fn rights(&self, database: &str) -> Vec<String> {
        let mut all = vec![format!("connect on database {database}"), "usage on schema public".to_owned()];
        for (table, verbs) in self.tables {
            for verb in *verbs {
                // One right a column.
                match verb.strip_suffix(')').and_then(|v| v.split_once(" (")) {
                    Some((verb, columns)) => {
                        all.extend(columns.split(", ").map(|column| format!("{verb} ({column}) on {table}")));
                    }
                    None => all.push(format!("{verb} on {table}")),
                }
            }
        }
        all.extend(self.sequences.iter().map(|s| format!("usage on sequence {s}")));
        if self.temporary {
            all.push(format!("temporary on database {database}"));
        }
        all
    }
}

/// What no role has because it is anybody: PostgreSQL lets all connect, look into the schema and call functions.
const CLOSED: [&str; 3] = [
    "revoke all on database %1$I from public",
    "revoke all on schema public from public",
    "revoke all on all functions in schema public from public",
];
/// What a role had before.
const EMPTIED: [&str; 5] = [
    "revoke all on database %1$I from %2$I",
    "revoke all on schema public from %2$I",
    "revoke all on all tables in schema public from %2$I",
    "revoke all on all sequences in schema public from %2$I",
    "revoke all on all functions in schema public from %2$I",
];

/// Gives each of these roles in the database of `conn` its rights and takes all others away, in one transaction: a service
/// that runs meanwhile, as each does while another version is rolled out, is never without a right. The tables' owner can do
/// so; to let `forecast` become `vigie_train`, the connection's role must have the admin option on it, or the role be in it
/// already.
///
/// # Errors
/// When a role is missing, or the connection's role may not.
pub async fn give(conn: &mut PgConnection, roles: &[(Access, String)]) -> sqlx::Result<()> {
    if roles.is_empty() {
        return Ok(());
    }
    let mut conn = conn.begin().await?;
    run(&mut conn, "", CLOSED.map(str::to_owned).into()).await?;
    for (access, role) in roles {
        let rights = access.rights("%1$I").into_iter().map(|right| format!("grant {right} to %2$I"));
        run(&mut conn, role, EMPTIED.map(str::to_owned).into_iter().chain(rights).collect()).await?;
        if access.trains {
            train(&mut conn, role).await?;
        }
    }
    conn.commit().await
}

/// Runs statements in which `format()` puts the database for its first argument and the role for its second.
async fn run(conn: &mut PgConnection, role: &str, statements: Vec<String>) -> sqlx::Result<()> {
    let statements = sqlx::query_scalar::<_, String>(
        "select format(s, current_database(), $1::name) from unnest($2::text[]) with ordinality as s (s, n) order by n",
    )
    .bind(role)
    .bind(statements)
    .fetch_all(&mut *conn)
    .await?;
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Lets a role become `vigie_train`.
async fn train(conn: &mut PgConnection, role: &str) -> sqlx::Result<()> {
    let trains: bool = sqlx::query_scalar("select pg_has_role($1::name, 'vigie_train', 'set')")
        .bind(role)
        .fetch_one(&mut *conn)
        .await?;
    let mut statements = vec!["grant usage on schema public to vigie_train".to_owned()];
    if !trains {
        statements.push("grant vigie_train to %2$I with inherit false, set true".to_owned());
    }
    run(conn, role, statements).await
}
