#!/usr/bin/env python3
"""The table of OWASP ASVS 5.0.0 (levels 1 and 2): all rows are there, each pointer leads somewhere, the page agrees.

    asvs.py          compares
    asvs.py --write  writes docs/security/asvs.md anew
"""

import re
import sys
import tomllib
from collections import Counter

from common import ROOT, finish

TABLE, PAGE = ROOT / "docs/security/asvs.toml", ROOT / "docs/security/asvs.md"
# The numbers of the standard's requirements by level.
ONE = """
    1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1 2.1.1 2.2.1 2.2.2 2.3.1 3.2.1 3.2.2 3.3.1 3.4.1 3.4.2 3.5.1 3.5.2
    3.5.3 4.1.1 4.4.1 5.2.1 5.2.2 5.3.1 5.3.2 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1
    6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 8.1.1 8.2.1 8.2.2 8.3.1 9.1.1 9.1.2 9.1.3 9.2.1 10.4.1 10.4.2 10.4.3
    10.4.4 10.4.5 11.3.1 11.3.2 11.4.1 12.1.1 12.2.1 12.2.2 13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1
"""
TWO = """
    1.1.1 1.1.2 1.2.6 1.2.7 1.2.8 1.2.9 1.3.3 1.3.4 1.3.5 1.3.6 1.3.7 1.3.8 1.3.9 1.3.10 1.3.11 1.4.1 1.4.2 1.4.3
    1.5.2 2.1.2 2.1.3 2.2.3 2.3.2 2.3.3 2.3.4 2.4.1 3.3.2 3.3.3 3.3.4 3.4.3 3.4.4 3.4.5 3.4.6 3.5.4 3.5.5 3.7.1 3.7.2
    4.1.2 4.1.3 4.2.1 4.3.1 4.3.2 4.4.2 4.4.3 4.4.4 5.1.1 5.2.3 5.4.1 5.4.2 5.4.3 6.1.2 6.1.3 6.2.9 6.2.10 6.2.11
    6.2.12 6.3.3 6.3.4 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 6.8.1 6.8.2 6.8.3 6.8.4 7.1.1 7.1.2
    7.1.3 7.3.1 7.3.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2 8.1.2 8.2.3 8.4.1 9.2.2 9.2.3 9.2.4 10.1.1 10.1.2
    10.2.1 10.2.2 10.3.1 10.3.2 10.3.3 10.3.4 10.4.6 10.4.7 10.4.8 10.4.9 10.4.10 10.4.11 10.5.1 10.5.2 10.5.3 10.5.4
    10.5.5 10.6.1 10.6.2 10.7.1 10.7.2 10.7.3 11.1.1 11.1.2 11.2.1 11.2.2 11.2.3 11.3.3 11.4.2 11.4.3 11.4.4 11.5.1
    11.6.1 12.1.2 12.1.3 12.3.1 12.3.2 12.3.3 12.3.4 13.1.1 13.2.1 13.2.2 13.2.3 13.2.4 13.2.5 13.3.1 13.3.2 13.4.2
    13.4.3 13.4.4 13.4.5 14.1.1 14.1.2 14.2.2 14.2.3 14.2.4 14.3.2 14.3.3 15.1.2 15.1.3 15.2.2 15.2.3 15.3.2 15.3.3
    15.3.4 15.3.5 15.3.6 15.3.7 16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2
    16.4.3 16.5.1 16.5.2 16.5.3 17.1.1 17.2.1 17.2.2 17.2.3 17.2.4 17.3.1 17.3.2
"""
STATES = ["test", "manifest", "code", "not_applicable", "missing"]
KEYS = {"level", "state", "asks", "at", "note"}


def is_test(text, suffix, name):
    """Does this file hold a test of this name? In Rust an attribute before a function, in JavaScript the title of a call."""
    if suffix == ".rs":
        return re.search(rf"#\[[\w:]*test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn {re.escape(name)}\b", text) is not None
    if suffix == ".js":
        return re.search(rf"\btest\([`'\"]{re.escape(name)}", text) is not None
    return f'"{name}' in text


