"""The rows of the extract, over and over: the load of ours beside a bare `COPY`."""
import csv, gzip, pathlib, shutil, statistics, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VINTAGES = 4  # of each published row: the one that is real, and three later ones that are not
NARROW = "issued_at, seen_at, value, series_key, reference_date, payload_key, status"

SETUP = f"""
create table template (signal_id text, place_id text, source_id text, reference_date date, issued_at timestamptz,
                       value double precision, status text, retrieval_id text);
\\copy template from pstdin
insert into source select distinct source_id, '', 'synthetic', '', '', '', '', '' from template;
insert into retrieval (id, source_id, url, recorded_as, retrieved_at, sha256, bytes, parser)
    select distinct on (retrieval_id) retrieval_id, source_id, '', '', now(), '', 0, '' from template;
insert into payload (retrieval_id) select id from retrieval order by id;
create table part as select row_number() over (order by signal_id, source_id, place_id)::integer as n, signal_id, source_id,
        place_id, left(place_id, 2) as nation, regexp_replace(replace(place_id, ':', 'C'), '[^A-Z0-9]', '', 'g') as code
    from (select distinct signal_id, source_id, place_id from template) d;
create table piece as select part.n, i.issued_at, t.value * (1 + v * 0.01) as value, t.reference_date, p.key as payload, t.status
    from template t join part using (signal_id, source_id, place_id) join payload p using (retrieval_id)
    cross join generate_series(0, {VINTAGES - 1}) v
    cross join lateral (select t.issued_at + v * interval '1 day 1.7 seconds' as issued_at) i
    order by part.n, t.reference_date, i.issued_at desc;
create table raw (signal_id text, place_id text, source_id text, reference_date date, issued_at timestamptz,
                  seen_at timestamptz, value double precision, status text, retrieval_id text);
analyze;
"""
# Invented places lie in the country of the real one, at its level, so that the service finds them. (A region `FR-971` and a
# département `FR:971` stay two.)
REPLICA = """
insert into place select distinct nation || ':SYN%(n)s' || code, case when length(place_id) = 2 then 'nation' else 'state' end,
        null, null::bigint, '{}'::jsonb from part;
insert into series (signal_id, source_id, place_id)
    select signal_id, source_id, nation || ':SYN%(n)s' || code from part order by n;
do $$ begin
    if to_regclass('issue') is not null then  -- which append() writes with the rows
        insert into issue select signal_id, source_id, issued_at, count(*), min(reference_date), max(reference_date),
                min(issued_at), max(issued_at) from piece join part using (n) group by 1, 2, 3;
    end if;
end $$;
select min(key) - 1 from (select key from series order by key desc limit (select count(*) from part)) s;
"""
PIECE = """select issued_at, issued_at, value, n + %(base)s, reference_date, payload, status::observation_status
    from piece"""
AS_TEXT = """select part.signal_id, part.place_id, part.source_id, reference_date, issued_at, issued_at, value, status, p.retrieval_id
    from piece join part using (n) join payload p on p.key = piece.payload"""


def template():
    """The extract as lines of PostgreSQL's text format."""
    file = tempfile.NamedTemporaryFile("w+", suffix=".tsv")
    for path in sorted((ROOT / "data/observations").glob("*/*.csv.gz")):
        signal, source = path.name.removesuffix(".csv.gz"), path.parent.name
        for r in csv.DictReader(gzip.open(path, "rt")):
            cells = (signal, r["place"], source, r["reference_date"], r["issued_at"], r["value"] or "\\N", r["status"],
                     r["retrieval"])
            file.write("\t".join(cells) + "\n")
    file.flush()
    return file


def run(args, db, folder):
    """Piece after piece, until all are there, or the time is over, or the disk is as full as it may be."""
    with template() as lines:
        setup, file = folder / "setup.sql", folder / "rows"
        setup.write_text(SETUP)
        lines.seek(0)
        db.sql(str(setup), stdin=lines)
    piece = int(db.sql("select count(*) from piece"))
    loaded = n = 0
    ours, raw, backends, clients = [], [], [], []
    deadline = time.monotonic() + args.minutes * 60
    ended = None
    while not ended:
        n += 1
        base = db.sql(REPLICA % {"n": n})
        db.sql("analyze series" if n < 4 else "select 1")
        db.sql(f"\\copy ({' '.join((PIECE % {'base': base}).split())}) to '{file}' (format binary)")
        keys = "select set_config('vigie.keys_checked', 'yes', false) \\g /dev/null\n"
        seconds, backend, client = db.timed(keys + f"\\copy observation_row ({NARROW}) from '{file}' (format binary)\n")
        loaded += piece
        ours.append(piece / seconds)
        backends.append(backend)
        clients.append(client)
        if n % 8 == 1:  # the reference, between two of ours: the same rows as text, into a table without any rule
            db.sql(f"\\copy ({' '.join(AS_TEXT.split())}) to '{file}'")
            raw.append(piece / db.timed(f"\\copy raw from '{file}'\n")[0])
            db.sql("truncate raw")
        if loaded >= args.rows:
            ended = "all rows asked for are there"
        elif time.monotonic() > deadline:
            ended = f"{args.minutes:g} minutes were over"
        elif shutil.disk_usage(folder).free < args.keep * 1e9:
            ended = f"{args.keep:g} GB of the disk were to stay free"
        print(f"scale: {loaded:,} rows, {ours[-1]:,.0f} rows/s, backend {backend} MiB, client {client} MiB", flush=True)
    file.unlink()
    wrong = db.sql("select count(*) from series s left join part p on p.n = (s.key - 1) % (select count(*) from part) + 1 and "
                   "p.signal_id = s.signal_id and p.source_id = s.source_id and s.place_id like '%' || p.code where p.n is null")
    if wrong != "0":
        sys.exit(f"scale: {wrong} series have rows of another")
    ends = lambda values: {"first": values[0], "last": values[-1], "most": max(values)}
    return {"rows": loaded, "pieces": n, "ended": ended, "rows_per_s": {"first": round(ours[0]), "median": round(statistics.median(ours)), "last": round(ours[-1])},
            "raw_copy_rows_per_s": round(statistics.median(raw)),
            "ratio": round(statistics.median(ours) / statistics.median(raw), 2),
            "backend_mib": ends(backends), "client_mib": ends(clients)}
