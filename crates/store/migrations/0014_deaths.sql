-- What the deaths ahead of a run follow from, by place (`epimodels::secondary`): beside its forecasts, and stored with them.
create table deaths_relation (
    run_id     text not null references forecast_run (id),
    place_id   text not null references place (id),
    follows    text not null,                  -- the signal of the admissions or cases
    ratio_025  double precision not null,      -- deaths per event of that signal: quantiles
    ratio_50   double precision not null,
    ratio_975  double precision not null,
    delay      double precision,               -- mean delay in weeks that fits best; none where none is identified
    delay_low  double precision,               -- its 95 % band
    delay_high double precision,
    tried_low  double precision not null,      -- shortest and longest mean delay that were tried
    tried_high double precision not null,
    primary key (run_id, place_id),
    constraint deaths_relation_has_its_ratio
        check (ratio_025 >= 0 and ratio_025 <= ratio_50 and ratio_50 <= ratio_975 and ratio_975 < 'Infinity'),
    -- A delay has its band, and the band is inside of what was tried: else it is not identified.
    constraint deaths_relation_has_a_delay_with_its_band
        check (num_nonnulls(delay, delay_low, delay_high) = 0
               or (num_nonnulls(delay, delay_low, delay_high) = 3
                   and tried_low <= delay_low and delay_low < delay and delay < delay_high and delay_high <= tried_high))
);
create trigger deaths_relation_append_only before update or delete or truncate on deaths_relation
    for each statement execute function refuse_change();

-- A link speaks of it where there is a row: links from before hold as they are.
create trigger deaths_relation_in_time before insert on deaths_relation
    for each row execute function refuse_late_result();
