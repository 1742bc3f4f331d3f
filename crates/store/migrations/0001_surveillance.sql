-- Published aggregates and what was computed from them. No personal data: that belongs to `identity`.

create function refuse_change() returns trigger language plpgsql as
    $$ begin raise exception '% is append-only', tg_table_name; end $$;

create table source (
    id          text primary key,
    publisher   text not null,
    title       text not null,
    page_url    text not null,                 -- where a person can read about it
    licence     text not null,
    licence_url text not null,
    credit      text not null,                 -- the words the licence asks for
    cadence     text not null
);

create table place (
    id         text primary key,
    level      text not null,                  -- nation, state, region, departement, canton
    parent     text references place (id),
    population bigint,
    names      jsonb not null                  -- language code -> name
);
create index place_by_level on place (level, parent);

-- One payload of a publisher, as it was received.
create table retrieval (
    id           text primary key,             -- first 16 hex digits of the payload's sha256, then the source
    source_id    text not null references source (id),
    url          text not null,
    recorded_as  text not null,                -- where the recording keeps the payload; empty for a live one
    retrieved_at timestamptz not null,
    sha256       text not null,
    bytes        bigint not null,
    parser       text not null                 -- name and version of the parser that read it
);

-- A revision is a new row, never an update, so any past view can be rebuilt.
create table observation (
    signal_id      text not null,
    place_id       text not null references place (id),
    source_id      text not null references source (id),
    reference_date date not null,              -- what the value is about: the day, or the week's last day
    issued_at      timestamptz not null,       -- when the publisher issued it
    seen_at        timestamptz not null,       -- when this platform, or the recording it carries, first had it
    value          double precision,
    status         text not null,
    retrieval_id   text not null references retrieval (id),
    constraint observation_status check
        (status in ('observed', 'provisional', 'missing', 'suppressed', 'not_applicable', 'withdrawn')),
    constraint observation_value_matches_status check
        ((value is not null) = (status in ('observed', 'provisional'))),
    constraint observation_value_is_a_number check
        (value is null or (value <> 'NaN' and value < 'Infinity' and value > '-Infinity'))
);
-- Serves as_of() in index order, without a sort: the reason there is no `latest` table.
create unique index observation_as_of
    on observation (signal_id, source_id, place_id, reference_date, issued_at desc);
create trigger observation_append_only before update or delete on observation
    for each statement execute function refuse_change();

-- What a publisher sent and we did not accept, with the reason; the last good data stay.
create table quarantine (
    id           bigint generated always as identity primary key,
    source_id    text not null references source (id),
    retrieval_id text not null references retrieval (id),
    reason       text not null,
    row_count    bigint not null,
    noticed_at   timestamptz not null
);

-- When we last looked, whether or not there was anything new.
create table source_check (
    source_id  text not null references source (id),
    checked_at timestamptz not null,
    outcome    text not null,                  -- new, unchanged, quarantined, failed
    detail     text not null,
    primary key (source_id, checked_at)
);
create trigger source_check_append_only before update or delete on source_check
    for each statement execute function refuse_change();
