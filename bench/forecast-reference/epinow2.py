#!/usr/bin/env python3
"""The weekly Rt of this project beside the estimates that EpiNow2 publishes for its own example.

    python3 bench/forecast-reference/epinow2.py CHECKOUT

CHECKOUT is a git checkout (or the git directory) of github.com/epiforecasts/EpiNow2. Its package carries the posterior of the example
of its introduction: 60 days of `example_confirmed` with the generation time and the delays that it names. Read are the draws of R by
day of infection, the mean generation time of the fit, and the counts. R (without rstan) reads the file; numpy is needed. Without the
checkout or R the answer is `not run`.

First R by infection, from the same counts by week and the delays of the file (each a log-normal law; ours a gamma law of the
same mean and variance): a week of infection beside the mean of their draws over its seven days, with the 95 % band of both. Nothing in
the example is cut off on the right, so only the delay is compared.

Then R by report, without a delay: a report week is set beside the days of infection that lie the mean delay before it. Shown for
both: median and 90 % band. Overlap: what the bands have in common, divided by what either covers."""

import csv
import datetime
import io
import math
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = "inst/extdata/example_estimate_infections.rds"
BURN_IN = 3
# Share of a week's reports that must be due.
DUE = 0.5
R = """
x <- readRDS(commandArgs(TRUE)[1])
sim <- attr(x$fit, "sim")
draws <- function(name) unlist(lapply(seq_along(sim$samples), function(chain) {
  values <- sim$samples[[chain]][[name]]
  values[(sim$warmup2[chain] + 1):length(values)]
}))
line <- function(name, values) cat(paste(c(name, sprintf("%.17g", values)), collapse = ","), "\\n", sep = "")
line("first", as.numeric(x$observations$date[1]))
line("counts", x$observations$confirm)
line("generation", rev(sapply(seq_len(x$args$delay_max[1] + 1), function(i) mean(draws(sprintf("gt_rev_pmf[%d]", i))))))
line("delays", x$args$delay_params_mean[3:6])
for (day in seq_len(nrow(x$observations))) line("R", draws(sprintf("R[%d]", day)))
"""


def published(checkout, folder):
    """The rows that R reads from the file, or why there are none."""
    git = checkout / ".git" if (checkout / ".git").exists() else checkout
    blob = subprocess.run(["git", "--git-dir", git, "show", f"HEAD:{FILE}"], capture_output=True)
    if blob.returncode:
        return None, f"no {FILE} in {checkout}"
    (folder / "example.rds").write_bytes(blob.stdout)
    (folder / "read.R").write_text(R)
    try:
        done = subprocess.run(["Rscript", folder / "read.R", folder / "example.rds"], capture_output=True, text=True)
    except FileNotFoundError:
        return None, "Rscript is not installed"
    if done.returncode:
        return None, done.stderr.strip()
    rows = {}
    for name, *values in csv.reader(io.StringIO(done.stdout)):
        rows.setdefault(name, []).append([float(v) for v in values])
    return rows, None


def ours(folder, generation, series):
    """Shape and scale of R for each series and week from the second on."""
    path = folder / "series.csv"
    path.write_text("".join(",".join(repr(float(n)) for n in line) + "\n" for line in [generation, *series]))
    return [list(zip(line[::2], line[1::2], strict=True)) for line in bench(path)]


def bench(path):
    """What the bench answers to a file, line by line."""
    done = subprocess.run(["cargo", "bench", "--quiet", "--locked", "-p", "epimodels", "--bench", "rt_weekly", "--", path],
                          cwd=ROOT, capture_output=True, text=True)
    done.check_returncode()
    return [[float(n) for n in line.split(",")] for line in done.stdout.strip().splitlines()]


