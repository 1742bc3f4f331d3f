-- A model learns from what was issued by its as-of time and from nothing later: here that is a rule of the database
-- (docs/decisions/0012-training-role.md), not a `where` that every query has to remember.

-- Roles belong to the whole server: another database of it may have this one already, or be making it right now.
do $$ begin
    if not exists (select from pg_roles where rolname = 'vigie_train') then
        begin
            create role vigie_train nologin noinherit;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise exception 'the role vigie_train is missing, and % may not create it', current_user
                    using hint = format('as a superuser: create role vigie_train nologin noinherit; '
                                        'grant vigie_train to %I with inherit false, set true', current_user);
        end;
    end if;
    if not pg_has_role(current_user, 'vigie_train', 'set') then
        begin
            execute format('grant vigie_train to %I with inherit false, set true', current_user);
        exception when insufficient_privilege then
            raise exception '% may not become vigie_train', current_user
                using hint = format('as a superuser: grant vigie_train to %I with inherit false, set true',
                                    current_user);
        end;
    end if;
    if exists (select from pg_roles where rolname = 'vigie_train' and (rolsuper or rolbypassrls)) then
        raise exception 'the role vigie_train reads past row-level security'
            using hint = 'as a superuser: alter role vigie_train nosuperuser nobypassrls';
    end if;
end $$;

-- What the transaction under way may know: one row, written before it becomes vigie_train, which can neither write nor read
-- here. Nothing stays: store::training rolls every such transaction back.
create table training (
    transaction xid8 primary key,
    origin      timestamptz not null
);

-- No setting of the session has a part in this: whoever may run a query may change settings too.
create function training_origin() returns timestamptz
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
    as $$ select origin from public.training where transaction = pg_current_xact_id_if_assigned() $$;
revoke execute on function training_origin() from public;
grant execute on function training_origin() to vigie_train;

-- Owners and superusers are not filtered: all other reading is as it was. No origin, no row: null is not true.
-- Of the partitions vigie_train has no right at all; if ever one is granted, the rule stands there too.
alter view observation set (security_invoker = true);
do $$ declare name text; begin
    foreach name in array array['issue', 'observation_row']
                          || array(select 'observation_row_' || i from generate_series(0, 7) i)
    loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy known_at_origin on %I for select to vigie_train
                            using (issued_at <= (select training_origin()))', name);
    end loop;
end $$;

grant select on series, payload, observation_row, observation, issue to vigie_train;
