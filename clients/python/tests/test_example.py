"""The example of the README, run as a person would."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys

from conftest import ROOT

EXAMPLE = ROOT / "clients/python/examples/first_issue_and_latest.py"


def test_the_example_prints_and_draws_what_the_files_say(server, tmp_path):
    picture = tmp_path / "figure.png"
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--base-url", server, "--out", picture], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 20_000
    assert done.stderr.count("recorded situation of 2025-07-29") == 1

    issues: dict[str, list[tuple[str, str]]] = {}
    with gzip.open(ROOT / "data/observations/cdc-flusight/flu_hosp_admissions.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            if row["place"] == "US" and "2024-11-30" <= row["reference_date"] <= "2025-07-05":
                issues.setdefault(row["reference_date"], []).append((row["issued_at"], row["value"]))
    assert len(issues) == 32
    printed = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.startswith("202")}
    for day, values in issues.items():
        first, latest = (float(value) for _, value in (min(values), max(values)))
        assert printed[day][2:4] == [f"{first:,.1f}", f"{latest:,.1f}"], day
    # Its first kept issue is 46 days younger: no first word.
    assert printed["2024-10-05"][2] == "–"
