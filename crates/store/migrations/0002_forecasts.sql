-- A run is one model on one signal with what was known at `as_of`. Never updated.
create table forecast_run (
    id             text primary key,           -- sha256 of model, signal, as_of and data: the same input has the same id
    model_id       text not null,
    model_version  text not null,
    signal_id      text not null,
    source_id      text not null references source (id),
    as_of          timestamptz not null,
    reference_date date not null,              -- last week known, the end of it
    data_vintage   timestamptz not null,       -- newest issue among the rows that were used
    data_hash      text not null,              -- sha256 of the rows that were used
    source_hash    text not null,              -- sha256 of the model's source code
    created_at     timestamptz not null
);
create index forecast_run_latest on forecast_run (signal_id, as_of desc, created_at desc);

create table forecast (
    run_id          text not null references forecast_run (id),
    place_id        text not null references place (id),
    horizon         integer not null,          -- weeks; see the signal's declaration for what 0 means
    target_end_date date not null,
    quantiles       double precision[] not null,
    constraint forecast_has_23_quantiles check (array_length(quantiles, 1) = 23),
    primary key (run_id, place_id, horizon)
);

-- Transmission: the instantaneous reproduction number of a window that ends on `window_end`.
create table rt_estimate (
    run_id       text not null references forecast_run (id),
    place_id     text not null references place (id),
    window_start date not null,
    window_end   date not null,
    mean         double precision not null,
    sd           double precision not null,
    q025         double precision not null,
    q25          double precision not null,
    q50          double precision not null,
    q75          double precision not null,
    q975         double precision not null,
    primary key (run_id, place_id, window_end)
);

-- Spread: for each place the probabilities of FluSight's five classes, and that the value rises.
create table trend (
    run_id         text not null references forecast_run (id),
    place_id       text not null references place (id),
    horizon        integer not null,
    large_decrease double precision not null,
    decrease       double precision not null,
    stable         double precision not null,
    increase       double precision not null,
    large_increase double precision not null,
    rises          double precision not null,
    primary key (run_id, place_id, horizon)
);

-- A question that was asked and has no answer, with its reason.
create table not_estimated (
    run_id   text not null references forecast_run (id),
    place_id text not null references place (id),
    question text not null,                    -- transmission, forecast, mortality, spread
    reason   text not null,
    primary key (run_id, place_id, question)
);

create trigger forecast_run_append_only before update or delete on forecast_run
    for each statement execute function refuse_change();
create trigger forecast_append_only before update or delete on forecast
    for each statement execute function refuse_change();
create trigger rt_estimate_append_only before update or delete on rt_estimate
    for each statement execute function refuse_change();
create trigger trend_append_only before update or delete on trend
    for each statement execute function refuse_change();
create trigger not_estimated_append_only before update or delete on not_estimated
    for each statement execute function refuse_change();
