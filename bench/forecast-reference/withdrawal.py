#!/usr/bin/env python3
"""The rule of withdrawal (docs/forecast/method.md, 11) on the scores of past seasons: in which weeks would the model have
been off the pages, and were the forecasts that nobody had seen then worse than the others?

    python3 bench/forecast-reference/withdrawal.py NAME=SCORES.csv,MODEL,BASELINE,TARGET[,PLACE …] …

SCORES.csv is the --out of `vigie score` with both models. A week has its figure from the reference date one week later on, as in
both hubs; the figure is the final one, not the first (the platform itself takes the one that was known). The numbers of the rule are read
from crates/kit/src/record.rs."""

import re
import sys
from pathlib import Path

import pandas as pd

RULE = (Path(__file__).resolve().parents[2] / "crates/kit/src/record.rs").read_text()


def number(name):
    return float(re.search(rf"const {name}: \w+ = ([0-9.]+);", RULE)[1])


WEEKS, COVERAGE, RELATIVE = int(number("RULE_WEEKS")), number("LEAST_COVERAGE_80"), number("LARGEST_RELATIVE_WIS")
KEY = ["reference_date", "horizon", "target_end_date", "location"]


def scores(path, model, baseline, target, *places):
    table = pd.read_csv(path, dtype={"location": str}, parse_dates=["reference_date", "target_end_date"])
    table = table[table["target"] == target]
    if places:
        table = table[table["location"].isin(places)]
    ours, theirs = (table[table["model"] == m].set_index(KEY) for m in (model, baseline))
    both = ours.join(theirs["wis"].rename("baseline"), how="inner").reset_index()
    if both.empty:
        sys.exit(f"{path}: no task of {target} that {model} and {baseline} both have")
    return both


def verdict(known):
    """`None`: too few weeks. Else the words of what failed, an empty one if nothing did."""
    newest = sorted(known["target_end_date"].unique())[-WEEKS:]
    if len(newest) < WEEKS:
        return None
    last = known[known["target_end_date"].isin(newest)]
    held, relative = last["coverage_80"].mean(), last["wis"].sum() / last["baseline"].sum()
    failed = [f"held {held:.2f}"] if held < COVERAGE else []
    return ", ".join(failed + ([f"WIS {relative:.2f}"] if relative > RELATIVE else []))


def ratio(table):
    return f"{table['wis'].sum() / table['baseline'].sum():.3f} ({len(table)})" if len(table) else "–"


def main(arguments):
    for argument in arguments:
        name, what = argument.split("=", 1)
        table = scores(*what.split(","))
        dates = sorted(table["reference_date"].unique())
        said = {d: verdict(table[table["target_end_date"] < d]) for d in dates}
        off = [d for d in dates if said[d]]
        shown = table[table["reference_date"].map(lambda d: said[d] == "")]
        print(f"{name}: {len(dates)} reference dates, {sum(v is not None for v in said.values())} with {WEEKS} weeks before, "
              f"withdrawn on {len(off)}; relative WIS shown {ratio(shown)}, withdrawn {ratio(table[table['reference_date'].isin(off)])}, "
              f"before the rule speaks {ratio(table[table['reference_date'].map(lambda d: said[d] is None)])}")
        for date in off:
            now = table[table["reference_date"] == date]
            print(f"    {date.date()}  {said[date]}  → this date's forecasts {ratio(now)}, held {now['coverage_80'].mean():.2f}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
