\set series random(1, :last)
select p.retrieval_id, o.reference_date, o.issued_at, o.value, o.status::text
  from (select distinct on (reference_date) * from observation_row
         where series_key = (select key from series where key = :series) and issued_at <= '2024-06-01T00:00:00Z'
         order by reference_date, issued_at desc) o
  join payload p on p.key = o.payload_key
 order by o.reference_date;
