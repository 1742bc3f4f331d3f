#!/usr/bin/env python3
"""Many observations on one machine: load, as-of reads, export, memory and size.

    target/release/vigie with-database --name scale --durable -- python3 bench/scale/bench.py --rows 100000000

The rows are SYNTHETIC: those of the extract in `data/`, repeated over invented places and invented later vintages, so
that an as-of read has revisions to leave out. They go into a database of their own, `vigie_scale`, which is dropped at
the end; no page ever reads it. Needs psql and pgbench. Result: bench/results/scale-<date>.json.
"""
import argparse, datetime, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time

import load_rows, service
from database import Database

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


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
    parser.add_argument("--keep", type=float, default=5, help="gigabytes of the disk that stay free: loading ends there too")
    args = parser.parse_args()
    if not shutil.which("psql") or not os.path.exists(PGBENCH):
        print("scale: not run: psql and pgbench are not installed")
        return
    if not (service.BIN / "data-api").is_file():
        print("scale: not run: the programs are not built: cargo build --release --bins")
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
    subprocess.run([service.BIN / "vigie", "migrate"], check=True, env={**os.environ, "DATABASE_URL": db.url})
    load = load_rows.run(args, db, folder)
    start = time.monotonic()
    db.sql("vacuum (analyze) observation_row")
    load["vacuum_s"] = round(time.monotonic() - start)
    last = int(db.sql("select max(key) from series"))
    signals = "where signal_id = (select signal_id from series group by 1 order by count(*) desc limit 1)"
    exported, backend, client = db.timed(f"\\copy (select * from observation {signals}) to '/dev/null'\n")
    size = {name: int(db.sql(f"select sum({f}(inhrelid)) from pg_inherits where inhparent = 'observation_row'::regclass"))
            for name, f in (("rows_bytes", "pg_relation_size"), ("index_bytes", "pg_indexes_size"))}
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    result = {
        "benchmark": "scale", "synthetic": True, "date": day, "commit": git("rev-parse", "--short", "HEAD"),
        "cpu": cpu(), "cores": os.cpu_count(), "load_average": os.getloadavg(), "postgresql": db.sql("show server_version"),
        "shared_buffers": db.sql("show shared_buffers"), "rows_asked": args.rows, "loading_ended": load.pop("ended"), "rows": load.pop("rows"), "series": last,
        "load": load, "as_of": [reads(db, last, clients, args.seconds, folder) for clients in (1, 32)],
        "export_csv": {"seconds": round(exported, 1), "rows": int(db.sql(f"select count(*) from observation {signals}")),
                       "backend_mib": backend, "client_mib": client},
        "size": size, "service": service.measure(db, args.seconds),
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
