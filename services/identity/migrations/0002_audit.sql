-- What was done, by whom (a pseudonym), in a chain: each entry's hash covers the one before it.
create table audit (
    seq       bigint primary key,
    at        timestamptz not null,
    actor     text not null,                 -- pseudonym of an account, or `command`, `provider`, `clock`
    action    text not null,
    about     text not null,                 -- pseudonym of the account that it is about
    detail    jsonb not null,
    previous  bytea not null,
    hash      bytea not null
);
create function refuse_change() returns trigger language plpgsql as
    $$ begin raise exception '% is append-only', tg_table_name; end $$;
create trigger audit_append_only
    before update or delete or truncate on audit for each statement execute function refuse_change();
