#!/usr/bin/env python3
"""The scores of `vigie score` beside those of `scoringrules`, on recorded archives: largest difference, and seconds.

    python3 bench/forecast-reference/scores.py HUB FORECASTS.parquet [HUB FORECASTS.parquet …]

Every forecast with 23 quantiles whose truth is known is scored by both. WIS is 2 × the mean of `quantile_score` over the
levels (`weighted_interval_score` of scoringrules 0.10.0 is wrong); log1p is the same on ln(1 + max(0, x)); coverage is
whether the truth lies in the central interval; CRPS is that of 50 draws from each forecast. Ranked probability and Brier
scores of `--spread` are compared too; bias with the formula that scoringutils documents, programmed here.

Times are medians of runs in turns of one program and the others, under the same load. `from_files`: ours reads, scores and
writes the table; theirs reads with pandas, pivots, joins the truth of the last publication and scores, without the start of Python and
without writing; `from_files_arrow_types` is the same with the columns left in pyarrow's types. `in_memory`: the same scores of what is read already, one
thread each. `scoringutils` (R, where it is installed): its `score` of a table in memory, one thread, without reading, per forecast; beside
it our whole way from the files per forecast. Exit code 1 if a number differs by more than 1e-9 of max(1, itself).

SCORES_REPEATS (default 5) is how often each is run."""

import datetime
import json
import os
import statistics
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
THOUSANDTHS = list((LEVELS * 1000).round().astype(int))
CLASSES = ["large_decrease", "decrease", "stable", "increase", "large_increase"]
DRAWS, SAMPLED = 50, 2000
# scoringutils would take minutes for a whole archive: it gets every n-th forecast, at most so many.
SAMPLED_R = int(os.environ.get("SCORES_SCORINGUTILS", "4000"))
REPEATS = int(os.environ.get("SCORES_REPEATS", "5"))
SERIES = ["target", "location", "target_end_date"]


