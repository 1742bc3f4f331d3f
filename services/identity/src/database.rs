//! The service's own database: its schema, and who may connect.

use sqlx::PgConnection;

/// The schema, embedded in the program.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

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
