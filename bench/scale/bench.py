#!/usr/bin/env python3
"""Many observations on one machine: load, as-of reads, export, memory and size.

    vigie with-database --name scale --durable -- python3 bench/scale/bench.py --rows 100000000

The rows are SYNTHETIC: those of the extract in `data/`, repeated over invented places and invented later vintages, so
that an as-of read has revisions to leave out. They go into a database of their own, `vigie_scale`, which is dropped at
the end; no page ever reads it. Needs psql and pgbench. Result: bench/results/scale-<date>.json.
"""
import argparse, csv, datetime, gzip, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
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
create table raw (signal_id text, place_id text, source_id text, reference_date date, issued_at timestamptz,
                  seen_at timestamptz, value double precision, status text, retrieval_id text);
analyze;
"""
REPLICA = """
insert into place select distinct 'SYN-%(n)s-' || place_id, 'synthetic', null, null::bigint, '{}'::jsonb from template;
insert into series (signal_id, source_id, place_id)
    select distinct signal_id, source_id, 'SYN-%(n)s-' || place_id from template order by 1, 2, 3;
"""
ROWS = """
  from template t cross join generate_series(0, %(vintages)s - 1) v
  join series s on s.signal_id = t.signal_id and s.source_id = t.source_id and s.place_id = 'SYN-%(n)s-' || t.place_id
  join payload p on p.retrieval_id = t.retrieval_id
  cross join lateral (select t.issued_at + v * interval '1 day 1.7 seconds' as issued_at) i
"""


class Memory(threading.Thread):
    """The most private memory (RssAnon) that a database process or client of this run had."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.done = pid, 0, False

    def run(self):
        while not self.done:
            try:
                for line in open(f"/proc/{self.pid}/status"):
                    if line.startswith("RssAnon"):
                        self.most = max(self.most, int(line.split()[1]))
            except OSError:
                return
            time.sleep(0.05)


class Database:
    def __init__(self, url):
        self.url = url

    def sql(self, text, stdin=None):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url, "-f", "-" if stdin is None else text],
                              input=text if stdin is None else None, stdin=stdin, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def timed(self, statement):
        """Seconds of one statement without the start of the client, and the backend's most private memory in MiB."""
        client = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        client.stdin.write("select pg_backend_pid();\n")
        client.stdin.flush()
        memory = Memory(int(client.stdout.readline()))
        memory.start()
        start = time.monotonic()
        client.stdin.write(statement)
        client.stdin.close()
        client.stdout.read()
        if client.wait():
            sys.exit("psql failed; its message stands above")
        memory.done = True
        return time.monotonic() - start, memory.most / 1024


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