def vigie(hub, forecasts, out, spread=None):
    more = ["--spread", spread] if spread else []
    start = time.perf_counter()
    subprocess.run([VIGIE, "score", "--hub", hub, "--model-output", forecasts, "--horizons=-9..99", "--out", out, *more],
                   check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def timed(job, *args):
    """Seconds, and the answer."""
    start = time.perf_counter()
    answer = job(*args)
    return time.perf_counter() - start, answer


def in_memory(path):
    """Seconds of our scores without files, and the sum of WIS."""
    done = subprocess.run(["cargo", "bench", "--quiet", "--locked", "-p", "epimodels", "--bench", "wis", "--", path],
                          check=True, cwd=ROOT, capture_output=True, text=True)
    return tuple(float(n) for n in done.stdout.split())


def read(hub, path, types):
    """One row a forecast with all 23 quantiles, one column a level, and the truth of the last publication."""
    table = pd.read_parquet(path, **types).rename(columns={"origin_date": "reference_date"})
    table["level"] = (table["quantile"] * 1000).round().astype(int)
    wide = table.dropna(subset="value").pivot(index=TASK, columns="level", values="value")[THOUSANDTHS].dropna()
    truth = pd.read_parquet(Path(hub) / "target-data/time-series.parquet", **types)
    return wide.reset_index().merge(truth[truth["as_of"] == truth["as_of"].max()], on=SERIES)


def from_files(hub, path, **types):
    """Tasks, quantiles, truth and scores."""
    table = read(hub, path, types)
    q, y = table[THOUSANDTHS].to_numpy(dtype=float), table["observation"].to_numpy(dtype=float)
    return table[TASK], q, y, theirs(q, y)


def theirs(q, y):
    """Scores of quantiles (rows, levels) by scoringrules."""
    wis = lambda q, y: 2 * np.mean([sr.quantile_score(y, q[:, i], level) for i, level in enumerate(LEVELS)], axis=0)
    log = lambda x: np.log1p(np.maximum(x, 0))
    inside = lambda i: ((q[:, i] <= y) & (y <= q[:, 22 - i])).astype(float)
    return {"wis": wis(q, y), "wis_log1p": wis(log(q), log(y)), "ae_median": np.abs(q[:, 11] - y),
            "coverage_50": inside(6), "coverage_80": inside(3), "coverage_95": inside(1)}


def largest(found, wanted):
    return float(np.max(np.abs(found - wanted) / np.maximum(1, np.abs(wanted))))


def bias(q, y):
    """1 - 2 x the highest level whose quantile is not above the truth, if that is below the median (0 without one); the lowest
    whose quantile is not below it, if above (1 without one); 0 at the median; NaN where quantiles cross."""
    below = np.where(q <= y[:, None], LEVELS, 0).max(axis=1)
    above = np.where(q >= y[:, None], LEVELS, 1).min(axis=1)
    found = np.select([y < q[:, 11], y > q[:, 11]], [1 - 2 * below, 1 - 2 * above], 0)
    return np.where((np.diff(q) < 0).any(axis=1), np.nan, found)


def compare(hub, path, folder):
    out, spread = folder / "scores.csv", folder / "spread.csv"
    arrow = lambda: from_files(hub, path, dtype_backend="pyarrow")
    vigie(hub, path, out), from_files(hub, path), arrow()
    mine, plain, fast, calculated, memory = [], [], [], [], []
    for _ in range(REPEATS):
        mine.append(vigie(hub, path, out))
        seconds, (tasks, q, y, wanted) = timed(from_files, hub, path)
        plain.append(seconds)
        fast.append(timed(arrow)[0])
    np.column_stack([q, y]).astype("<f8").tofile(folder / "forecasts.bin")
    for _ in range(REPEATS):
        seconds, total = in_memory(folder / "forecasts.bin")
        memory.append(seconds)
        calculated.append(timed(theirs, q, y)[0])
    read_back = pd.read_csv(out, dtype={"location": str, "horizon": int})
    tasks = pd.MultiIndex.from_frame(tasks.astype({c: str for c in TASK if c != "horizon"}).astype({"horizon": int}))
    ours = read_back.set_index(TASK).loc[tasks]
    row = {"forecasts": Path(path).name, "tasks": len(tasks), "tasks_of_ours": len(read_back),
           "difference": {name: largest(ours[name].to_numpy(), values) for name, values in wanted.items()},
           "in_memory": ratio("scoringrules", memory, calculated),
           "from_files": ratio("scoringrules", mine, plain), "from_files_arrow_types": ratio("scoringrules", mine, fast)}
    row["difference"]["sum over all in memory"] = float(abs(total / wanted["wis"].sum() - 1))
    sides, crossing = bias(q, y), np.isnan(bias(q, y))
    if not (ours["bias"].isna().to_numpy() == crossing).all():
        row["difference"]["bias"] = float("inf")
    else:
        row["difference"]["bias"] = largest(ours["bias"].to_numpy()[~crossing], sides[~crossing])
    row["crossing"] = int(crossing.sum())
    some = np.flatnonzero(~crossing)
    some = some[:: -(-len(some) // SAMPLED_R)]
    row["scoringutils"] = scoringutils(q[some], y[some], ours.iloc[some], statistics.median(mine) / len(read_back), folder)
    parts = ours[["dispersion", "overprediction", "underprediction"]].sum(axis=1)
    row["difference"]["sum of the three parts"] = largest(parts.to_numpy(), wanted["wis"])
    row["difference"]["crps"] = samples(hub, q[:SAMPLED], tasks[:SAMPLED], y[:SAMPLED], folder)
    if "flu" in str(tasks[0][2]):
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


def ratio(name, mine, other):
    """Medians, their ratio, and the ratio of each pair of runs."""
    ours, theirs = statistics.median(mine), statistics.median(other)
    return {"ours_seconds": round(ours, 5), f"{name}_seconds": round(theirs, 5), "ratio": round(theirs / ours, 2),
            "ratios": [round(b / a, 2) for a, b in zip(mine, other)]}


R = """
suppressMessages({library(data.table); library(scoringutils)})
args <- commandArgs(TRUE); n <- as.integer(args[2]); setDTthreads(1)
numbers <- matrix(readBin(args[1], "double", n * 24L), nrow = n, byrow = TRUE)
levels <- c(0.01, 0.025, round(seq(0.05, 0.95, 0.05), 2), 0.975, 0.99)
long <- data.table(row = rep(seq_len(n), each = 23L), quantile_level = rep(levels, n),
                   predicted = as.vector(t(numbers[, 1:23])), observed = rep(numbers[, 24], each = 23L))
log <- copy(long)[, c("predicted", "observed") := .(log1p(pmax(predicted, 0)), log1p(pmax(observed, 0)))]
metrics <- c(get_metrics(example_quantile, exclude = c("interval_coverage_50", "interval_coverage_90")),
  lapply(c(coverage_50 = 50, coverage_80 = 80, coverage_95 = 95), function(r) purrr::partial(interval_coverage, interval_range = r)))
quantiles <- function(t) suppressMessages(as_forecast_quantile(t, forecast_unit = "row"))
natural <- quantiles(long); log <- quantiles(log)
seconds <- system.time({
  found <- score(natural, metrics = metrics)
  found$wis_log1p <- score(log, metrics = metrics["wis"])$wis
})[["elapsed"]]
fwrite(as.data.table(found)[order(row)], args[3])
cat(sprintf("%.17g %s", seconds, packageVersion("scoringutils")))
"""


def scoringutils(q, y, ours, each, folder):
    """R's scoringutils on forecasts of which ours takes `each` seconds: one run, and the largest differences; or why not."""
    np.column_stack([q, y]).astype("<f8").tofile(folder / "monotone.bin")
    (folder / "scoringutils.R").write_text(R)
    command = ["Rscript", folder / "scoringutils.R", folder / "monotone.bin", str(len(y)), folder / "scoringutils.csv"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "not run: R is not installed"
    if done.returncode:
        return "not run: " + (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    reference, version = done.stdout.split()
    wanted = pd.read_csv(folder / "scoringutils.csv")
    names = ["wis", "dispersion", "overprediction", "underprediction", "wis_log1p", "bias", "ae_median",
                         "coverage_50", "coverage_80", "coverage_95"]
    return {"version": version, "forecasts": len(y), "seconds": round(float(reference), 2), "microseconds_each": round(float(reference) / len(y) * 1e6, 1),
            "ours_from_files_microseconds_each": round(each * 1e6, 2), "ratio": round(float(reference) / len(y) / each),
            "difference": {n: largest(ours[n].to_numpy(dtype=float), wanted[n].to_numpy(dtype=float)) for n in names}}


def together_of(rows):
    """All archives: the sums of their medians."""
    ours, theirs = (sum(row[f"{name}_seconds"] for row in rows) for name in ("ours", "scoringrules"))
    return {"ours_seconds": round(ours, 5), "scoringrules_seconds": round(theirs, 5), "ratio": round(theirs / ours, 2)}


def main(pairs):
    with tempfile.TemporaryDirectory() as folder:
        rows = [compare(hub, path, Path(folder)) for hub, path in zip(pairs[::2], pairs[1::2])]
    day = datetime.date.today().isoformat()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    differences = [row["difference"] for row in rows]
    differences += [row["scoringutils"]["difference"] for row in rows if isinstance(row["scoringutils"], dict)]
    worst = max(max(d.values()) for d in differences)
    together = {way: together_of([row[way] for row in rows]) for way in ("in_memory", "from_files", "from_files_arrow_types")}
    result = {"benchmark": "scores", "date": day, "cpu": cpu, "cores": os.cpu_count(), "load": os.getloadavg(), "repeats": REPEATS,
              "scoringrules": sr.__version__, "pandas": pd.__version__, "largest_difference": worst, "together": together, "rows": rows}
    (ROOT / "bench/results" / f"scores-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        print(*(f"{name}: {value}" for name, value in row.items()), sep="\n  ")
    print("together", together)
    return int(not worst <= 1e-9)


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
