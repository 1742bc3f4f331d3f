-- A forecast against every figure that its week was given: the first one, and each correction. Never updated; a pass that is
-- repeated adds nothing. What the questions filter by is repeated here from the run: it cannot change there either.
create table forecast_score (
    run_id          text not null,
    place_id        text not null,
    horizon         integer not null,
    signal_id       text not null,
    origin          timestamptz not null,      -- the run's as_of
    target_end_date date not null,
    truth_issued_at timestamptz not null,      -- when the publisher issued this figure
    truth           double precision,          -- null: it was taken back
    wis             double precision,
    baseline_wis    double precision,          -- of the persistence baseline from what was known at the origin; null: too few
    covered_50      boolean,
    covered_80      boolean,
    covered_95      boolean,
    replayed        boolean not null,          -- computed after the first figure of its week was out
    scored_at       timestamptz not null,      -- by the platform's clock
    primary key (run_id, place_id, horizon, truth_issued_at),
    foreign key (run_id, place_id, horizon) references forecast (run_id, place_id, horizon),
    constraint forecast_score_is_whole check
        (num_nonnulls(truth, wis, covered_50, covered_80, covered_95) = case when truth is null then 0 else 5 end
         and (baseline_wis is null or truth is not null)),
    constraint forecast_score_is_after_its_origin check (truth_issued_at > origin and scored_at >= truth_issued_at)
);
create index forecast_score_recent on forecast_score (signal_id, target_end_date, place_id);
create trigger forecast_score_append_only before update or delete or truncate on forecast_score
    for each statement execute function refuse_change();
