-- Whether a disease arrives where it was quiet (`epimodels::arrival`): beside the trend, of a signal that counts persons.
create table arrival (
    run_id      text not null references forecast_run (id),
    place_id    text not null references place (id),
    horizon     integer not null,
    state       text not null,                 -- quiet, present: it is there already and cannot arrive
    probability double precision,              -- of a place that is quiet
    primary key (run_id, place_id, horizon),
    constraint arrival_has_its_probability check
        ((state = 'quiet' and num_nonnulls(probability) = 1 and probability >= 0 and probability <= 1)
         or (state = 'present' and num_nonnulls(probability) = 0))
);
create trigger arrival_append_only before update or delete or truncate on arrival
    for each statement execute function refuse_change();

-- A link speaks of it where there is a row: links from before hold as they are.
create trigger arrival_in_time before insert on arrival for each row execute function refuse_late_result();
