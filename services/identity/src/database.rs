//! The service's own database: its schema, and who may connect.

use sqlx::PgConnection;
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
