#!/usr/bin/env python3
"""Every issue of a signal as Parquet from a running server, beside DuckDB's `COPY TO` of the same rows, alternating.

    python3 -m venv ~/duckdb && ~/duckdb/bin/pip install duckdb==1.4.2
    ~/duckdb/bin/python bench/export/bench.py --server http://127.0.0.1:8080 --pid <process of data-api>

Ours is the whole answer over HTTP, made anew for each question (a bulk file is made once and then only sent), with the
reading of the database in it; DuckDB writes from its own table in memory.
Says `not run` with its reason where the server has no such file or DuckDB is not there. Result:
bench/results/export-<date>.json.
"""
import argparse, datetime, json, os, pathlib, statistics, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 5


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
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(download(url, ours_file))
            start = time.monotonic()
            db.execute(f"copy rows to '{theirs_file}' (format parquet, compression zstd)")
            theirs.append(time.monotonic() - start)
        stop.set()
        ours, theirs = statistics.median(ours), statistics.median(theirs)
        day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        result = {"benchmark": "export", "date": day, "commit": commit.stdout.strip(), "cores": os.cpu_count(),
                  "load_average": os.getloadavg(), "duckdb": duckdb.__version__, "signal": args.signal, "rows": rows,
                  "rounds": ROUNDS, "ours_s": ours, "duckdb_s": theirs, "rate_of_duckdb": round(theirs / ours, 2),
                  "server_mib": round(most[0], 1) if args.pid else None}
    (ROOT / f"bench/results/export-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
