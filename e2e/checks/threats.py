#!/usr/bin/env python3
"""The threat model: each flow of the diagram has its six answers, and what they name is there."""

import re
import tomllib

from common import ROOT, finish, tracked

FOLDER = ROOT / "docs/security"
LETTERS = "STRIDE"
# A test's name is longer than any word of prose, and has at least three underscores.
TEST = re.compile(r"`((?:[a-z0-9]+_){3,}[a-z0-9]+)`")


def main():
    faults = []
    drawn = set(re.findall(r": (F\d+)\b", (FOLDER / "dataflow.puml").read_text(encoding="utf-8")))
    text = (FOLDER / "threats.md").read_text(encoding="utf-8")
    sections = {flow: body for flow, body in re.findall(r"^## (F\d+) .*?\n(.*?)(?=^## |\Z)", text, re.S | re.M)}
    faults += [f"threats.md has no section for {flow}, a flow of dataflow.puml" for flow in sorted(drawn - sections.keys())]
    faults += [f"threats.md has a section for {flow}, which dataflow.puml does not draw" for flow in sorted(sections.keys() - drawn)]
    for flow, body in sections.items():
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if re.match(r"\| [STRIDE] ", line)]
        if "".join(row[0][0] for row in rows) != LETTERS:
            faults.append(f"threats.md, {flow}: one row for each of {LETTERS}, in this order")
        faults += [f"threats.md, {flow} {row[0]}: a cell is empty" for row in rows if len(row) != 4 or not all(row)]
    known = tomllib.loads((FOLDER / "asvs.toml").read_text(encoding="utf-8"))["rows"]
    for file in ("threats.md", "top10.md", "fuzz.md"):
        words = (FOLDER / file).read_text(encoding="utf-8")
        for found in re.findall(r"ASVS ((?:\d+\.\d+\.\d+(?:, )?)+)", words):
            faults += [f"{file} names ASVS {i}, which is no row" for i in re.findall(r"[\d.]+\d", found) if i not in known]
        code = "\n".join(p.read_text(encoding="utf-8") for p in tracked("services/*.rs", "crates/*.rs")) if TEST.search(words) else ""
        faults += [f"{file} names the test {name}, which is not there" for name in TEST.findall(words) if f"fn {name}(" not in code]
    finish("threats", faults, len(sections))


main()
