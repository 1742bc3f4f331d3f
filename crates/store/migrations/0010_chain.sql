-- One chain of SHA-256 over everything that was forecast and scored (docs/decisions/0013-hash-chain.md): a link commits to
-- all rows of one run, or of one pass of scores, and to the link before it. Added by store::chain alone.
create table chain_link (
    seq       bigint primary key,             -- 1, 2, 3, … without a gap
    kind      text not null,                  -- run, scores
    run_id    text unique references forecast_run (id),
    pass      bigint unique,                  -- of `forecast_score`
    existing  boolean not null,               -- was it here before the chain was? Then nothing is said of the time before
    parts     text not null,                  -- a line a table: its name, how many rows, the digest of these rows
    content   bytea not null,                 -- sha256 of `parts`: the digest of the run, or of the pass, with all its rows
    previous  bytea not null unique,          -- digest of the link before; 32 zero bytes in the first. Unique: no fork
    linked_at timestamptz not null,           -- by the clock of the database's machine
    digest    bytea not null unique,          -- sha256 of all columns above
    constraint chain_link_is_counted check (seq > 0),
    constraint chain_link_is_of_one_thing check
        ((kind = 'run' and run_id is not null and pass is null)
         or (kind = 'scores' and run_id is null and pass is not null)),
    constraint chain_link_has_sha256 check
        (octet_length(content) = 32 and octet_length(previous) = 32 and octet_length(digest) = 32)
);
create trigger chain_link_append_only before update or delete or truncate on chain_link
    for each statement execute function refuse_change();

-- Which scores were stored together. Those that were here before are pass 0.
create sequence score_pass;
alter table forecast_score add column pass bigint not null default 0;
alter table forecast_score alter column pass drop default;
create index forecast_score_pass on forecast_score (pass);

-- What is here already, in the order in which it was computed. The bytes of a row are those of record_send().
do $$
declare
    run   record;
    found text;
    n     bigint := 0;
    head  bytea  := decode(repeat('00', 32), 'hex');
begin
    for run in select id from forecast_run order by created_at, id collate "C" loop
        select string_agg(format('%s %s %s', name, row_count, encode(sha256(coalesce(bytes, '')), 'hex')), E'\n' order by part)
          into found
          from (select 0 as part, 'forecast_run' as name, count(*) as row_count, string_agg(record_send(p), '') as bytes
                  from (select id, model_id, model_version, signal_id, source_id, as_of, reference_date, data_vintage,
                               data_hash, source_hash, created_at
                          from forecast_run where id = run.id) p
                union all
                select 1, 'forecast', count(*), string_agg(record_send(p), '')
                  from (select run_id, place_id, horizon, target_end_date, quantiles
                          from forecast where run_id = run.id order by place_id collate "C", horizon) p
                union all
                select 2, 'rt_estimate', count(*), string_agg(record_send(p), '')
                  from (select run_id, place_id, window_start, window_end, mean, sd, q025, q25, q50, q75, q975
                          from rt_estimate where run_id = run.id order by place_id collate "C", window_end) p
                union all
                select 3, 'trend', count(*), string_agg(record_send(p), '')
                  from (select run_id, place_id, horizon, large_decrease, decrease, stable, increase, large_increase, rises
                          from trend where run_id = run.id order by place_id collate "C", horizon) p
                union all
                select 4, 'not_estimated', count(*), string_agg(record_send(p), '')
                  from (select run_id, place_id, question, reason
                          from not_estimated where run_id = run.id
                         order by place_id collate "C", question collate "C") p) every;
        n := n + 1;
        insert into chain_link
            select l.*, sha256(record_send(l))
              from (select n as seq, 'run'::text as kind, run.id::text as run_id, null::bigint as pass, true as existing,
                           found as parts, sha256(convert_to(found, 'UTF8')) as content, head as previous,
                           clock_timestamp() as linked_at) l
            returning digest into head;
    end loop;
    if exists (select from forecast_score) then
        select format('forecast_score %s %s', count(*), encode(sha256(string_agg(record_send(p), '')), 'hex'))
          into found
          from (select run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, truth, wis,
                       baseline_wis, covered_50, covered_80, covered_95, replayed, scored_at
                  from forecast_score
                 order by run_id collate "C", place_id collate "C", horizon, truth_issued_at) p;
        insert into chain_link
            select l.*, sha256(record_send(l))
              from (select n + 1 as seq, 'scores'::text as kind, null::text as run_id, 0::bigint as pass, true as existing,
                           found as parts, sha256(convert_to(found, 'UTF8')) as content, head as previous,
                           clock_timestamp() as linked_at) l;
    end if;
end $$;

-- Nothing is kept without its link: looked at when the transaction ends, since the link comes last.
alter table forecast_run add constraint forecast_run_is_linked
    foreign key (id) references chain_link (run_id) deferrable initially deferred;
alter table forecast_score add constraint forecast_score_is_linked
    foreign key (pass) references chain_link (pass) deferrable initially deferred;

-- And nothing is added to what is linked.
create function refuse_late_result() returns trigger language plpgsql as $$ begin
    if exists (select from chain_link where run_id = new.run_id) then
        raise exception 'run % is linked already: nothing is added to its %', new.run_id, tg_table_name;
    end if;
    return new;
end $$;
create trigger forecast_in_time before insert on forecast for each row execute function refuse_late_result();
create trigger rt_estimate_in_time before insert on rt_estimate for each row execute function refuse_late_result();
create trigger trend_in_time before insert on trend for each row execute function refuse_late_result();
create trigger not_estimated_in_time before insert on not_estimated for each row execute function refuse_late_result();
create function refuse_late_score() returns trigger language plpgsql as $$ begin
    if exists (select from chain_link where pass = new.pass) then
        raise exception 'pass % is linked already: nothing is added to its scores', new.pass;
    end if;
    return new;
end $$;
create trigger forecast_score_in_time before insert on forecast_score for each row execute function refuse_late_score();
