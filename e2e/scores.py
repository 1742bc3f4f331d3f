#!/usr/bin/env python3
"""The forecast scores of docs/forecast/trials.md, computed again: one season of a hub, from what was known on each date.

Needs the recorded forecasts of the other teams beside the repository (../shared/flusight, or VIGIE_SHARED).
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("VIGIE_SHARED") or ROOT.parent / "shared") / "flusight"
VIGIE = ROOT / "target/release/vigie"
SEASON, FROM, TO = "2024-25", "2024-11-23", "2025-05-31"
CLOSE = 0.003  # the page has three decimals; another processor may round a quantile otherwise


def vigie(*words):
    done = subprocess.run([VIGIE, *map(str, words)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    return done.stdout


def stated():
    """What the page says of this season: relative WIS of ours and of the hub's ensemble."""
    text = (ROOT / "docs/forecast/trials.md").read_text()
    table = text[text.index(f"| {SEASON} ({FROM} to {TO}"):]
    row = lambda name: float(re.search(rf"^\| (?:\*\*)?{name}(?:\*\*)? \| (?:\*\*)?(\.\d+)", table, re.M).group(1))
    return row("ours"), row("FluSight-ensemble")


def main():
    if not SHARED.is_dir():
        print("skipped: shared-payloads: ../shared is absent")
        print("0 passed, 0 failed")
        return 0
    with tempfile.TemporaryDirectory(prefix="vigie-scores-") as work:
        hub, out = Path(work) / "hub", Path(work) / "out"
        vigie("hub", "build", "--from-revisions", SHARED / "target-revisions.parquet", "--out", hub)
        vigie("backtest", "--hub", hub, "--from", FROM, "--to", TO, "--out", out)
        said = vigie("score", "--hub", hub, "--model-output", out / "model-output", "--model-output",
                     SHARED / f"forecasts-{SEASON}.parquet", "--baseline", "FluSight-baseline", "--horizons", "0..3", "--out",
                     Path(work) / "scores.csv")
    bad = 0
    for name, wanted in zip(("Vigie-pool", "FluSight-ensemble"), stated()):
        # model, tasks, common, WIS, relative WIS, …
        row = next((line.split() for line in said.splitlines() if line.split()[:1] == [name]), [])
        figure = float(row[4]) if len(row) > 4 else float("nan")
        ok = abs(figure - wanted) <= CLOSE
        bad += not ok
        print(f"scores: {name}: the page says {wanted}, this run {figure}{'' if ok else ': DIFFERENT'}")
    print(f"{2 - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
