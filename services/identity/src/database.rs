//! The service's own database: its schema, and who may connect.

use crate::rights::register::Register;
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use store::access::Access;

/// The schema, embedded in the program.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

const READ: &[&str] = &["select"];
const ADD: &[&str] = &["select", "insert"];
/// Made, used up or ended, never changed.
const COME_AND_GO: &[&str] = &["select", "insert", "delete"];

/// What the two roles may do that the service has beside the owner of the tables (`<owner>_service`, `<owner>_audit`); each
/// single right is needed, and there is none beside (`tests/flow/grants.rs`). What the owner alone does is not here: it gives
/// roles to accounts and takes them away, lets go of what is too old, changes the schema. Where only some columns change, the
/// others are out of reach: whom a session is of, who an account is, what a key opens.
pub const ROLES: [Access; 2] = [
    Access {
        service: "service",
        tables: &[
            ("_sqlx_migrations", READ),
            (
                "account",
                &["select", "insert", "update (seen_at, disabled_at, restricted_at, objected_at)", "delete"],
            ),
            ("alert", &["select", "insert", "update (language, above, told_at)", "delete"]),
            ("api_key", &["select", "insert", "update (expires_at, last_used_at, replaced_by, revoked_at)"]),
            ("audit", READ),
            ("consent", COME_AND_GO),
            ("consent_text", &["select (hash)", "insert"]),
            (
                "contact",
                &[
                    "select",
                    "insert",
                    "update (account_id, email, language, proven_at, restricted_at, objected_at)",
                    "delete",
                ],
            ),
            ("login", COME_AND_GO),
            (
                "passkey",
                &["select", "insert", "update (credential, counter, name, used_at, refused_at)", "delete"],
            ),
            ("passkey_challenge", &["select", "insert", "update (purpose, state, expires_at)", "delete"]),
            ("proof", &["select", "insert", "update (email)", "delete"]),
            ("receipt_key", ADD),
            ("recovery_code", COME_AND_GO),
            ("request", &["select", "insert", "update (who, done_at, outcome, receipt)"]),
            ("role_grant", &["select", "update (granted_by)"]),
            (
                "session",
                &[
                    "select",
                    "insert",
                    "update (logout_hint, last_seen_at, ended_at, end_reason, passkey_at, recovered_at)",
                    "delete",
                ],
            ),
            ("token_key", COME_AND_GO),
        ],
        sequences: &[],
        temporary: false,
        trains: false,
    },
    Access {
        service: "audit",
        tables: &[("audit", ADD), ("audit_base", READ)],
        sequences: &[],
        temporary: false,
        trains: false,
    },
];

/// Gives [`ROLES`] what they may do, and takes whatever else they had. `false`: the server has no such roles, and the owner
/// does it all.
///
/// # Errors
/// When one of the two is missing, or the role of `conn` does not own the tables.
pub async fn give(conn: &mut PgConnection) -> sqlx::Result<bool> {
    let owner: String = sqlx::query_scalar("select current_user::text").fetch_one(&mut *conn).await?;
    let roles = ROLES.map(|access| (access, access.role(&owner)));
    let there: i64 = sqlx::query_scalar("select count(*) from pg_roles where rolname = any($1)")
        .bind(roles.each_ref().map(|(_, role)| role.as_str()).as_slice())
        .fetch_one(&mut *conn)
        .await?;
    if there == 0 {
        return Ok(false);
    }
    store::access::give(conn, &roles).await?;
    Ok(true)
}

/// Takes from every role but the owner the right to connect, which PostgreSQL gives to all by itself.
///
/// # Errors
/// When the role of `conn` does not own the database.
pub async fn close(conn: &mut PgConnection) -> sqlx::Result<()> {
    // To revoke what one does not own is a mere warning: the answer is looked at.
    let closed = "do $$ begin
        execute format('revoke all on database %I from public', current_database());
        if exists (select from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
                   where d.datname = current_database() and a.grantee = 0) then
            raise exception 'the database % is open to every role, and % may not change that', current_database(), current_user;
        end if;
    end $$";
    sqlx::query(closed).execute(conn).await.map(|_| ())
}

