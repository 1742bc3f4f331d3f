-- SYNTHETIC: 39 invented later vintages of every value of `covid_cases`, about two million rows. For a database of its own
-- into which `vigie migrate` and `vigie load` have put the figures; no page ever reads it:
--   psql "$DATABASE_URL" -f bench/export/synthetic.sql
-- Serve it with a clock after all of them: VIGIE_CLOCK=2026-07-25T23:59:59Z.
select set_config('vigie.keys_checked', 'yes', false);
insert into observation_row
    select o.issued_at + v * interval '1 day 1.7 seconds', o.seen_at + v * interval '1 day 1.7 seconds',
           o.value * (1 + v * 0.01), o.series_key, o.reference_date, o.payload_key, o.status
      from observation_row o join series s on s.key = o.series_key cross join generate_series(1, 39) v
     where s.signal_id = 'covid_cases'
     order by o.series_key, o.reference_date, 1 desc;
insert into issue
    select signal_id, source_id, issued_at, count(*), min(reference_date), max(reference_date), min(seen_at), max(seen_at)
      from observation o
     where signal_id = 'covid_cases'
       and not exists (select from issue i where (i.signal_id, i.source_id, i.issued_at)
                                               = (o.signal_id, o.source_id, o.issued_at))
     group by signal_id, source_id, issued_at;
vacuum analyze;
