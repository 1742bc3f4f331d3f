#!/usr/bin/env python3
"""How long forecasts take: one week of the United States, one season, and the reproduction number beside EpiEstim.

    python3 bench/forecast-speed/bench.py [HUB [TARGET=HUB …]]

HUB is made by `vigie hub build` of FluSight's change log; without it only the reproduction number is measured. A further
TARGET (`wk inc covid hosp=DIR`) is a week of another signal as of 2025-07-19; the week of all signals is their sum. A
backtest has two threads, whatever the machine has. The reproduction number: the same series, windows and serial interval,
one thread each, both warmed, in turns under the same load; medians, and every mean, deviation and quantile compared. Without
R's EpiEstim (Debian: r-cran-epiestim) that row is `not run`."""

import csv
import datetime
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VIGIE = os.environ.get("VIGIE", ROOT / "target/release/vigie")
# The 53 series are this many steps long: those of EpiEstim's own examples have 30 to 120.
SERIES, STEPS = 53, 100
TURNS = 5
R = """
suppressMessages(library(EpiEstim))
args <- commandArgs(TRUE)
series <- lapply(strsplit(readLines(args[1]), ","), as.numeric)
config <- make_config(list(mean_si = 2.6, std_si = 1.5))
run <- function() lapply(series, function(i) suppressMessages(suppressWarnings(estimate_R(i, method = "parametric_si", config = config)))$R)
invisible(run())
start <- proc.time()[["elapsed"]]; found <- run(); seconds <- proc.time()[["elapsed"]] - start
cat(sprintf("%.17g\\n", seconds))
for (r in found) cat(paste(sprintf("%.17g", as.vector(t(as.matrix(r[, 3:11])))), collapse = ","), "\\n", sep = "")
"""


def backtest(hub, first, last, folder, target="wk inc flu hosp"):
    """Seconds, and the most memory in MiB, of a backtest with two threads."""
    start = time.perf_counter()
    subprocess.run([VIGIE, "backtest", "--hub", hub, "--target", target, "--from", first, "--to", last, "--out", folder, "--threads", "2"],
                   check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    files = sorted(Path(folder).glob("model-output/Vigie-pool/*.csv"))
    rows = sum(1 for f in files for _ in csv.DictReader(f.open()))
    # ru_maxrss of all children so far: the week is measured before the season.
    return {"seconds": round(seconds, 1), "threads": 2, "reference_dates": len(files), "forecasts": rows // 23,
            "max_rss_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024}


def waves(path):
    """Counts of invented waves, without a random number: the same on every machine."""
    lines = []
    for place in range(SERIES):
        middle, height = 20 + place, 50 + 40 * place
        counts = [max(1, round(5 + height * 2.718281828 ** (-(((t - middle) / 12) ** 2)) * (1 + 0.3 * ((t * 7 + place) % 5 - 2) / 2))) for t in range(STEPS)]
        lines.append(",".join(map(str, counts)))
    path.write_text("\n".join(lines) + "\n")


def parsed(text):
    seconds, *lines = text.strip().splitlines()
    return float(seconds), [[float(n) for n in line.split(",")] for line in lines]


def reproduction(folder):
    path = folder / "series.csv"
    waves(path)
    (folder / "run.R").write_text(R)
    ours = ["cargo", "bench", "--quiet", "--locked", "-p", "epimodels", "--bench", "rt", "--", path]
    run = lambda command: subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    mine, other, reason = [], [], None
    for _ in range(TURNS):
        done = run(ours)
        done.check_returncode()
        seconds, found = parsed(done.stdout)
        mine.append(seconds)
        try:
            theirs = run(["Rscript", folder / "run.R", path])
        except FileNotFoundError:
            reason = "not run: R is not installed"
            continue
        if theirs.returncode:
            reason = "not run: " + theirs.stderr.strip().splitlines()[-1]
            continue
        reference, wanted = parsed(theirs.stdout)
        other.append(reference)
    row = {"series": SERIES, "steps": STEPS, "turns": TURNS, "threads": 1, "ours_seconds": statistics.median(mine)}
    if reason:
        return {**row, "epiestim": reason}
    apart = max(abs(a - b) / abs(b) for x, y in zip(found, wanted, strict=True) for a, b in zip(x, y, strict=True))
    return {**row, "epiestim_seconds": statistics.median(other), "ratio": round(statistics.median(other) / statistics.median(mine)),
            "ratios": [round(b / a) for a, b in zip(mine, other, strict=True)], "numbers": sum(map(len, found)),
            "largest_relative_difference": apart}


def main(hub=None, *further):
    others = [(target, Path(path).resolve()) for target, _, path in (f.partition("=") for f in further)]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        rows = {"us_week": "not run: no hub is named", "us_season": "not run: no hub is named"}
        if hub:
            hub = Path(hub).resolve()
            rows["us_week"] = backtest(hub, "2024-12-28", "2024-12-28", folder / "week")
            rows |= {target: backtest(path, "2025-07-19", "2025-07-19", folder / target, target) for target, path in others}
            rows["us_season"] = backtest(hub, "2024-11-23", "2025-05-31", folder / "season")
        rows["reproduction_number"] = reproduction(folder)
    if others:
        weeks = [rows["us_week"], *(rows[target] for target, _ in others)]
        rows["us_week_all_signals"] = {"signals": len(weeks), "seconds": round(sum(w["seconds"] for w in weeks), 1),
                                       "max_rss_mib": max(w["max_rss_mib"] for w in weeks)}
    day = datetime.date.today().isoformat()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    result = {"benchmark": "forecast-speed", "date": day, "cpu": cpu, "cores": os.cpu_count(), "load_before": os.getloadavg()[0], **rows}
    (ROOT / "bench/results" / f"forecast-speed-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, row in rows.items():
        print(name, row)
    most = {"us_week": 60, "us_week_all_signals": 60, "us_season": 1200}
    slow = hub and any(rows[name]["seconds"] > seconds for name, seconds in most.items() if name in rows)
    return int(bool(slow) or rows["reproduction_number"].get("largest_relative_difference", 0) > 1e-6)


if __name__ == "__main__":
    if any("=" not in arg for arg in sys.argv[2:]):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
