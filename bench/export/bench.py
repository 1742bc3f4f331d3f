#!/usr/bin/env python3
"""Every issue of a signal as Parquet from a running server, beside DuckDB's `COPY TO` of the same rows, alternating.

    python3 -m venv ~/duckdb && ~/duckdb/bin/pip install duckdb==1.4.2
    ~/duckdb/bin/python bench/export/bench.py --server http://127.0.0.1:8080 --pid <process of data-api>

Ours is the whole answer over HTTP, made anew for each question (a bulk file is made once and then only sent), with the
reading of PostgreSQL in it. DuckDB has the same rows, all columns in words as the file has them, and writes with zstd as
we do: once from a table in its own memory, which is the bar, and once from its own database file, opened anew.
Says `not run` with its reason where the server has no such file or DuckDB is not there. Result:
bench/results/export-<date>.json; export-synthetic-<date>.json for the rows of synthetic.sql.
"""
import argparse, datetime, json, os, pathlib, statistics, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 7


def not_run(why):
    print(f"export: not run: {why}")
    sys.exit(0)


def download(url, to):
    start = time.monotonic()
    # Not from a cache, and not what a proxy kept.
    request = urllib.request.Request(url, headers={"Cache-Control": "no-cache"})
    with urllib.request.urlopen(request, timeout=600) as answer, open(to, "wb") as file:
        while piece := answer.read(1 << 16):
            file.write(piece)
    return time.monotonic() - start


def resident(pid, stop, most):
    while not stop.is_set():
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmRSS"):
                most[0] = max(most[0], int(line.split()[1]) / 1024)
        time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8080")
    parser.add_argument("--signal", default="covid_cases")
    parser.add_argument("--pid", type=int, help="of the server: its resident memory is then sampled")
    parser.add_argument("--synthetic", action="store_true", help="the rows are those of bench/export/synthetic.sql")
    args = parser.parse_args()
    try:
        import duckdb
    except ImportError:
        not_run("the Python package duckdb is not there")
    url = f"{args.server}/api/data/v1/observations?signal={args.signal}&issues=all&format=parquet"
    with tempfile.TemporaryDirectory() as folder:
        ours_file, theirs_file = f"{folder}/ours.parquet", f"{folder}/theirs.parquet"
        try:
            download(url, ours_file)
        except urllib.error.URLError as error:
            not_run(f"{url}: {error}")
        stop, most = threading.Event(), [0.0]
        if args.pid:
            threading.Thread(target=resident, args=(args.pid, stop, most), daemon=True).start()
        db = duckdb.connect(config={"threads": os.cpu_count()})
        db.execute("create table rows as select * from read_parquet(?)", [ours_file])
        rows = db.execute("select count(*) from rows").fetchone()[0]
        stored = f"{folder}/rows.duckdb"
        with duckdb.connect(stored) as disk:
            disk.execute("create table rows as select * from read_parquet(?)", [ours_file])
        ours, theirs, theirs_disk = [], [], []
        for _ in range(ROUNDS):
            ours.append(download(url, ours_file))
            start = time.monotonic()
            db.execute(f"copy rows to '{theirs_file}' (format parquet, compression zstd)")
            theirs.append(time.monotonic() - start)
            start = time.monotonic()
            with duckdb.connect(stored, config={"threads": os.cpu_count()}) as disk:
                disk.execute(f"copy rows to '{theirs_file}' (format parquet, compression zstd)")
            theirs_disk.append(time.monotonic() - start)
        stop.set()
        sizes = {name: os.path.getsize(file) for name, file in (("ours", ours_file), ("duckdb", theirs_file))}
        ours, theirs, theirs_disk = map(statistics.median, (ours, theirs, theirs_disk))
        day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        result = {"benchmark": "export", "synthetic": args.synthetic, "date": day, "commit": commit.stdout.strip(), "cores": os.cpu_count(),
                  "load_average": os.getloadavg(), "duckdb": duckdb.__version__, "signal": args.signal, "rows": rows,
                  "rounds": ROUNDS, "ours_s": ours, "duckdb_s": theirs, "rate_of_duckdb": round(theirs / ours, 2),
                  "duckdb_from_disk_s": theirs_disk, "rate_of_duckdb_from_disk": round(theirs_disk / ours, 2), "bytes": sizes,
                  "server_mib": round(most[0], 1) if args.pid else None}
    name = "export-synthetic" if args.synthetic else "export"
    (ROOT / f"bench/results/{name}-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
