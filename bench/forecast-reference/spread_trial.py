#!/usr/bin/env python3
"""Trials on the probability that it rises and on the five classes: a corrected base week, and what neighbours add; learnt on
the other season.

    python3 bench/forecast-reference/spread_trial.py HUB BACKTEST_2023 BACKTEST_2024 SPREAD_2023.csv SPREAD_2024.csv

SPREAD is what `vigie score --spread` wrote of the backtest. Neighbours of a place are weighted by how its weekly changes of
the fourth root went along with theirs, a week before, in the seasons before the one that is judged (as published by its first
reference date), and 0 where they did not."""

import sys
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd

CLASSES = ["large_decrease", "decrease", "stable", "increase", "large_increase"]
# Per 100,000, by horizon: where "stable" ends and where "large" begins.
LIMITS = {2023: ([1, 1, 2, 2.5], [2, 3, 4, 5]), 2024: ([0.3, 0.5, 0.7, 1], [1.7, 3, 4, 5])}
LEVELS = np.array([0.01, 0.025, *np.arange(1, 20) / 20, 0.975, 0.99])
PROBIT = np.array([NormalDist().inv_cdf(l) for l in LEVELS])
CDF = np.vectorize(NormalDist().cdf)
WEEK = pd.Timedelta(weeks=1)


def probability_below(q, at):
    """P(value <= at), linear in the probit between the quantiles, the outer slopes carried on."""
    out = np.empty(len(at))
    for i, (row, a) in enumerate(zip(q, at)):
        keep = np.r_[True, np.diff(row) > 0]
        x, z = row[keep], PROBIT[keep]
        if len(x) < 2:
            out[i] = float(a >= x[0])
            continue
        j = np.clip(np.searchsorted(x, a, side="right") - 1, 0, len(x) - 2)
        out[i] = z[j] + (a - x[j]) / (x[j + 1] - x[j]) * (z[j + 1] - z[j])
        out[i] = NormalDist().cdf(np.clip(out[i], -8, 8))
    return out


class Vintages:
    """What was known of every place, by week, on a day."""

    def __init__(self, hub):
        table = pd.read_parquet(Path(hub) / "target-data/time-series.parquet")
        for c in ("as_of", "target_end_date"):
            table[c] = pd.to_datetime(table[c])
        self.snapshots = {d: g for d, g in table.groupby("as_of")}
        self.days = sorted(self.snapshots)
        self.cache = {}

    def known(self, day):
        day = max(d for d in self.days if d <= day)
        if day not in self.cache:
            wide = self.snapshots[day].pivot(index="target_end_date", columns="location", values="observation")
            # A snapshot of two weeks or of few places lies over the one before.
            earlier = [d for d in self.days if d < day][-3:]
            for d in reversed(earlier):
                older = self.snapshots[d].pivot(index="target_end_date", columns="location", values="observation")
                wide = wide.combine_first(older[older.index < wide.index.min()]) if len(wide) < 20 else wide
            self.cache[day] = wide
        return self.cache[day]


def nowcast(vintages, origin):
    """Section 4 of method.md: the logarithm by which the last week is corrected, by place."""
    now = vintages.known(origin - 2 * pd.Timedelta(days=1))
    every = {}
    for back in range(1, 9):
        before, week = origin - back * WEEK, origin - (back + 1) * WEEK
        then = vintages.known(before - 2 * pd.Timedelta(days=1))
        if week in then.index and week in now.index and then.index.max() == week:
            d = np.log((now.loc[week] + 2) / (then.loc[week] + 2)).clip(-1, 1)
            for place, value in d.dropna().items():
                every.setdefault(place, []).append(value)
    mean = np.mean([v for vs in every.values() for v in vs]) if every else 0.0
    return {p: np.clip((sum(every.get(p, [])) + 6 * mean) / (len(every.get(p, [])) + 6), -0.2, 0.5) for p in now.columns}


def coupling(vintages, first):
    """Weights of neighbours from earlier seasons: lagged correlation of weekly changes, positive ones, summing to 1."""
    x = vintages.known(first - 2 * pd.Timedelta(days=1)) ** 0.25
    x = x.loc[: pd.Timestamp(first.year, 8, 1)].drop(columns="US")
    x = x[x.index.month.isin([10, 11, 12, 1, 2, 3, 4])]
    d = x.diff()
    led = d.shift(1)
    w = pd.DataFrame({a: led.drop(columns=a).corrwith(d[a]) for a in d.columns}).T.clip(lower=0).fillna(0)
    w = w.reindex(columns=d.columns).fillna(0) ** 2
    return w.div(w.sum(axis=1), axis=0)


def classes_score(q, base, horizon, population, year, came):
    """Ranked probability scores of the five classes of change from `base` on."""
    stable, large = (np.maximum(np.array(of)[horizon] * population / 1e5, 10) for of in LIMITS[year])
    # The value at a limit is of the class outside it.
    ends = [base - large, base - stable, base + stable - 1e-9, base + large - 1e-9]
    below = np.column_stack([probability_below(q, end) for end in ends])
    return ((below - (came[:, None] <= np.arange(4))) ** 2).sum(axis=1)


