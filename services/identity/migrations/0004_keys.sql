-- API keys of programs. The table has the SHA-256 of each only: 256 random bits are not guessed, so nothing slower is needed, and
-- who has the table has no key.
create table api_key (
    id           text primary key,           -- names it in the list of its owner and in the audit; opens nothing
    account_id   text not null references account (id) on delete cascade,
    name         text not null,              -- what its owner calls it
    hash         bytea not null,             -- SHA-256 of all of it
    ending       text not null,              -- its last four characters: those of the checksum
    scopes       text[] not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    last_used_at timestamptz,                -- to a minute
    replaced_by  text,                       -- the key that took its place, beside which it goes on for a while
    revoked_at   timestamptz,
    constraint api_key_hash unique (hash),
    constraint api_key_life check (expires_at > created_at),
    constraint api_key_scopes check (cardinality(scopes) > 0)
);
create index api_key_of_account on api_key (account_id, created_at desc);
