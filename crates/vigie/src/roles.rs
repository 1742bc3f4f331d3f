//! On one machine too, each service has a role of its own at the database, which may do what the service does and no more:
//! none is the server's superuser, so none reaches the accounts.

use crate::login::IDENTITY;
use crate::state::State;
use crate::tree::Service;
use anyhow::{Context as _, bail};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use std::collections::BTreeMap;
use store::access::Access;

/// The address of the database for each service. With passwords: shown by nothing.
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
        // A statement that makes a role holds its password: none of this connection is logged.
        let mut conn = admin.clone().disable_statement_logging().connect().await?;
        let mut made = Vec::new();
        for service in services.iter().map(|s| s.name.as_str()).filter(|name| *name != IDENTITY) {
            let Some(access) = Access::of(service) else {
                bail!("store::access does not say what {service} may do at the database")
            };
            let role = access.role(database);
            let password = state.secret(&format!("{service}-password"))?;
            role_of(&mut conn, &role, &password)
                .await
                .with_context(|| format!("the role {role} cannot be made at the database"))?;
            let mut own: url::Url = url.parse()?;
            if own.set_username(&role).is_err() || own.set_password(Some(&password)).is_err() {
                bail!("the address of the database takes no user");
            }
            roles.own.insert(service.to_owned(), String::from(own));
            made.push((access, role));
        }
        store::access::give(&mut conn, &made).await.context("the services' roles do not get their rights")?;
        Ok(roles)
    }

    /// Where `service` finds the database.
    pub(crate) fn url(&self, service: &str) -> &str {
        self.own.get(service).unwrap_or(&self.all)
    }
}

/// Makes the role, or gives it another password; `role` and `password` are letters, digits and `_`, so both may stand in a
/// statement. What it may do, `store::access` says.
async fn role_of(conn: &mut PgConnection, role: &str, password: &str) -> anyhow::Result<()> {
    for word in [role, password] {
        if !word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            bail!("`{word}` is no word of a-z, 0-9 and _");
        }
    }
    let known: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
        .bind(role)
        .fetch_one(&mut *conn)
        .await?;
    let verb = if known { "alter" } else { "create" };
    // The rule for models stands on rows (decision 0012) and concerns vigie_train alone.
    let statement = format!(
        "{verb} role {role} login nosuperuser nocreatedb nocreaterole bypassrls password '{password}'"
    );
    sqlx::query(AssertSqlSafe(statement)).execute(conn).await?;
    Ok(())
}
