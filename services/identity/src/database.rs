//! The service's own database: its schema, and who may connect.

use sqlx::PgConnection;

/// The schema, embedded in the program.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Gives the two roles that the service has beside the owner of the tables (`<owner>_service`, `<owner>_audit`) what each
/// needs, and takes whatever else they had: the first may not touch the audit but to read it, the second may add to it and
/// do nothing else. `false`: the server has no such roles, and the owner does it all.
///
/// # Errors
/// When one of the two is missing, or the role of `conn` does not own the tables.
pub async fn give(conn: &mut PgConnection) -> sqlx::Result<bool> {
    let there = "select count(*) from pg_roles where rolname in (current_user || '_service', current_user || '_audit')";
    let there: i64 = sqlx::query_scalar(there).fetch_one(&mut *conn).await?;
    if there == 0 {
        return Ok(false);
    }
    let given = "do $$ declare
        service text := current_user || '_service';
        trail text := current_user || '_audit';
        own text;
    begin
        execute format('grant connect on database %I to %I, %I', current_database(), service, trail);
        execute format('revoke all on all tables in schema public from %I, %I', service, trail);
        for own in select tablename from pg_tables where schemaname = 'public' and tablename not in
            ('audit', 'audit_base', 'consent', 'consent_text', '_sqlx_migrations') loop
            execute format('grant select, insert, update, delete on %I to %I', own, service);
        end loop;
        execute format('grant select on audit, _sqlx_migrations to %I', service);
        execute format('grant select, insert on consent_text to %I', service);
        execute format('grant select, insert, delete on consent to %I', service);
        execute format('grant select, insert on audit to %I', trail);
        execute format('grant select on audit_base to %I', trail);
    end $$";
    sqlx::query(given).execute(conn).await?;
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
