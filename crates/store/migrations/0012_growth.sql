-- Beside each reproduction number: how fast infections grow, and how much of their reports is known. A table of its own, and
-- not columns of `rt_estimate`: runs from before have no row here, and the digest of their rows stays what it was.
create table growth_estimate (
    run_id     text not null references forecast_run (id),
    place_id   text not null references place (id),
    window_end date not null,                  -- as in rt_estimate
    dated      text not null,                  -- what happened in the window: the infections, or their reports
    mean       double precision not null,      -- of the growth rate per day: ln of the factor from one day to the next
    sd         double precision not null,
    q025       double precision not null,
    q25        double precision not null,
    q50        double precision not null,
    q75        double precision not null,
    q975       double precision not null,
    rises      double precision not null,      -- probability that it is above 0
    passed     double precision not null,      -- share of the reports of these infections for which the delay has passed
    known      double precision not null,      -- share of them that is known: less what the youngest figures still miss
    known_025  double precision not null,
    known_975  double precision not null,
    constraint growth_estimate_is_dated check (dated in ('infection', 'report')),
    constraint growth_estimate_rises_with_a_probability check (rises between 0 and 1),
    primary key (run_id, place_id, window_end),
    foreign key (run_id, place_id, window_end) references rt_estimate (run_id, place_id, window_end)
);
create trigger growth_estimate_append_only before update or delete on growth_estimate
    for each statement execute function refuse_change();
create trigger growth_estimate_in_time before insert on growth_estimate
    for each row execute function refuse_late_result();
create trigger growth_estimate_not_emptied before truncate on growth_estimate
    for each statement execute function refuse_change();
