#!/usr/bin/env python3
"""Diagrams: each SVG of docs/architecture and docs/security was drawn from the .puml beside it as it is now.

    diagrams.py                      compares
    diagrams.py --draw plantuml.jar  draws anew (Java and graphviz; plantuml-mit 1.2025.4 from Maven)
"""

import hashlib
import re
import subprocess
import sys

from common import ROOT, finish, name, tracked

FOLDER = ROOT / "docs/architecture"
FOLDERS = [FOLDER, ROOT / "docs/security"]
MARK = re.compile(r"<!--source ([0-9a-f]{64})-->")


def source(path):
    """The hash of a diagram and of the style that it includes."""
    return hashlib.sha256(path.read_bytes() + (FOLDER / "style.iuml").read_bytes()).hexdigest()


def draw(path, jar):
    """Writes the SVG, without PlantUML's own copy of the source and with its hash instead."""
    command = ["java", "-Djava.awt.headless=true", "-jar", jar, "-tsvg", "-nometadata", str(path)]
    subprocess.run(command, check=True)
    svg = path.with_suffix(".svg")
    text = re.sub(r"<\?plantuml[^>]*\?>", "", svg.read_text(encoding="utf-8")).strip()
    svg.write_text(f"{text}\n<!--source {source(path)}-->\n", encoding="utf-8")


def main():
    diagrams, faults = [p for folder in FOLDERS for p in sorted(folder.glob("*.puml"))], []
    if sys.argv[1:2] == ["--draw"]:
        for path in diagrams:
            draw(path, sys.argv[2])
    for path in diagrams:
        svg = path.with_suffix(".svg")
        drawn = MARK.search(svg.read_text(encoding="utf-8")) if svg.is_file() else None
        if not drawn or drawn.group(1) != source(path):
            faults.append(f"{name(svg)} is older than {path.name}: run e2e/checks/diagrams.py --draw plantuml.jar")
    # What a country runs is said by its folders; a picture that says otherwise is wrong.
    for path in FOLDER.glob("deploiement-*.puml"):
        country = path.stem.removeprefix("deploiement-")
        apps = sorted(p.parent.name for p in tracked(f"clusters/{country}/apps/*/kustomization.yaml"))
        drawn = sorted(re.findall(r"component \[(\S+)\]", path.read_text(encoding="utf-8")))
        if drawn != apps:
            faults.append(f"{name(path)} shows {drawn}; clusters/{country}/apps has {apps}")
    for svg in [p for folder in FOLDERS for p in folder.glob("*.svg")]:
        if not svg.with_suffix(".puml").is_file():
            faults.append(f"{name(svg)} has no .puml beside it")
    finish("diagrams", faults, len(diagrams))


main()
