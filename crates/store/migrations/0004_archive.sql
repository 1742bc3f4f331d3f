-- Every answer of a publisher lies in the archive of retrievals before anything of it is read (docs/data.md); these
-- tables say what came of it, and can be made anew from the archive.

alter table retrieval
    add column feed    text  not null default '',   -- which table of the source; empty for what a recording holds
    add column headers jsonb not null default '{}'; -- of the newest answer that brought these bytes

alter table quarantine
    add column whole boolean not null default false; -- was the whole payload refused?

-- A refused payload that an operator accepted all the same. Once, and never taken back: a later payload corrects it.
create table release (
    retrieval_id text primary key references retrieval (id),
    released_at  timestamptz not null,
    because      text not null,                -- the operator's reason; names no person
    constraint release_has_a_reason check (because <> '')
);
create trigger release_append_only before update or delete on release
    for each statement execute function refuse_change();

-- Emptying a table changes it too.
create trigger release_not_emptied before truncate on release
    for each statement execute function refuse_change();
create trigger source_check_not_emptied before truncate on source_check
    for each statement execute function refuse_change();
create trigger forecast_run_not_emptied before truncate on forecast_run
    for each statement execute function refuse_change();
create trigger forecast_not_emptied before truncate on forecast
    for each statement execute function refuse_change();
create trigger rt_estimate_not_emptied before truncate on rt_estimate
    for each statement execute function refuse_change();
create trigger trend_not_emptied before truncate on trend
    for each statement execute function refuse_change();
create trigger not_estimated_not_emptied before truncate on not_estimated
    for each statement execute function refuse_change();
