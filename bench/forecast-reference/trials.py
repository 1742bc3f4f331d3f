#!/usr/bin/env python3
"""Trials on what a backtest wrote: weights of the members, members left out, wider bands; each setting learnt on other
seasons than the one that it is judged on.

    python3 bench/forecast-reference/trials.py CELL=HUB,BACKTEST,FORECASTS.parquet,BASELINE,TARGET …

CELL names a season after a colon (`US:2023`), and what is learnt for a cell comes from the cells of other seasons with the
same name before the colon. BACKTEST is the --out of `vigie backtest --members`."""

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

LEVELS = np.array([0.01, 0.025, *np.arange(1, 20) / 20, 0.975, 0.99])
KEY = ["reference_date", "horizon", "target_end_date", "location"]


def wide(table):
    table = table.assign(level=(table["level"].astype(float) * 1000).round().astype(int), horizon=table["horizon"].astype(int))
    for c in ("reference_date", "target_end_date", "location"):
        table[c] = table[c].astype(str)
    table = table.dropna(subset="value").drop_duplicates([*KEY, "level"], keep="last")
    return table.pivot(index=KEY, columns="level", values="value")[list((LEVELS * 1000).round().astype(int))].dropna()


def model(folder, name):
    files = sorted((Path(folder) / "model-output" / name).glob("*.csv"))
    table = pd.concat([pd.read_csv(f, dtype={"location": str}) for f in files])
    return wide(table.rename(columns={"output_type_id": "level"}))


def archive(path, name, target):
    table = pd.read_parquet(path, filters=[("model", "==", name), ("target", "==", target)])
    return wide(table.rename(columns={"origin_date": "reference_date", "quantile": "level"}))


def truth(hub, target):
    table = pd.read_parquet(Path(hub) / "target-data/time-series.parquet")
    table = table[table["target"] == target].sort_values("as_of").drop_duplicates(["location", "target_end_date"], keep="last")
    return {(l, str(d)): v for l, d, v in zip(table["location"], table["target_end_date"], table["observation"])}


def wis(q, y):
    miss = y[:, None] - q
    return 2 * np.where(miss >= 0, LEVELS * miss, (LEVELS - 1) * miss).mean(axis=1)


def log(x):
    return np.log1p(np.maximum(x, 0))


def cover(q, y):
    return [float(np.mean((q[:, i] <= y) & (y <= q[:, 22 - i]))) for i in (6, 3, 1)]


class Cell:
    def __init__(self, hub, backtest, forecasts, baseline, target):
        known = truth(hub, target)
        self.members = {m: model(backtest, f"Vigie-pool{s}") for m, s in (("all", ""), ("gbq", "-gbq"), ("lin", "-lin"), ("knn", "-knn"))
                        if (Path(backtest) / "model-output" / f"Vigie-pool{s}").exists()}
        self.everywhere = self.members["all"]
        base = archive(forecasts, baseline, target)
        keys = [k for k in base.index.intersection(self.everywhere.index) if (k[3], k[2]) in known]
        self.y = np.array([known[k[3], k[2]] for k in keys])
        self.h = np.array([k[1] for k in keys])
        self.q = {m: t.loc[keys].to_numpy() for m, t in self.members.items() if set(keys) <= set(t.index)}
        self.base = base.loc[keys].to_numpy()
        # All places that were forecast, for what is learnt of bands.
        every = [k for k in self.everywhere.index if (k[3], k[2]) in known]
        self.all_q, self.all_y = self.everywhere.loc[every].to_numpy(), np.array([known[k[3], k[2]] for k in every])

    def rel(self, q):
        return wis(q, self.y).mean() / wis(self.base, self.y).mean(), wis(log(q), log(self.y)).mean() / wis(log(self.base), log(self.y)).mean()

    def mix(self, weights):
        total = sum(weights.values())
        return np.sort(np.maximum(0, sum(w / total * self.q[m] for m, w in weights.items())), axis=1)


def widen(q, by):
    """Distances from the median times `by`, on the fourth root."""
    x = np.maximum(q, 0) ** 0.25
    m = x[:, 11:12]
    return np.sort(np.maximum(0, m + by * (x - m)) ** 4, axis=1)


def learnt_width(q, y, share=0.5):
    """The factor with which the central half holds half of the truths."""
    return min(np.arange(0.8, 2.01, 0.05), key=lambda by: abs(cover(widen(q, by), y)[0] - share))


def line(name, cell, q):
    r, l = cell.rel(q)
    print(f"  {name:38} {r:.3f}/{l:.3f}  c50 {cover(q, cell.y)[0]:.2f} c80 {cover(q, cell.y)[1]:.2f} c95 {cover(q, cell.y)[2]:.2f}")
    return r, l


SIMPLEX = [(a / 10, b / 10, (10 - a - b) / 10) for a, b in product(range(11), repeat=2) if a + b <= 10]


def main(args):
    cells = {}
    for arg in args:
        name, rest = arg.split("=", 1)
        cells[name] = Cell(*rest.split(","))
    pooled = {"kept": [], "widened by other seasons": []}
    for name, cell in cells.items():
        print(name, len(cell.y), "tasks")
        others = [c for n, c in cells.items() if n.split(":")[1] != name.split(":")[1]]
        same = [c for n, c in cells.items() if n.split(":")[0] == name.split(":")[0] and n != name]
        line("as it is", cell, cell.q["all"])
        if {"gbq", "lin", "knn"} <= set(cell.q):
            for only in (("gbq",), ("lin",), ("knn",), ("gbq", "lin"), ("gbq", "knn"), ("lin", "knn"), ("gbq", "lin", "knn")):
                line("equal: " + "+".join(only), cell, cell.mix({m: 1 for m in only}))
            learn = [c for c in (same or others) if {"gbq", "lin", "knn"} <= set(c.q)]
            if learn:
                score = lambda w: np.mean([c.rel(c.mix(dict(zip(("gbq", "lin", "knn"), w))))[1] for c in learn])
                best = min(SIMPLEX, key=score)
                line(f"weights of other seasons {best}", cell, cell.mix(dict(zip(("gbq", "lin", "knn"), best))))
                own = min(SIMPLEX, key=lambda w: cell.rel(cell.mix(dict(zip(("gbq", "lin", "knn"), w))))[1])
                line(f"(not allowed: its own best {own})", cell, cell.mix(dict(zip(("gbq", "lin", "knn"), own))))
        if others:
            joined = lambda q, y: learnt_width(np.concatenate([q(c) for c in others]), np.concatenate([y(c) for c in others]))
            by = joined(lambda c: c.all_q, lambda c: c.all_y)
            print(f"  all places: c50 {cover(cell.all_q, cell.all_y)[0]:.2f} of {len(cell.all_y)}; factor of other seasons {by:.2f}")
            line(f"bands x {by:.2f}, all places of others", cell, widen(cell.q["all"], by))
            mine = joined(lambda c: c.q["all"], lambda c: c.y)
            line(f"bands x {mine:.2f}, these places of others", cell, widen(cell.q["all"], mine))
            pooled["kept"].append((cell.q["all"], cell.y, cell))
            pooled["widened by other seasons"].append((widen(cell.q["all"], by), cell.y, cell))
    for name, parts in pooled.items():
        q, y = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        print("pooled,", name, [round(c, 3) for c in cover(q, y)], "of", len(y))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
