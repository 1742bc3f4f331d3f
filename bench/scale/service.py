"""The service over the many rows: as-of reads and whole answers over HTTP, and the memory that it has meanwhile."""
import os, pathlib, random, statistics, subprocess, sys, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import readers
from database import Memory

PORT = 8345
BIN = pathlib.Path(os.environ.get("VIGIE_BIN") or ROOT / "target/release")
PROFILE = ROOT / "clusters/us/profile/profile.toml"
AS_OF = "2021-10-01"
# One signal with all its issues; as Parquet, which must begin within 30 s, a part of it.
WHOLE = "/api/data/v1/observations?signal=covid_cases&issues=all"
EXPORTS = {"csv": f"{WHOLE}&format=csv", "jsonl": f"{WHOLE}&format=jsonl&from=2021-06-01",
           "parquet": f"{WHOLE}&format=parquet&from=2021-10-01&to=2021-12-31"}


def measure(db, seconds):
    env = {**os.environ, "DATABASE_URL": db.url, "VIGIE_PROFILE": str(PROFILE), "VIGIE_RATE_PER_MINUTE": "0",
           "VIGIE_ADDR": f"127.0.0.1:{PORT}", "VIGIE_ADMIN_ADDR": f"127.0.0.1:{PORT + 1}", "VIGIE_CLOCK": "2026-01-01T00:00:00Z"}
    running = subprocess.Popen([BIN / "data-api"], env=env, stderr=subprocess.DEVNULL)
    try:
        ready()
        places = db.sql("select place_id from series where signal_id = 'covid_cases' and source_id = 'cdc-covid-state' "
                        "order by place_id").splitlines()
        random.Random(7).shuffle(places)
        paths = [f"/api/data/v1/observations?signal=covid_cases&place={p}&as_of={AS_OF}" for p in places]
        result = {"as_of": [asked(paths, clients, seconds) for clients in (1, 32)], "exports": []}
        for form, path in EXPORTS.items():
            memory = Memory(running.pid, "VmRSS")
            result["exports"].append({"format": form, **exported(path), "resident_mib": memory.mib()})
        return result
    finally:
        running.terminate()
        running.wait(60)


def ready():
    deadline = time.monotonic() + 30
    while True:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{PORT + 1}/readyz", timeout=5).read()
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"scale: the service does not answer: {error}")
            time.sleep(0.2)


def asked(paths, clients, seconds):
    took, until = readers.measure(PORT, paths, clients, seconds, {})
    took.sort()
    return {"clients": clients, "reads": len(took), "per_s": round(len(took) / until, 1),
            "p50_ms": round(statistics.median(took), 2), "p99_ms": round(took[int(len(took) * 0.99)], 2)}


def exported(path):
    """Rows are counted by the ends of lines, or as the service says them."""
    start, size, lines = time.monotonic(), 0, 0
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=600) as answer:
            rows = answer.headers.get("vigie-rows")
            while piece := answer.read(1 << 18):
                size += len(piece)
                lines += piece.count(b"\n")
    except OSError as error:
        return {"path": path, "failed": str(error), "seconds": round(time.monotonic() - start, 1)}
    return {"path": path, "seconds": round(time.monotonic() - start, 1), "rows": int(rows or lines), "bytes": size}