def reads(db, last, clients, seconds, folder):
    for old in folder.glob("log.*"):
        old.unlink()
    command = [PGBENCH, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-D", f"last={last}",
               "-f", str(HERE / "as_of.sql"), "-l", "--log-prefix", str(folder / "log"), db.url]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"pgbench: {done.stderr.strip()}")
    took = sorted(int(line.split()[2]) / 1000 for f in folder.glob("log.*") for line in open(f))
    return {"clients": clients, "reads": len(took), "per_s": round(len(took) / seconds, 1),
            "p50_ms": round(statistics.median(took), 2), "p99_ms": round(took[int(len(took) * 0.99)], 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement of reads")
    parser.add_argument("--minutes", type=float, default=60, help="of loading at most: what was loaded then is measured")
    args = parser.parse_args()
    if not shutil.which("psql") or not os.path.exists(PGBENCH):
        print("scale: not run: psql and pgbench are not installed")
        return
    server = os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL is not set: run this by `vigie with-database`")
    admin, db = Database(server), Database(server.rsplit("/", 1)[0] + "/vigie_scale")
    admin.sql("drop database if exists vigie_scale")
    admin.sql("create database vigie_scale")
    try:
        with tempfile.TemporaryDirectory() as folder:
            measure(args, db, pathlib.Path(folder))
    finally:
        admin.sql("drop database if exists vigie_scale with (force)")


def measure(args, db, folder):
    for file in sorted((ROOT / "crates/store/migrations").glob("*.sql")):
        db.sql(file.read_text())
    with template() as lines:
        setup = folder / "setup.sql"
        setup.write_text(SETUP)
        lines.seek(0)
        db.sql(str(setup), stdin=lines)
    loaded = n = 0
    ours, raw, load_memory = [], [], []
    deadline = time.monotonic() + args.minutes * 60
    file = folder / "rows"
    while loaded < args.rows and time.monotonic() < deadline:
        n += 1
        names = {"n": n, "vintages": VINTAGES}
        db.sql(REPLICA % names)
        db.sql("analyze series" if n < 4 else "select 1")
        source = ROWS % names
        db.sql(f"\\copy (select i.issued_at, i.issued_at, t.value * (1 + v * 0.01), s.key, t.reference_date, p.key, "
               f"t.status::observation_status {' '.join(source.split())} order by s.key, t.reference_date, i.issued_at desc) "
               f"to '{file}' (format binary)")
        keys = "select set_config('vigie.keys_checked', 'yes', false) \\g /dev/null\n"
        seconds, memory = db.timed(keys + f"\\copy observation_row ({NARROW}) from '{file}' (format binary)\n")
        rows = int(db.sql("select count(*) from template")) * VINTAGES
        loaded += rows
        ours.append(rows / seconds)
        load_memory.append(memory)
        if n % 8 == 1:  # the reference, between two of ours: the same rows as text, into a table without any rule
            db.sql(f"\\copy (select s.signal_id, s.place_id, s.source_id, t.reference_date, i.issued_at, i.issued_at, "
                   f"t.value * (1 + v * 0.01), t.status, p.retrieval_id {' '.join(source.split())} "
                   f"order by s.key, t.reference_date, i.issued_at desc) to '{file}'")
            seconds, _ = db.timed(f"\\copy raw from '{file}'\n")
            raw.append(rows / seconds)
            db.sql("truncate raw")
        print(f"scale: {loaded:,} rows, {ours[-1]:,.0f} rows/s, backend {memory:.0f} MiB", flush=True)
    file.unlink()
    db.sql("vacuum (analyze) observation_row")
    last = int(db.sql("select max(key) from series"))
    rows = int(db.sql("select count(*) from observation_row"))
    signals = ("where signal_id = (select signal_id from series group by 1 order by count(*) desc limit 1)")
    exported, export_memory = db.timed(f"\\copy (select * from observation {signals}) to '/dev/null'\n")
    size = {name: int(db.sql(f"select sum({f}(inhrelid)) from pg_inherits where inhparent = 'observation_row'::regclass"))
            for name, f in (("rows_bytes", "pg_relation_size"), ("index_bytes", "pg_indexes_size"))}
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    result = {
        "benchmark": "scale", "synthetic": True, "date": day, "commit": git("rev-parse", "--short", "HEAD"),
        "cpu": cpu(), "cores": os.cpu_count(), "load_average": os.getloadavg(), "postgresql": db.sql("show server_version"),
        "shared_buffers": db.sql("show shared_buffers"), "rows_asked": args.rows, "rows": rows, "series": last,
        "load": {"rows_per_s": {"first": round(ours[0]), "median": round(statistics.median(ours)), "last": round(ours[-1])},
                 "raw_copy_rows_per_s": round(statistics.median(raw)),
                 "ratio": round(statistics.median(ours) / statistics.median(raw), 2),
                 "backend_mib": {"first": round(load_memory[0], 1), "most": round(max(load_memory), 1)}},
        "as_of": [reads(db, last, clients, args.seconds, folder) for clients in (1, 32)],
        "export_csv": {"seconds": round(exported, 1), "rows": int(db.sql(f"select count(*) from observation {signals}")),
                       "backend_mib": round(export_memory, 1)},
        "size": size,
    }
    out = ROOT / f"bench/results/scale-{day}.json"
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True).stdout.strip()


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


PGBENCH = shutil.which("pgbench") or "/usr/lib/postgresql/15/bin/pgbench"
if __name__ == "__main__":
    main()
