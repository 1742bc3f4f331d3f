-- Many rows (docs/scale.md): the words that repeat in every row become numbers, and the rows lie in partitions.
-- `observation` keeps its columns, as a view; rows are added to `observation_row` by store::observations::append alone.

-- One signal of one source in one place.
create table series (
    key       integer generated always as identity primary key,
    signal_id text not null,
    source_id text not null references source (id),
    place_id  text not null references place (id),
    constraint series_once unique (signal_id, source_id, place_id)
);
create trigger series_append_only before update or delete on series
    for each statement execute function refuse_change();
create trigger series_not_emptied before truncate on series
    for each statement execute function refuse_change();

-- The number of a payload. Beside `retrieval`, which holds only what was received: numbers tell the order of arrival.
create table payload (
    key          integer generated always as identity primary key,
    retrieval_id text not null references retrieval (id),
    constraint payload_once unique (retrieval_id)
);
create trigger payload_append_only before update or delete on payload
    for each statement execute function refuse_change();
create trigger payload_not_emptied before truncate on payload
    for each statement execute function refuse_change();

create type observation_status as enum
    ('observed', 'provisional', 'missing', 'suppressed', 'not_applicable', 'withdrawn');

-- A revision is a new row, never an update, so any past view can be rebuilt. Wide columns first: no padding.
-- Foreign keys are looked up row by row and take four times as long as all the rest of a load; the keys are therefore
-- looked up once a series and payload by append(), and nothing that has a key can go away (their own foreign keys and triggers).
create table observation_row (
    issued_at      timestamptz not null,       -- when the publisher issued it
    seen_at        timestamptz not null,       -- when this platform, or the recording it carries, first had it
    value          double precision,
    series_key     integer not null,           -- of `series`
    reference_date date not null,              -- what the value is about: the day, or the week's last day
    payload_key    integer not null,           -- of `payload`
    status         observation_status not null,
    constraint observation_value_matches_status check
        ((value is not null) = (status in ('observed', 'provisional'))),
    constraint observation_value_is_a_number check
        (value is null or (value <> 'NaN' and value < 'Infinity' and value > '-Infinity'))
) partition by hash (series_key);
do $$ begin
    for i in 0..7 loop
        execute format('create table observation_row_%s partition of observation_row
                            for values with (modulus 8, remainder %s)', i, i);
        -- The parent's trigger does not fire for a statement that names a partition.
        execute format('create trigger observation_append_only before update or delete or truncate
                            on observation_row_%s for each statement execute function refuse_change()', i);
    end loop;
end $$;

insert into series (signal_id, source_id, place_id)
    select distinct signal_id, source_id, place_id from observation order by signal_id, source_id, place_id;
insert into payload (retrieval_id) select distinct retrieval_id from observation order by retrieval_id;
insert into observation_row
    select o.issued_at, o.seen_at, o.value, s.key, o.reference_date, p.key, o.status::observation_status
      from observation o
      join series s using (signal_id, source_id, place_id)
      join payload p using (retrieval_id)
     order by s.key, o.reference_date, o.issued_at desc;
do $$ begin
    if (select count(*) from observation) <> (select count(*) from observation_row) then
        raise exception 'observations were lost on the way into partitions';
    end if;
end $$;

drop table observation;

-- Serves as_of() in index order, without a sort: the reason there is no `latest` table.
create unique index observation_as_of on observation_row (series_key, reference_date, issued_at desc);
create trigger observation_append_only before update or delete or truncate on observation_row
    for each statement execute function refuse_change();

-- Keys that nobody looked up would be rows that nobody finds.
create function refuse_unchecked_keys() returns trigger language plpgsql as $$ begin
    if coalesce(current_setting('vigie.keys_checked', true), '') <> 'yes' then
        raise exception 'rows are added to % by store::observations::append, which looks their keys up', tg_table_name;
    end if;
    return null;
end $$;
do $$ declare name text; begin
    foreach name in array array['observation_row'] || array(select 'observation_row_' || i from generate_series(0, 7) i)
    loop
        execute format('create trigger observation_keys before insert on %I
                            for each statement execute function refuse_unchecked_keys()', name);
    end loop;
end $$;

create view observation as
    select s.signal_id, s.place_id, s.source_id, o.reference_date, o.issued_at, o.seen_at, o.value,
           o.status::text as status, p.retrieval_id
      from observation_row o
      join series s on s.key = o.series_key
      join payload p on p.key = o.payload_key;
