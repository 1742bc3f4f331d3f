#!/usr/bin/env python3
"""The scores of `vigie score` beside those of `scoringrules`, on recorded archives: largest difference, and seconds.

    python3 bench/forecast-reference/scores.py HUB FORECASTS.parquet [HUB FORECASTS.parquet …]

Every forecast with 23 quantiles whose truth is known is scored by both. WIS is 2 × the mean of `quantile_score` over the
levels (`weighted_interval_score` of scoringrules 0.10.0 is wrong); log1p is the same on ln(1 + max(0, x)); coverage is
whether the truth lies in the central interval; CRPS is that of 50 draws from each forecast. Ranked probability and Brier
scores of `--spread` are compared too. Two ratios: the same scores of what is in memory already, one thread each, and the whole
way from the hub's files to the scores (theirs with pandas). Exit code 1 if a number differs by more than 1e-9 of max(1, itself)."""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scoringrules as sr

ROOT = Path(__file__).resolve().parents[2]
VIGIE = os.environ.get("VIGIE", ROOT / "target/release/vigie")
LEVELS = np.array([0.01, 0.025, *np.arange(1, 20) / 20, 0.975, 0.99])
TASK = ["model", "reference_date", "target", "horizon", "target_end_date", "location"]
CLASSES = ["large_decrease", "decrease", "stable", "increase", "large_increase"]
DRAWS, SAMPLED = 50, 2000