def delayed(rows, folder):
    """Ours with the delay of the file beside theirs, by week of infection."""
    import numpy as np

    counts, draws = rows["counts"][0], np.array(rows["R"])
    stages = [(math.exp(m + s * s / 2), math.exp(m + s * s / 2) * math.sqrt(math.exp(s * s) - 1))
              for m, s in zip(*[iter(rows["delays"][0])] * 2, strict=True)]
    start = len(counts) % 7
    weeks = [sum(counts[day:day + 7]) for day in range(start, len(counts), 7)]
    path = folder / "delayed.csv"
    line = lambda numbers: ",".join(repr(float(n)) for n in numbers)
    path.write_text(f"{line(rows['generation'][0])}\ndelay,{line(n for stage in stages for n in stage)}\n{line(weeks)}\n")
    numbers = bench(path)[0]
    print("week of infection   EpiNow2            ours               overlap  due")
    inside = {"their median in our band": 0, "our median in their band": 0, "bands meet": 0}
    served = []
    for week, (due, low, _, median, _, high) in enumerate(zip(*[iter(numbers)] * 6, strict=True), 1):
        day = start + 7 * week
        theirs = np.quantile(draws[day:day + 7].mean(axis=0), [0.5, 0.025, 0.975])
        overlap = max(0, min(high, theirs[2]) - max(low, theirs[1])) / (max(high, theirs[2]) - min(low, theirs[1]))
        first = datetime.date(1970, 1, 1) + datetime.timedelta(rows["first"][0][0] + day + 6)
        why = "" if week >= BURN_IN and due >= DUE else "  not served"
        print(f"to {first}       {theirs[0]:.2f} ({theirs[1]:.2f}–{theirs[2]:.2f})   {median:.2f} ({low:.2f}–{high:.2f})   {overlap:.2f}     {due:.2f}{why}")
        if not why:
            served.append((median / theirs[0] - 1, (high - low) / (theirs[2] - theirs[1])))
            inside["their median in our band"] += low <= theirs[0] <= high
            inside["our median in their band"] += theirs[1] <= median <= theirs[2]
            inside["bands meet"] += overlap > 0
    print(f"of {len(served)} weeks that would be served: " + ", ".join(f"{name} {n}" for name, n in inside.items()))
    print(f"medians apart at most {max((d for d, _ in served), key=abs):+.1%}; our band {min(w for _, w in served):.1f} to {max(w for _, w in served):.1f} times as wide\n")


def compare(rows, folder):
    import numpy as np
    from transmission import RATE, SHAPE, dispersions, gamma_quantile

    counts, generation = rows["counts"][0], rows["generation"][0]
    draws = np.array(rows["R"])
    incubation, reporting = (math.exp(m + s * s / 2) for m, s in zip(*[iter(rows["delays"][0])] * 2, strict=True))
    delay = round(incubation + reporting)
    first = datetime.date(1970, 1, 1) + datetime.timedelta(rows["first"][0][0])
    # The last week ends with the last day.
    start = len(counts) % 7
    weeks = [sum(counts[day:day + 7]) for day in range(start, len(counts), 7)]
    phi = dispersions(np.array(weeks), True)
    poisson, scattered = ours(folder, generation, [weeks, [w / phi[-1] for w in weeks]])
    mean = sum(k * p for k, p in enumerate(generation))
    print(f"generation {mean:.2f} days (mean of their fit), delay {incubation:.1f} + {reporting:.1f} days: {delay}")
    print("report week      infected from    EpiNow2            ours               overlap  of Poisson band")
    answer = []
    for week in range(1, len(weeks)):
        day = start + 7 * week - delay
        if day < 0:
            continue
        theirs = np.quantile(draws[day:day + 7].mean(axis=0), [0.5, 0.05, 0.95])
        wider = phi[-1] / phi[week]
        a, b = scattered[week - 1]
        a, b = SHAPE + (a - SHAPE) * wider, 1 / (RATE + (1 / b - RATE) * wider)
        found = [[gamma_quantile(p, *law) for p in (0.5, 0.05, 0.95)] for law in ((a, b), poisson[week - 1])]
        overlap = [max(0, min(f[2], theirs[2]) - max(f[1], theirs[1])) / (max(f[2], theirs[2]) - min(f[1], theirs[1])) for f in found]
        end, infected = (first + datetime.timedelta(d) for d in (start + 7 * week + 6, day))
        show = lambda q: f"{q[0]:.2f} ({q[1]:.2f}–{q[2]:.2f})"
        burn = "" if week >= BURN_IN else "  burn-in: not served"
        print(f"to {end}    {infected}       {show(theirs)}   {show(found[0])}   {overlap[0]:.2f}     {overlap[1]:.2f}{burn}")
        answer.append((week, found[0][0] / theirs[0] - 1, overlap[0]))
    served = [row for row in answer if row[0] >= BURN_IN]
    largest = max(served, key=lambda row: abs(row[1]))
    print(f"bands meet in {sum(o > 0 for _, _, o in served)} of {len(served)} weeks that would be served; medians apart at most {largest[1]:+.1%}")


def main(checkout=None):
    if checkout is None or not Path(checkout).is_dir():
        print("not run: name a checkout of github.com/epiforecasts/EpiNow2")
        return
    with tempfile.TemporaryDirectory() as folder:
        rows, reason = published(Path(checkout).resolve(), Path(folder))
        if rows is None:
            print(f"not run: {reason}")
            return
        delayed(rows, Path(folder))
        compare(rows, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
