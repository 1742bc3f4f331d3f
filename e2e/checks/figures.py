#!/usr/bin/env python3
"""docs/data.md says what data/ holds for each country's profile. `figures.py --write` writes the table anew."""

import csv
import gzip
import sys
import tomllib
from collections import defaultdict

from common import ROOT, finish, name, tracked

PAGE = ROOT / "docs/data.md"
BEGIN, END = "<!-- table: e2e/checks/figures.py --write -->\n", "<!-- end of table -->\n"


def places():
    """Place -> (nation, level)."""
    with (ROOT / "data/places.csv").open(encoding="utf-8", newline="") as file:
        rows = {r["id"]: r for r in csv.DictReader(file)}

    def nation(place):
        while rows[place]["parent"]:
            place = rows[place]["parent"]
        return place

    return {p: (nation(p), r["level"]) for p, r in rows.items()}


def carried():
    """The sources that data/ carries; the others come from their publishers with LIVE=1."""
    with (ROOT / "data/sources.csv").open(encoding="utf-8", newline="") as file:
        return {r["id"] for r in csv.DictReader(file)}


def contents(known):
    """(nation, level, source, signal) -> counts and first and last of dates and issues."""
    found = {}
    for path in sorted((ROOT / "data/observations").glob("*/*.csv.gz")):
        source, signal = path.parent.name, path.name.removesuffix(".csv.gz")
        sets = defaultdict(lambda: [0, set(), set(), set()])
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                one = sets[(*known[row["place"]], source, signal)]
                one[0] += 1
                one[1].add(row["place"])
                one[2].add(row["reference_date"])
                one[3].add(row["issued_at"])
        for key, (rows, in_places, dates, issues) in sets.items():
            found[key] = (rows, len(in_places), min(dates), max(dates), len(issues), max(issues))
    return found


def table(found, faults):
    """The page's table: one row a signal and level of each country, then the further sources of the signal."""
    lines, sources = [], carried()
    for path in tracked("clusters/*/profile/profile.toml"):
        profile = tomllib.loads(path.read_text(encoding="utf-8"))
        lines += [
            f"### {profile['country']}\n", "\n",
            "| signal | level | source | places | first | last | issues | last issue | values |\n",
            "|---|---|---|---|---|---|---|---|---|\n",
        ]
        # A table of a carried source that was recorded for other levels only.
        elsewhere = {(source, signal) for nation, _, source, signal in found if nation == profile["nation"]}
        for signal in profile["signals"]:
            further = [(level, source) for source in signal.get("further_sources", []) for level in signal["sources"]]
            for level, source in [*signal["sources"].items(), *further]:
                one = found.get((profile["nation"], level, source, signal["id"]))
                if source not in sources or (one is None and (level, source) not in further and (source, signal["id"]) in elsewhere):
                    lines.append(f"| `{signal['id']}` | {level} | {source} | live only | | | | | |\n")
                    continue
                if one is None and (level, source) in further:
                    lines.append(f"| `{signal['id']}` | {level} | {source} | none recorded, live only | | | | | |\n")
                    continue
                if one is None:
                    faults.append(f"{name(path)}: data/ holds no {signal['id']} of {source} at the level {level}")
                    continue
                rows, count, first, last, issues, newest = one
                lines.append(f"| `{signal['id']}` | {level} | {source} | {count} | {first} | {last} | {issues} | {newest} | {rows} |\n")
        for gap in profile.get("gaps", []):
            lines.append(f"| {gap['disease']} | {gap['level']} | none: `gap.{gap['reason']}` | | | | | | |\n")
        lines.append("\n")
    return "".join(lines)


def main():
    faults = []
    found = contents(places())
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + BEGIN + "\n" + table(found, faults) + END + after
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        faults.append("docs/data.md is older than data/ or a profile: run e2e/checks/figures.py --write")
    finish("figures", faults, len(found))


main()
