-- What was issued when, without looking at every value: how many rows of a signal each append brought, by source and
-- issue time. Written by store::observations::append in the transaction of the rows; many rows of one time may stand here.
create table issue (
    signal_id  text not null,
    source_id  text not null references source (id),
    issued_at  timestamptz not null,
    row_count  bigint not null,
    first_date date not null,                  -- the earliest day or week that a value is about
    last_date  date not null,
    first_seen timestamptz not null,
    last_seen  timestamptz not null,
    constraint issue_brings_rows check (row_count > 0)
);
insert into issue
    select signal_id, source_id, issued_at, count(*), min(reference_date), max(reference_date), min(seen_at), max(seen_at)
      from observation_row o join series s on s.key = o.series_key
     group by signal_id, source_id, issued_at
     order by signal_id, source_id, issued_at;
create index issue_of_signal on issue (signal_id, source_id, issued_at);
create trigger issue_append_only before update or delete or truncate on issue
    for each statement execute function refuse_change();
