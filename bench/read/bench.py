#!/usr/bin/env python3
"""p50 and p99 of one page and of one as-of query, each beside its reference, alternating in one run.

The page beside the style sheet of the same server: what reading the database and drawing cost over sending bytes.
The as-of query beside the same query of today: what the past costs over the present.
"""

import datetime
import http.client
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORT = 8190
ROUNDS = 400
ROWS = [
    ("page", "/flu/US", "the style sheet"),
    ("as_of_query", "/api/data/v1/observations?signal=flu_hosp_admissions&place=US&as_of=2025-02-01",
     "/api/data/v1/observations?signal=flu_hosp_admissions&place=US"),
]


def timed(connection, path):
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - start
    if answer.status != 200:
        sys.exit(f"{path} answers {answer.status}: {body[:200]!r}")
    return seconds, len(body)


def quantile(values, q):
    return sorted(values)[min(int(len(values) * q), len(values) - 1)]


def style_sheet(connection):
    connection.request("GET", "/")
    return re.search(r'href="(/static/[^"]+\.css)"', connection.getresponse().read().decode()).group(1)


def measure(name, ours, reference):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    reference = style_sheet(connection) if reference == "the style sheet" else reference
    for path in (ours, reference) * 20:
        timed(connection, path)
    times = {ours: [], reference: []}
    for _ in range(ROUNDS):
        for path in times:
            times[path].append(timed(connection, path)[0])
    row = {"name": name, "ours": ours, "reference": reference, "rounds": ROUNDS}
    for label, path in (("ours", ours), ("reference", reference)):
        row[f"{label}_ms"] = {p: round(quantile(times[path], q) * 1000, 3) for p, q in (("p50", 0.5), ("p99", 0.99))}
    row["ratio"] = {p: round(row["ours_ms"][p] / row["reference_ms"][p], 2) for p in ("p50", "p99")}
    return row


def main():
    # A thousand questions a minute are more than a client may ask.
    env = {**os.environ, "COUNTRY": "us", "PORT": str(PORT), "VIGIE_RATE_PER_MINUTE": "0"}
    up = subprocess.Popen([ROOT / "target/release/vigie", "up"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        if not any("is up at" in line for line in up.stdout):
            sys.exit("the platform did not start: run `make up COUNTRY=us` to see why")
        rows = [measure(*row) for row in ROWS]
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)
    day = datetime.date.today().isoformat()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    result = {"benchmark": "read", "date": day, "cpu": cpu, "cores": os.cpu_count(), "system": platform.system(),
              "rows": rows}
    (ROOT / "bench/results" / f"read-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        print(f"{row['name']}: {row['ours_ms']} ms, reference {row['reference_ms']} ms, ratio {row['ratio']}")


if __name__ == "__main__":
    main()
