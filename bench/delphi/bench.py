#!/usr/bin/env python3
"""As-of reads: our data-api beside the Delphi Epidata server, the same rows, questions and readers, in one run.

    DELPHI_EPIDATA_DIR=~/delphi-epidata target/release/vigie with-database --name delphi --durable -- python3 bench/delphi/bench.py

Says `not run` with its reason where there is no checkout (bench/README.md says how to get one). First every question is
asked of both and every value compared; then the readers ask, in turns of one server and the other.
Result: bench/results/delphi-<date>.json.
"""
import datetime, json, os, pathlib, statistics, subprocess, sys, tempfile, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import peer, readers
from questions import ROWS, figures, our_path, questions

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("VIGIE_BIN") or ROOT / "target/release")
PROFILE = ROOT / "clusters/us/profile/profile.toml"
PORT = 8341
READERS, SECONDS, TURNS = int(os.environ.get("READERS") or 32), float(os.environ.get("SECONDS") or 10), 3
HIDDEN = "x_"  # before the words state and nation, so that the peer does not check places
KINDS = {  # what is asked, and whether the peer looks places up in its lists
    "series": "one place, all dates, as of a day",
    "series_unchecked": "the same, without the peer's look-up of the place",
    "states": "all states, one date, as of a day",
}

def not_run(why):
    print(f"delphi: not run: {why}")
    sys.exit(0)


def psql(url, text):
    return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url, "-c", text], check=True, capture_output=True, text=True).stdout


def ours(server, log):
    """The service on a database of this run alone, with the figures of `data/`."""
    psql(server, "drop database if exists vigie_delphi with (force)")
    psql(server, "create database vigie_delphi")
    url = server.rsplit("/", 1)[0] + "/vigie_delphi"
    env = {**os.environ, "DATABASE_URL": url, "VIGIE_PROFILE": str(PROFILE), "VIGIE_RATE_PER_MINUTE": "0",
           "VIGIE_ADDR": f"127.0.0.1:{PORT}", "VIGIE_ADMIN_ADDR": f"127.0.0.1:{PORT + 1}"}
    for step in ("migrate", "load"):
        subprocess.run([BIN / "vigie", step], check=True, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    psql(url, "vacuum analyze")
    last = psql(url, "select max(issued_at)::date from observation where signal_id = 'flu_hosp_admissions' and place_id = 'US'").strip()
    env["VIGIE_CLOCK"] = f"{last}T23:59:59Z"
    service = subprocess.Popen([BIN / "data-api"], env=env, cwd=ROOT, stdout=log, stderr=log)
    peer.wait(lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORT + 1}/readyz", timeout=5).read())
    return service, url, last


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return json.load(answer)


def compare(asked, prefix):
    """Ends the run at the first difference; returns how many values were equal."""
    equal = 0
    for q in asked:
        page = get(PORT, our_path(q))
        mine = {(peer.geo(r["place"]), r["reference_date"]): (r["issued_at"][:10], r["value"]) for r in page["data"]}
        theirs = peer.rows(get(peer.PORT, peer.path(q, prefix)))
        if page["truncated"] or mine != theirs:
            key = next(k for k in sorted({*mine, *theirs}) if mine.get(k) != theirs.get(k))
            sys.exit(f"delphi: {q}: at {key} ours is {mine.get(key)}, theirs {theirs.get(key)}")
        equal += len(mine)
    return equal


def summary(took):
    times, seconds = sorted(t for turn, _ in took for t in turn), sum(s for _, s in took)
    return {"answers": len(times), "per_s": round(len(times) / seconds, 1), "p50_ms": round(statistics.median(times), 1),
            "p99_ms": round(times[int(len(times) * 0.99)], 1)}


def kind(name, asked, prefix):
    equal = compare(asked, prefix)
    took, lengths = {PORT: [], peer.PORT: []}, {}
    paths = {PORT: [our_path(q) for q in asked], peer.PORT: [peer.path(q, prefix) for q in asked]}
    for turn in range(TURNS + 1):
        for port in took:
            result = readers.measure(port, paths[port], READERS, SECONDS if turn else 3, lengths)
            took[port] += [result] if turn else []  # the first is for warmth
    vigie, delphi = summary(took[PORT]), summary(took[peer.PORT])
    row = {"name": name, "what": KINDS[name], "questions": len(asked), "values_equal": equal, "vigie": vigie, "delphi": delphi,
           "throughput_ratio": round(vigie["per_s"] / delphi["per_s"], 1),
           "vigie_p99_over_delphi_p50": round(vigie["p99_ms"] / delphi["p50_ms"], 2)}
    print(json.dumps(row), flush=True)
    return row


def main():
    checkout = os.environ.get("DELPHI_EPIDATA_DIR") or not_run("DELPHI_EPIDATA_DIR names no checkout")
    checkout = pathlib.Path(checkout).resolve()
    python = pathlib.Path(os.environ.get("DELPHI_EPIDATA_PYTHON") or checkout / ".venv/bin/python")
    if why := peer.missing(checkout, python):
        not_run(why)
    server = os.environ.get("DATABASE_URL") or sys.exit("DATABASE_URL is not set: run this by `vigie with-database`")
    with tempfile.TemporaryDirectory(prefix="vigie-delphi-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)  # the database is another user
        other, service = peer.Peer(checkout, python, folder), None
        try:
            with open(folder / "data-api.log", "w") as log:
                service, url, last = ours(server, log)
            cells, rows = figures(psql(url, ROWS).splitlines(), folder / "rows.tsv")
            other.database()
            loaded = other.load(folder / "rows.tsv")
            if loaded != len(cells):
                sys.exit(f"delphi: {len(cells)} rows were made, {loaded} are there")
            print(f"delphi: {rows} rows here, {loaded} there", flush=True)
            other.serve()
            asked, first = questions(cells, last), readers.first_in_line()  # after the servers began: they do not inherit it
            result = [kind("series", asked["series"], ""), kind("states", asked["states"], "")]
            other.hide_levels(HIDDEN)
            result.insert(1, kind("series_unchecked", asked["series"], HIDDEN))
            write(url, other, {"vigie": rows, "delphi": loaded}, first, result)
        except BaseException:
            for log in folder.glob("*.log"):
                print(f"== {log.name}", *log.read_text().splitlines()[-12:], sep="\n", file=sys.stderr)
            raise
        finally:
            if service:
                service.terminate()
                service.wait(30)
            other.stop()
            psql(server, "drop database if exists vigie_delphi with (force)")


def write(url, other, rows, first, kinds):
    git = lambda at: subprocess.run(["git", "-C", str(at), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    version = get(peer.PORT, "/epidata/version")["version"]
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    result = {"benchmark": "delphi", "date": day, "commit": git(ROOT), "delphi_epidata": version, "cpu": cpu,
              "cores": os.cpu_count(), "load_average": os.getloadavg(), "postgresql": psql(url, "show server_version").strip(),
              "mariadb": other.sql("select version()"), "rows": rows, "readers": READERS, "readers_first_in_line": first, "seconds_each": SECONDS * TURNS,
              "kinds": kinds}
    (ROOT / f"bench/results/delphi-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