/// Keeps the server from taking samples of what is about persons: its statistics (`pg_stats`) hold values of some rows, and go on
/// holding them when the rows are erased. Samples that were taken before go: a column that is given its own type loses them.
/// What is looked for here is found by keys, for which no sample is needed.
///
/// # Errors
/// When the role of `conn` does not own the tables.
pub async fn unsampled(conn: &mut PgConnection) -> anyhow::Result<()> {
    let (mut tables, mut columns) = (Vec::new(), Vec::new());
    for table in Register::erased()? {
        for (column, _) in table.personal() {
            tables.push(table.name.clone());
            columns.push(column.to_owned());
        }
    }
    let lines: Vec<String> = sqlx::query_scalar(
        "select format('alter table %I alter column %I set statistics 0', p.t, a.attname)
                || case when s.attname is null then ''
                        else format(', alter column %I type %s', a.attname, format_type(a.atttypid, a.atttypmod)) end
           from unnest($1::text[], $2::text[]) as p (t, c)
           join pg_attribute a on a.attrelid = to_regclass(format('%I', p.t)) and a.attname = p.c
           left join pg_stats s on s.schemaname = current_schema() and s.tablename = p.t and s.attname = p.c
          where a.attstattarget is distinct from 0 or s.attname is not null",
    )
    .bind(tables)
    .bind(columns)
    .fetch_all(&mut *conn)
    .await?;
    for line in lines {
        sqlx::query(sqlx::AssertSqlSafe(line)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Writes the tables with something about persons anew, as they are now. A row that was deleted lies in its table's file until
/// the place is used again, in a small table for years, and each later backup of the files would have it. The server keeps a row
/// that an older transaction might still see, and takes one of any of its databases for older: up to `patience` they are waited for.
/// Returns the tables that are as they were, or that somebody used for longer than three seconds: all of them where an older
/// transaction did not end.
///
/// # Errors
/// When the role of `conn` does not own the tables.
pub async fn rewrite(conn: &mut PgConnection, patience: Duration) -> anyhow::Result<Vec<String>> {
    if !older_ended(conn, patience).await? {
        return Ok(Register::erased()?.map(|table| table.name).collect());
    }
    sqlx::query("set lock_timeout = '3s'").execute(&mut *conn).await?;
    let mut used = Vec::new();
    for table in Register::erased()? {
        let line = format!("vacuum (full) \"{}\"", table.name);
        match sqlx::query(sqlx::AssertSqlSafe(line)).execute(&mut *conn).await {
            Err(error) if error.as_database_error().is_some_and(|e| e.code().as_deref() == Some(IN_USE)) => {
                used.push(table.name.clone());
            }
            done => {
                done?;
            }
        }
    }
    sqlx::query("reset lock_timeout").execute(&mut *conn).await?;
    Ok(used)
}

/// Waits until no transaction is under way that began before this call, and nobody sees the tables as they were then; `false` when
/// that was not so for `patience`.
async fn older_ended(conn: &mut PgConnection, patience: Duration) -> sqlx::Result<bool> {
    let now: String = sqlx::query_scalar("select pg_current_xact_id()::text").fetch_one(&mut *conn).await?;
    // The first is about transactions that write, in every database; the second about readers of this one.
    let ended = "select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 and not exists
        (select from pg_stat_activity where datname = current_database() and age(backend_xmin) >= age($1::xid8::xid))";
    let since = Instant::now();
    while !sqlx::query_scalar::<_, bool>(ended).bind(&now).fetch_one(&mut *conn).await? {
        if since.elapsed() > patience {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(true)
}

/// `lock_not_available`: the time to wait for a lock is over.
const IN_USE: &str = "55P03";
