#!/usr/bin/env python3
"""The backlog and the sprint pages say what is: states that exist, commits that exist, stories that exist."""

import re
import subprocess

from common import ROOT, finish, name, tracked

FIELDS = {"id", "title", "points", "state", "issue", "commits"}
STATES = {"todo", "doing", "done"}
POINTS = {1, 2, 3, 5, 8, 13}
SECTIONS = ["Objective", "What was done", "Evidence", "Measurements", "What went badly", "Decision for next"]


def front_matter(text):
    """The fields between the two `---` lines: one `name: value` a line, lists as [a, b]. None when there are none."""
    match = re.match(r"---\n(.*?)\n---\n", text, flags=re.S)
    if not match:
        return None
    fields = {}
    for line in match.group(1).splitlines():
        key, colon, value = line.partition(":")
        if not colon or key in fields:
            return None
        value = value.strip()
        fields[key] = [v.strip() for v in value[1:-1].split(",") if v.strip()] if value.startswith("[") else value
    return fields


def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)


def is_commit(word):
    """Is `word` a commit of this repository? A shallow clone, which does not know, is believed."""
    if not re.fullmatch(r"[0-9a-f]{7,40}", word):
        return False
    known = git("cat-file", "-e", f"{word}^{{commit}}").returncode == 0
    return known or git("rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def story(path, seen):
    """The faults of one story."""
    fields = front_matter(path.read_text(encoding="utf-8"))
    if fields is None or set(fields) != FIELDS:
        return [f"the front matter must hold exactly {', '.join(sorted(FIELDS))}, one a line"]
    faults = []
    if not re.fullmatch(r"V-\d{3}", fields["id"]) or not path.name.startswith(fields["id"].lower() + "-"):
        faults.append(f"id {fields['id']} and the file's name do not agree (V-007 lives in v-007-….md)")
    if fields["id"] in seen:
        faults.append(f"id {fields['id']} is taken by {name(seen[fields['id']])}")
    seen[fields["id"]] = path
    if not fields["points"].isdigit() or int(fields["points"]) not in POINTS:
        faults.append(f"points is {fields['points']}: one of {sorted(POINTS)}")
    if fields["state"] not in STATES:
        faults.append(f"state is {fields['state']}: one of {sorted(STATES)}")
    if fields["state"] == "done" and not fields["commits"]:
        faults.append("is done and names no commit")
    if fields["state"] == "todo" and fields["commits"]:
        faults.append("is todo and names commits")
    if not fields["issue"].isdigit() and fields["issue"] != "none":
        faults.append(f"issue is {fields['issue']}: a number, or none")
    return faults + [f"commit {c} does not exist" for c in fields["commits"] if not is_commit(c)]


def main():
    faults, seen = [], {}
    stories = tracked("docs/project/backlog/*.md")
    for path in stories:
        faults += [f"{name(path)}: {fault}" for fault in story(path, seen)]
    sprints = tracked("docs/project/sprints/*.md")
    for path in sprints:
        text = path.read_text(encoding="utf-8")
        if not re.match(r"\d{4}-\d{2}-\d{2}-", path.name):
            faults.append(f"{name(path)}: the name begins with the day of its start")
        faults += [f"{name(path)}: the section “{s}” is missing" for s in SECTIONS if f"\n## {s}\n" not in text]
        faults += [f"{name(path)}: there is no story {i}" for i in sorted(set(re.findall(r"\bV-\d{3}\b", text)) - set(seen))]
    if not stories or not sprints:
        faults.append("docs/project holds no story or no sprint")
    finish("project", faults, len(stories) + len(sprints))


main()
