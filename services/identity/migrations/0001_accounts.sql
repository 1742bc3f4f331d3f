-- Who has an account, who is logged in, who may do what. The only database of the platform with data about persons;
-- nobody but the service `identity` has a role in it.

-- An account is what an issuer calls somebody, and nothing else: no name, no address.
-- Erasing somebody is deleting this row: what belongs to it goes with it, and what stays elsewhere (the audit) knows
-- the pseudonym only, which stands nowhere else.
create table account (
    id          text primary key,            -- 128 random bits: what the person may quote
    provider    text not null,               -- of the country's profile
    issuer      text not null,
    subject     text not null,               -- what the issuer calls the person
    pseudonym   text not null,               -- 128 random bits, for the audit
    created_at  timestamptz not null,
    disabled_at timestamptz,
    constraint account_of_issuer unique (issuer, subject),
    constraint account_pseudonym unique (pseudonym)
);

-- A login under way, until the provider sends the browser back. Used once.
create table login (
    state_hash    bytea primary key,         -- SHA-256 of what goes through the provider
    browser_hash  bytea not null,            -- SHA-256 of what stays in the browser that began it
    provider      text not null,
    nonce         text not null,
    pkce_verifier text not null,
    return_to     text not null,             -- a path of this site
    language      text not null,
    expires_at    timestamptz not null
);
create index login_expiry on login (expires_at);

-- A session. The browser has the token, this table its SHA-256 only.
create table session (
    id           text primary key,           -- names it in the list of its owner; opens nothing
    token_hash   bytea not null,
    account_id   text not null references account (id) on delete cascade,
    provider_sid text,                       -- the provider's own session, for its back-channel logout
    acr          text not null,
    logout_hint  text,                       -- the ID token, where the provider's logout wants it; null once ended
    created_at   timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    end_reason   text,
    constraint session_token unique (token_hash),
    constraint session_ended check ((ended_at is null) = (end_reason is null)),
    constraint session_hint check (ended_at is null or logout_hint is null)
);
create index session_of_account on session (account_id, created_at desc);

-- A role that somebody was given. What a role may do is data of the platform, not of this table.
create table role_grant (
    account_id text not null references account (id) on delete cascade,
    role       text not null,
    granted_at timestamptz not null,
    granted_by text not null,                -- a pseudonym, or `command` for one given on the machine itself
    expires_at timestamptz,
    primary key (account_id, role)
);

-- The public halves of the keys that sign access tokens. The private ones never leave the memory of the process that made
-- them; so each process, and each start, has its own.
create table token_key (
    kid        text primary key,
    public_key bytea not null,
    expires_at timestamptz not null
);