def vigie(hub, forecasts, out, spread=None):
    more = ["--spread", spread] if spread else []
    start = time.perf_counter()
    subprocess.run([VIGIE, "score", "--hub", hub, "--model-output", forecasts, "--horizons=-9..99", "--out", out, *more],
                   check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def timed(job, *args):
    """Best of five."""
    def once():
        start = time.perf_counter()
        job(*args)
        return time.perf_counter() - start
    return min(once() for _ in range(5))


def in_memory(path):
    """Seconds of our scores without files, and the sum of WIS."""
    done = subprocess.run(["cargo", "bench", "--quiet", "--locked", "-p", "epimodels", "--bench", "wis", "--", path],
                          check=True, cwd=ROOT, capture_output=True, text=True)
    return tuple(float(n) for n in done.stdout.split())


def wide(path):
    """One row a forecast, one column a level; only those with all 23."""
    table = pd.read_parquet(path).rename(columns={"origin_date": "reference_date"})
    table["level"] = (table["quantile"] * 1000).round().astype(int)
    table = table.dropna(subset="value").astype({c: str for c in ("model", "reference_date", "target", "target_end_date", "location")})
    table = table.drop_duplicates([*TASK, "level"], keep="last")
    return table.pivot(index=TASK, columns="level", values="value")[list((LEVELS * 1000).round().astype(int))].dropna()


def theirs(q, y):
    """Scores of quantiles (rows, levels) by scoringrules."""
    wis = lambda q, y: 2 * np.mean([sr.quantile_score(y, q[:, i], level) for i, level in enumerate(LEVELS)], axis=0)
    log = lambda x: np.log1p(np.maximum(x, 0))
    inside = lambda i: ((q[:, i] <= y) & (y <= q[:, 22 - i])).astype(float)
    return {"wis": wis(q, y), "wis_log1p": wis(log(q), log(y)), "ae_median": np.abs(q[:, 11] - y),
            "coverage_50": inside(6), "coverage_80": inside(3), "coverage_95": inside(1)}


def largest(found, wanted):
    return float(np.max(np.abs(found - wanted) / np.maximum(1, np.abs(wanted))))


def compare(hub, path, folder):
    out, spread = folder / "scores.csv", folder / "spread.csv"
    seconds = min(vigie(hub, path, out) for _ in range(2))
    ours = pd.read_csv(out, dtype={"location": str, "horizon": int}).set_index(TASK)
    start = time.perf_counter()
    q = wide(path)
    truth = pd.read_parquet(Path(hub) / "target-data/time-series.parquet")
    truth.sort_values("as_of").drop_duplicates(["target", "location", "target_end_date"], keep="last")
    read = time.perf_counter() - start
    both = ours.index.intersection(q.index)
    ours, q = ours.loc[both], q.loc[both].to_numpy()
    y = ours["observation"].to_numpy()
    start = time.perf_counter()
    wanted = theirs(q, y)
    score = min(timed(theirs, q, y), time.perf_counter() - start)
    np.column_stack([q, y]).astype("<f8").tofile(folder / "forecasts.bin")
    memory, total = in_memory(folder / "forecasts.bin")
    row = {"forecasts": Path(path).name, "tasks": len(both), "tasks_of_ours": len(pd.read_csv(out)),
           "difference": {name: largest(ours[name].to_numpy(), values) for name, values in wanted.items()},
           "in_memory": {"ours_seconds": memory, "scoringrules_seconds": score, "ratio": round(score / memory, 1)},
           "from_files": {"ours_seconds": round(seconds, 2), "scoringrules_seconds": round(read + score, 2), "ratio": round((read + score) / seconds, 2)}}
    row["difference"]["sum over all in memory"] = abs(total / wanted["wis"].sum() - 1)
    parts = ours[["dispersion", "overprediction", "underprediction"]].sum(axis=1)
    row["difference"]["sum of the three parts"] = largest(parts.to_numpy(), wanted["wis"])
    row["difference"]["crps"] = samples(hub, q[:SAMPLED], both[:SAMPLED], y[:SAMPLED], folder)
    if "flu" in str(both[0][2]):
        try:
            vigie(hub, path, out, spread)
            row["difference"].update(of_spread(pd.read_csv(spread)))
        except subprocess.CalledProcessError:
            row["spread"] = "not run: no season with classes"
    return row


def samples(hub, q, tasks, y, folder):
    """CRPS of draws from the quantiles, written as hubverse samples beside the quantiles."""
    rng = np.random.default_rng(1)
    draws = np.array([np.interp(rng.random(DRAWS), LEVELS, row) for row in q])
    frame = pd.DataFrame(list(tasks), columns=TASK).assign(row=range(len(q)))
    def long(kind, ids, values):
        parts = [frame.assign(output_type=kind, output_type_id=i, value=values[:, k]) for k, i in enumerate(ids)]
        return pd.concat(parts).drop(columns="row")
    table = pd.concat([long("quantile", LEVELS.round(3), q), long("sample", range(DRAWS), draws)])
    table.to_csv(folder / "samples.csv", index=False)
    vigie(hub, folder / "samples.csv", folder / "crps.csv")
    ours = pd.read_csv(folder / "crps.csv", dtype={"location": str}).set_index(TASK).loc[tasks, "crps"].to_numpy()
    return largest(ours, sr.crps_ensemble(y, draws, estimator="nrg"))


def of_spread(table):
    happened = table["class"].map(CLASSES.index).to_numpy()
    rps = lambda prefix: sr.rps_score(happened + 1, table[[prefix + c for c in CLASSES]].to_numpy())
    found = {"rps": largest(table["rps"].to_numpy(), rps("")),
             "rps_climatology": largest(table["rps_climatology"].to_numpy(), rps("climatology_"))}
    for event in ("rises", "arrives"):
        some = table.dropna(subset=event)
        score = sr.brier_score(some[f"{event}_happened"].to_numpy(), np.clip(some[event].to_numpy(), 0, 1))
        found[f"brier_{event}"] = largest(some[f"brier_{event}"].to_numpy(), score)
    return found


def scoringutils():
    """R's scoringutils is in no package of Debian 12; where it is installed, only its presence is said here."""
    try:
        found = subprocess.run(["Rscript", "-e", 'cat(as.character(packageVersion("scoringutils")))'], capture_output=True, text=True)
    except FileNotFoundError:
        return "not run: R is not installed"
    return "not run: not compared by this program" if found.returncode == 0 else "not run: the package is not installed"


def main(pairs):
    with tempfile.TemporaryDirectory() as folder:
        rows = [compare(hub, path, Path(folder)) for hub, path in zip(pairs[::2], pairs[1::2])]
    day = datetime.date.today().isoformat()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    worst = max(max(row["difference"].values()) for row in rows)
    result = {"benchmark": "scores", "date": day, "cpu": cpu, "cores": os.cpu_count(), "scoringrules": sr.__version__,
              "scoringutils": scoringutils(), "largest_difference": worst, "rows": rows}
    (ROOT / "bench/results" / f"scores-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        print(f"{row['forecasts']}: {row['tasks']} of {row['tasks_of_ours']} tasks, in memory {row['in_memory']}, from files {row['from_files']}, differences {row['difference']}")
    return int(not worst <= 1e-9)


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
