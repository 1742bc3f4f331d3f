-- Passkeys of those who run an installation, and what helps when they are lost.

alter table session
    add column passkey_at   timestamptz,     -- when a passkey was last used in it
    add column recovered_at timestamptz;     -- when a recovery code was: a new passkey may be registered for some minutes

-- A passkey: the public half. The private one never leaves the authenticator of its owner.
create table passkey (
    id            text primary key,          -- names it in the list of its owner; opens nothing
    account_id    text not null references account (id) on delete cascade,
    credential_id bytea not null,            -- what the authenticator calls it
    credential    jsonb not null,            -- credential id, public key, flags, count of signatures
    counter       bigint not null,           -- the highest count of signatures seen; 0: it does not count
    name          text not null,             -- what its owner calls it
    created_at    timestamptz not null,
    used_at       timestamptz,
    refused_at    timestamptz,               -- its count went back, so there is a copy of it
    constraint passkey_once unique (credential_id)
);
create index passkey_of_account on passkey (account_id);

-- A challenge under way: one a session, used once.
create table passkey_challenge (
    session_id text primary key references session (id) on delete cascade,
    purpose    text not null,
    state      jsonb not null,
    expires_at timestamptz not null,
    constraint passkey_challenge_purpose check (purpose in ('register', 'confirm'))
);
create index passkey_challenge_expiry on passkey_challenge (expires_at);

-- A recovery code that was not used: SHA-256 of 100 random bits. Its use deletes it.
create table recovery_code (
    code_hash  bytea primary key,
    account_id text not null references account (id) on delete cascade,
    made_at    timestamptz not null
);
create index recovery_code_of_account on recovery_code (account_id);
