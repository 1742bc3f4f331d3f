-- The rights of persons: who is known by an e-mail address, what they asked for, what they agreed to.

-- What the audit calls somebody is made from this key and stands nowhere in this table: with the row the key is gone, and
-- no entry leads to anybody any more.
alter table account
    add column key           bytea not null default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
    add column seen_at       timestamptz not null default now(),  -- the last login
    add column restricted_at timestamptz,                         -- kept, and not used
    add column objected_at   timestamptz;
alter table account alter column key drop default, alter column seen_at drop default, drop column pseudonym;

-- An e-mail address whose holder proved it: of an account, or of somebody without one.
create table contact (
    id            text primary key,
    account_id    text references account (id) on delete cascade,
    email         text not null,
    language      text not null,
    key           bytea not null,            -- as that of an account
    proven_at     timestamptz not null,
    restricted_at timestamptz,
    objected_at   timestamptz,
    constraint contact_email unique (email),
    constraint contact_of_account unique (account_id)
);

-- A link that was sent, or what it opened. The link or the cookie has the token, this table its SHA-256 only.
create table proof (
    token_hash bytea primary key,
    purpose    text not null,
    email      text not null,
    account_id text references account (id) on delete cascade,
    wish       jsonb,                        -- the alert that waits for its confirmation
    request_id text,                         -- the request that waits for it
    language   text not null,
    expires_at timestamptz not null,
    constraint proof_purpose check (purpose in ('rights', 'visit', 'address', 'alert'))
);
create index proof_expiry on proof (expires_at);

-- What somebody asked for and until when the law wants an answer. `who` is as in the audit; empty once they are erased.
create table request (
    id      text primary key,
    who     text,
    kind    text not null,
    made_at timestamptz not null,
    due_at  timestamptz not null,
    done_at timestamptz,
    outcome text,
    receipt text,                            -- signed; names nobody
    constraint request_done check ((done_at is null) = (outcome is null))
);
create index request_of on request (who);

-- The public halves of the keys that signed receipts: kept for good, or old receipts could not be checked.
create table receipt_key (
    kid        text primary key,
    public_key bytea not null,
    made_at    timestamptz not null
);

-- Each text that somebody agreed to, by its hash.
create table consent_text (
    hash     bytea primary key,
    language text not null,
    text     text not null,
    shown_at timestamptz not null
);
-- Who agreed to what, or no longer does. A withdrawal is a row.
create table consent (
    id        bigint generated always as identity primary key,
    who       text not null,
    purpose   text not null,
    given     boolean not null,
    text_hash bytea,                         -- of a withdrawal none
    at        timestamptz not null,
    constraint consent_to_a_text check (given = (text_hash is not null))
);
create index consent_of on consent (who);

-- A mail that somebody wants when a forecast reaches a value.
create table alert (
    id         text primary key,
    contact_id text not null references contact (id) on delete cascade,
    signal     text not null,
    place      text not null,
    threshold  double precision not null,
    language   text not null,
    created_at timestamptz not null,
    above      boolean not null default false, -- what the last look found: one mail a crossing
    told_at    timestamptz,
    constraint alert_once unique (contact_id, signal, place, threshold)
);

-- Where the audit begins since its older entries were let go: the last of them.
create table audit_base (
    seq  bigint primary key,
    hash bytea not null,
    at   timestamptz not null
);

-- Rows go in one way only: when the transaction says whom it erases, or before when what is older goes. It must say so; a
-- mistaken statement does not.
create function refuse_unless_said() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.at < nullif(current_setting('vigie.older', true), '')::timestamptz then return old; end if;
    if tg_op = 'DELETE' and to_jsonb(old) ->> 'who' = current_setting('vigie.erased', true) then return old; end if;
    raise exception '% is append-only', tg_table_name;
end $$;
drop trigger audit_append_only on audit;
create trigger audit_append_only before update or delete on audit for each row execute function refuse_unless_said();
create trigger audit_whole before truncate on audit for each statement execute function refuse_change();
create trigger consent_append_only before update or delete on consent for each row execute function refuse_unless_said();
create trigger consent_whole before truncate on consent for each statement execute function refuse_change();
create trigger consent_text_append_only
    before update or delete or truncate on consent_text for each statement execute function refuse_change();
-- Not even the owner, which the service is.
revoke update, truncate on audit, consent, consent_text from public, current_user;