def logistic(x, y, ridge=1.0):
    x = np.c_[np.ones(len(x)), x]
    b = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -30, 30)))
        w = p * (1 - p) + 1e-9
        b += np.linalg.solve(x.T * w @ x + ridge * np.eye(len(b)), x.T @ (y - p) - ridge * b)
    return lambda z: 1 / (1 + np.exp(-np.clip(np.c_[np.ones(len(z)), z] @ b, -30, 30)))


def season(vintages, backtest, spread, people):
    files = sorted((Path(backtest) / "model-output/Vigie-pool").glob("*.csv"))
    q = pd.concat([pd.read_csv(f, dtype={"location": str}) for f in files])
    key = ["reference_date", "horizon", "location"]
    q = q.pivot(index=key, columns="output_type_id", values="value")
    rows = pd.read_csv(spread, dtype={"location": str})
    rows = rows[rows["model"] == "Vigie-pool"].set_index(key)
    q = q.loc[rows.index].to_numpy()
    weights = coupling(vintages, pd.Timestamp(rows.index.get_level_values(0).min()))
    base, corrected, own, near, nation = (np.empty(len(rows)) for _ in range(5))
    last = None
    for i, (date, _, place) in enumerate(rows.index):
        if date != last:
            last, origin = date, pd.Timestamp(date)
            known, f = vintages.known(origin - pd.Timedelta(days=2)), nowcast(vintages, origin)
            now, before = known.loc[origin - WEEK], known.loc[origin - 2 * WEEK]
            growth = (now + 2) ** 0.25 - (before + 2) ** 0.25
            size = (now + 2) ** 0.25
            change = (growth / size).fillna(0)
        base[i] = now[place]
        corrected[i] = now[place] * np.exp(f.get(place, 0))
        own[i] = change[place]
        nation[i] = change["US"]
        near[i] = change["US"] if place == "US" else float((weights.loc[place] * change.reindex(weights.columns).fillna(0)).sum())
    p = np.clip(1 - probability_below(q, base), 1e-4, 1 - 1e-4)
    pc = np.clip(1 - probability_below(q, corrected), 1e-4, 1 - 1e-4)
    h, came = rows.index.get_level_values(1).to_numpy(), rows["class"].map(CLASSES.index).to_numpy()
    first = pd.Timestamp(rows.index.get_level_values(0).min())
    rps = [classes_score(q, b, h, people.loc[rows.index.get_level_values(2)].to_numpy(), first.year, came) for b in (base, corrected)]
    return {"h": h, "rps": rps, "rps_stored": rows["rps"].to_numpy(), "y": rows["rises_happened"].to_numpy(float), "stored": rows["rises"].to_numpy(),
            "p": p, "pc": pc, "own": own, "near": near, "nation": nation, "climatology": rows["climatology_rises"].to_numpy()}


def main(hub, one, two, spread_one, spread_two):
    vintages = Vintages(hub)
    people = pd.read_csv(Path(hub) / "auxiliary-data/locations.csv", dtype={"location": str}).set_index("location")["population"]
    seasons = [season(vintages, one, spread_one, people), season(vintages, two, spread_two, people)]
    brier = lambda p, y: float(np.mean((p - y) ** 2))
    logit = lambda p: np.log(p / (1 - p))
    for name, here, there in (("2023-24", *seasons), ("2024-25", *seasons[::-1])):
        print(name, "largest difference from what vigie said:", np.abs(np.clip(here["stored"], 1e-4, 1 - 1e-4) - here["p"]).max())
        print("  five classes, RPS: vigie", round(here["rps_stored"].mean(), 4))
        for label, scores, p in (("as it is", here["rps"][0], here["p"]), ("corrected base", here["rps"][1], here["pc"])):
            by = [(scores[here["h"] == h].mean(), brier(p[here["h"] == h], here["y"][here["h"] == h])) for h in np.unique(here["h"])]
            print(f"    {label:16} {scores.mean():.4f}; by horizon RPS {[round(float(r), 4) for r, _ in by]}, Brier of rises {[round(b, 4) for _, b in by]}")
        result = {"climatology": brier(here["climatology"], here["y"]), "as it is": brier(here["p"], here["y"]), "corrected base": brier(here["pc"], here["y"])}
        for label, columns in (("slope only", []), ("own growth", ["own"]), ("nation", ["own", "nation"]), ("neighbours", ["own", "nation", "near"])):
            out = np.empty(len(here["y"]))
            for h in np.unique(here["h"]):
                x = lambda s: np.column_stack([logit(s["p"]), *[s[c] for c in columns]])[s["h"] == h] if columns else logit(s["p"])[s["h"] == h][:, None]
                out[here["h"] == h] = logistic(np.c_[x(there)], there["y"][there["h"] == h])(x(here))
            result["logistic: " + label] = brier(out, here["y"])
            if label in ("own growth", "neighbours"):
                print("   ", label, "by horizon", [round(brier(out[here["h"] == h], here["y"][here["h"] == h]), 4) for h in np.unique(here["h"])])
        for label, score in result.items():
            print(f"  {label:24} {score:.4f}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
