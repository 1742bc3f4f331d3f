#!/usr/bin/env python3
"""Alerts ask for metrics that a service writes, and for a runbook that exists; docs/operations.md names every alarm. Prometheus' own
promtool reads each file of rules, and plays the series of the test beside it, which names every alert, to them. What a cluster's Prometheus
operator loads (services/*/deploy/watched) says the same, and fits the operator's own definitions.

  e2e/checks/alerts.py --write     writes the operator's copies of the rules
"""

import re
import shutil
import subprocess
import sys

from common import ROOT, documents, finish, name, tracked

sys.path[:0] = [str(ROOT / "e2e/cluster"), str(ROOT / "e2e/tools")]
import watched

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


def played(path, alerts):
    """What promtool finds wrong with rules and with their test, `x.test.yml` beside `x.rules.yml`."""
    test = path.with_name(path.name.replace(".rules.yml", ".test.yml"))
    if not test.is_file():
        return [f"{name(path)} has no test: {test.name}"]
    firing = {a["alertname"] for t in documents(test)[0]["tests"] for a in t["alert_rule_test"] if a["exp_alerts"]}
    faults = [f"{name(test)}: {alert} never fires" for alert in sorted(alerts - firing)]
    if not shutil.which("promtool"):
        print("skipped: promtool: it is not installed (Debian: the package prometheus; e2e/install.sh installs it)")
        return faults
    for words, file in ((["check", "rules"], path), (["test", "rules"], test)):
        done = subprocess.run(["promtool", *words, file.name], cwd=file.parent, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            faults.append(f"{name(file)}: promtool {' '.join(words)}: {(done.stdout + done.stderr).strip()}")
    return faults


def main():
    faults, metrics, seen = [], written(), 0
    for path in [p for p in tracked("clusters/base/observability/*") if p.name.endswith(".rules.yml")]:
        faults += played(path, {rule["alert"] for group in documents(path)[0]["groups"] for rule in group["rules"]})
        for group in documents(path)[0]["groups"]:
            for rule in group["rules"]:
                seen += 1
                for metric in set(ASKED.findall(re.sub(r"by \([^)]*\)", "", rule["expr"]))) - metrics:
                    faults.append(f"{name(path)}: {rule['alert']} asks for {metric}, which no service writes")
                page, _, anchor = rule["annotations"]["runbook"].partition("#")
                if not (ROOT / page).is_file() or anchor not in heading((ROOT / page).read_text()):
                    faults.append(f"{name(path)}: {rule['alert']}: there is no {page}#{anchor}")
    faults += watched.copies(write="--write" in sys.argv)
    faults += watched.conform()
    watch = ROOT / "services/forecast/src/watch.rs"
    words = WORD.findall(watch.read_text())
    page = (ROOT / "docs/operations.md").read_text()
    faults += [f"docs/operations.md does not say what `{word}` means" for word in words if f"`{word}`" not in page]
    if not seen or not words:
        faults.append("there is no alert, or no alarm: this check looks at nothing")
    finish("alerts", faults, seen + len(words))


main()
