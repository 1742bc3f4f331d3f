//! What the server says that a role may do.

use sqlx::PgConnection;

/// Everything in the database of `conn` that a role was given, by its name or because all have it: tables, columns, sequences,
/// functions, schemas, the database, what is given by default to whatever is made later; what it owns, the roles that it is in,
/// and what it may do at the whole server. In the words of `grant` where that has words. Of the server's own tables and
/// functions only what it was given by name. Nothing of a role that is not there.
///
/// # Errors
/// When the database does not answer.
pub async fn held(conn: &mut PgConnection, role: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "with me as (select oid, rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication from pg_roles
                      where rolname = $1),
              given (what, list, common) as (
                 select format(' on %s%s', case relkind when 'S' then 'sequence ' else '' end, relname), relacl, true
                   from pg_class where relnamespace in (select oid from pg_namespace where nspname = 'public')
                 union all
                 select format(' on %s', oid::regclass), relacl, relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
                   from pg_class where relnamespace <> 'public'::regnamespace
                 union all
                 select format(' (%s) on %s', attname, attrelid::regclass), attacl, relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
                   from pg_attribute join pg_class c on c.oid = attrelid where attacl is not null
                 union all
                 select format(' on function %s', oid::regprocedure), coalesce(proacl, acldefault('f', proowner)),
                        pronamespace::regnamespace::text !~ '^(pg_|information_schema)' from pg_proc
                 union all
                 select format(' on schema %s', nspname), coalesce(nspacl, acldefault('n', nspowner)),
                        nspname !~ '^(pg_|information_schema)' from pg_namespace
                 union all
                 select format(' on database %I', datname), coalesce(datacl, acldefault('d', datdba)), true
                   from pg_database where datname = current_database()
                 union all
                 select format(' by default on objects of kind %s', defaclobjtype), defaclacl, true from pg_default_acl)
         select lower(privilege_type) || what || case when is_grantable then ' with grant option' else '' end
           from given, me, aclexplode(list) a where a.grantee = me.oid or (a.grantee = 0 and common)
         union
         select 'owns ' || pg_describe_object(classid, objid, objsubid) from pg_shdepend, me
          where refclassid = 'pg_authid'::regclass and refobjid = me.oid and deptype = 'o'
            and dbid in (0, (select oid from pg_database where datname = current_database()))
         union
         select 'is in ' || roleid::regrole from pg_auth_members, me where member = me.oid
         union
         select what from me, lateral (values ('is a superuser', rolsuper), ('makes databases', rolcreatedb),
             ('makes roles', rolcreaterole), ('replicates', rolreplication)) as v (what, so) where so
         order by 1",
    )
    .bind(role)
    .fetch_all(conn)
    .await
}
