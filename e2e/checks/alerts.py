#!/usr/bin/env python3
"""Alerts ask for metrics that a service writes, and for a runbook that exists; docs/operations.md names every alarm."""

import re

from common import ROOT, documents, finish, name, tracked

METRIC = re.compile(r'(?:gauge|counter|histogram)!\(\s*"([a-z0-9_]+)"|\bof\("([a-z0-9_]+)"\)')
ASKED = re.compile(r"\b([a-z]+(?:_[a-z0-9]+)+)\b(?!\s*\()")
WORD = re.compile(r'Self::\w+ => "([a-z_]+)"')


def written():
    """The metrics that the code of the services names."""
    sources = [p for p in tracked("services/*/src/*", "crates/*/src/*") if p.suffix == ".rs"]
    return {a or b for p in sources for a, b in METRIC.findall(p.read_text())}


def heading(text):
    """The anchors of a page."""
    return {re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)}


def main():
    faults, metrics, seen = [], written(), 0
    for path in [p for p in tracked("clusters/base/observability/*") if p.name.endswith(".rules.yml")]:
        for group in documents(path)[0]["groups"]:
            for rule in group["rules"]:
                seen += 1
                for metric in set(ASKED.findall(re.sub(r"by \([^)]*\)", "", rule["expr"]))) - metrics:
                    faults.append(f"{name(path)}: {rule['alert']} asks for {metric}, which no service writes")
                page, _, anchor = rule["annotations"]["runbook"].partition("#")
                if not (ROOT / page).is_file() or anchor not in heading((ROOT / page).read_text()):
                    faults.append(f"{name(path)}: {rule['alert']}: there is no {page}#{anchor}")
    watch = ROOT / "services/forecast/src/watch.rs"
    words = WORD.findall(watch.read_text())
    page = (ROOT / "docs/operations.md").read_text()
    faults += [f"docs/operations.md does not say what `{word}` means" for word in words if f"`{word}`" not in page]
    if not seen or not words:
        faults.append("there is no alert, or no alarm: this check looks at nothing")
    finish("alerts", faults, seen + len(words))


main()
