-- What was said of spread against every figure that its week was given: the first one, and each correction of it or of the
-- week that the change is counted from. Never updated, and in the chain as `forecast_score` is: a pass has rows of either or both.
create table spread_score (
    run_id              text not null,
    place_id            text not null,
    horizon             integer not null,
    signal_id           text not null,
    origin              timestamptz not null,      -- the run's as_of
    target_end_date     date not null,
    truth_issued_at     timestamptz not null,      -- when the publisher issued the newer of the two figures
    class               text,                      -- the class of change that came; null: a figure was taken back
    rps                 double precision,          -- ranked probability score of the five classes
    rps_climatology     double precision,          -- of how often each came at this time of earlier seasons; null: none is known
    rises               boolean,                   -- did it?
    rises_brier         double precision,
    rises_climatology   double precision,          -- Brier score of how often it did
    arrives             boolean,                   -- null: the place was not quiet, or nothing was said of it
    arrives_brier       double precision,
    arrives_climatology double precision,
    replayed            boolean not null,          -- computed after the first figure of its week was out
    scored_at           timestamptz not null,      -- by the platform's clock
    pass                bigint not null,
    primary key (run_id, place_id, horizon, truth_issued_at),
    foreign key (run_id, place_id, horizon) references trend (run_id, place_id, horizon),
    constraint spread_score_is_linked foreign key (pass) references chain_link (pass) deferrable initially deferred,
    constraint spread_score_has_a_class check
        (class in ('large_decrease', 'decrease', 'stable', 'increase', 'large_increase')),
    constraint spread_score_is_whole check
        (num_nonnulls(class, rps, rises, rises_brier) in (0, 4)
         and num_nonnulls(arrives, arrives_brier) in (0, 2)
         and (class is not null or num_nonnulls(rps_climatology, rises_climatology, arrives) = 0)
         and (arrives is not null or arrives_climatology is null)),
    constraint spread_score_has_its_range check
        (rps between 0 and 4 and rps_climatology between 0 and 4
         and rises_brier between 0 and 1 and rises_climatology between 0 and 1
         and arrives_brier between 0 and 1 and arrives_climatology between 0 and 1),
    constraint spread_score_is_after_its_origin check (truth_issued_at > origin and scored_at >= truth_issued_at)
);
create index spread_score_recent on spread_score (signal_id, target_end_date, place_id);
create index spread_score_pass on spread_score (pass);
create trigger spread_score_append_only before update or delete or truncate on spread_score
    for each statement execute function refuse_change();
create trigger spread_score_in_time before insert on spread_score for each row execute function refuse_late_score();