def pointer(row):
    """What is wrong with where a row points to; None when nothing is."""
    path, colons, name = row.get("at", "").partition("::")
    file = ROOT / path
    if not path or not file.exists():
        return f"points to {path or 'nothing'}, which is not there"
    if row["state"] == "test":
        if not colons or not file.is_file() or not is_test(file.read_text(encoding="utf-8"), file.suffix, name):
            return f"names no test of {path}"
    elif colons and (not file.is_file() or name not in file.read_text(encoding="utf-8")):
        return f"{path} does not hold “{name}”"
    return None


def look(rows):
    """The faults of all rows."""
    levels = {**dict.fromkeys(ONE.split(), 1), **dict.fromkeys(TWO.split(), 2)}
    faults = [f"row {i} is missing" for i in levels.keys() - rows.keys()] + [f"row {i} is none of levels 1 and 2" for i in rows.keys() - levels.keys()]
    for i, row in rows.items():
        if not set(row) <= KEYS or row.get("state") not in STATES or not row.get("asks", "").strip():
            faults.append(f"row {i} needs level, asks and a state of {', '.join(STATES)}; at and note beside")
            continue
        if row["level"] != levels.get(i):
            faults.append(f"row {i} is of level {levels.get(i)}")
        if row["state"] in ("missing", "not_applicable"):
            if not row.get("note", "").strip() or "at" in row:
                faults.append(f"row {i} is {row['state']}: say why in note, and point nowhere")
        elif (fault := pointer(row)) is not None:
            faults.append(f"row {i} {fault}")
    return sorted(faults)


def cell(row):
    """Pointer and note of a row, for people."""
    path, _, name = row.get("at", "").partition("::")
    shown = f"[`{path.split('/')[-1]}`](../../{path})" if path else ""
    parts = [f"{shown}: {name.replace('|', '/')}" if name else shown, row.get("note", "")]
    return "; ".join(p for p in parts if p)


def page(table):
    """The Markdown page."""
    rows = table["rows"]
    count = Counter((r["state"], r["level"]) for r in rows.values())
    lines = ["# OWASP ASVS 5.0, levels 1 and 2", "",
             "Written by `e2e/checks/asvs.py --write` from `asvs.toml`, which says what the states mean; `make check` fails when a pointer leads nowhere or a row is lost.",
             "What a row asks is in our words; the numbers are those of ASVS 5.0.0.", "",
             "| state | level 1 | level 2 | rows |", "|---|---|---|---|"]
    lines += [f"| {s} | {count[s, 1]} | {count[s, 2]} | {count[s, 1] + count[s, 2]} |" for s in STATES]
    lines += [f"| | {sum(n for (_, level), n in count.items() if level == 1)} | {sum(n for (_, level), n in count.items() if level == 2)} | {len(rows)} |", ""]
    for number, title in table["chapters"].items():
        lines += [f"## {number} {title}", "| row | level | asks | state | where, why |", "|---|---|---|---|---|"]
        mine = [(i, r) for i, r in rows.items() if i.split(".")[0] == number]
        lines += [f"| {i} | {r['level']} | {r['asks']} | {'**missing**' if r['state'] == 'missing' else r['state']} | {cell(r)} |" for i, r in mine]
        lines.append("")
    return "\n".join(lines)


def main():
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    faults = look(table["rows"])
    if not faults and sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(table), encoding="utf-8")
    if not faults and (not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page(table)):
        faults.append("docs/security/asvs.md is older than asvs.toml: run e2e/checks/asvs.py --write")
    states = Counter(r.get("state") for r in table["rows"].values())
    print("asvs: " + ", ".join(f"{states[s]} {s}" for s in STATES))
    finish("asvs", faults, len(table["rows"]))


main()
