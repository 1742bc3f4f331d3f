#!/usr/bin/env python3
"""The progress report of the last days, from what was recorded: backlog, sprints, commits. Nothing is added by hand.

    docs/project/report.py [--to 2026-11-27] [--days 3] [--lang en|fr] > docs/project/reports/2026-11-27.md
"""

import argparse
import datetime
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BACKLOG, SPRINTS = "docs/project/backlog", "docs/project/sprints"
WORDS = {
    "en": {
        "title": "Progress report, {since} to {until}", "state": "Where it stands", "points": "points", "stories": "stories",
        "todo": "to do", "doing": "under way", "done": "done", "issue": "issue", "before": "done before", "now": "done now",
        "all": "all", "finished": "Finished in these days", "current": "Under way", "none": "none", "commits": "Commits",
        "evidence": "Evidence and measurements", "badly": "What went badly", "next": "To decide, and what comes next",
    },
    "fr": {
        "title": "Rapport d’avancement, du {since} au {until}", "state": "Où en est-on", "points": "points", "stories": "récits",
        "todo": "à faire", "doing": "en cours", "done": "terminé", "issue": "lot", "before": "terminé avant", "now": "terminé à ce jour",
        "all": "total", "finished": "Terminé dans ces jours", "current": "En cours", "none": "rien", "commits": "Commits",
        "evidence": "Preuves et mesures", "badly": "Ce qui s’est mal passé", "next": "À décider, et la suite",
    },
}


def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout


def stories(commit):
    """Id -> fields of the stories as `commit` has them; none when there was no such commit."""
    if not commit:
        return {}
    found = {}
    for path in git("ls-tree", "--name-only", commit, f"{BACKLOG}/").split():
        match = re.match(r"---\n(.*?)\n---\n", git("show", f"{commit}:{path}"), flags=re.S)
        fields = dict(line.split(": ", 1) for line in match.group(1).splitlines() if ": " in line)
        found[fields["id"]] = {**fields, "points": int(fields["points"]), "file": pathlib.PurePath(path).name}
    return found


def section(text, heading):
    """What stands under a heading of a sprint's page."""
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, flags=re.S | re.M)
    return match.group(1).strip() if match else ""


def points(of, *states):
    return sum(s["points"] for s in of if s["state"] in states)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=datetime.date.fromisoformat, help="last day (default: the day of the last commit)")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--lang", choices=WORDS, default="en")
    args = parser.parse_args()
    until = args.to or datetime.date.fromisoformat(git("log", "-1", "--format=%cs").strip())
    since = until - datetime.timedelta(days=args.days - 1)
    say = WORDS[args.lang]

    def at(day):
        return git("log", "-1", "--format=%H", f"--until={day}T23:59:59Z").strip()

    old, new = stories(at(since - datetime.timedelta(days=1))), stories(at(until))
    link = "- [{id}](../backlog/{file}) {title} ({points} {word})".format
    print(f"# {say['title'].format(since=since, until=until)}\n\n## {say['state']}\n")
    print(f"| {say['issue']} | {say['stories']} | {say['before']} | {say['now']} | {say['doing']} | {say['todo']} | {say['all']} ({say['points']}) |")
    print("|---|---|---|---|---|---|---|")
    for issue in [*sorted({s["issue"] for s in new.values()}, key=lambda i: (not i.isdigit(), i)), None]:
        a = [s for s in old.values() if issue in (None, s["issue"])]
        b = [s for s in new.values() if issue in (None, s["issue"])]
        row = [issue or say["all"], len(b), points(a, "done"), *(points(b, s) for s in ("done", "doing", "todo")), points(b, "todo", "doing", "done")]
        print(f"| {' | '.join(map(str, row))} |")
    done = [s for i, s in new.items() if s["state"] == "done" and old.get(i, {}).get("state") != "done"]
    for heading, some in [("finished", done), ("current", [s for s in new.values() if s["state"] == "doing"])]:
        print(f"\n## {say[heading]}\n")
        print("\n".join(link(**s, word=say["points"]) for s in some) or say["none"])
    log = git("log", "--reverse", f"--since={since}T00:00:00Z", f"--until={until}T23:59:59Z", "--format=- %h %s")
    print(f"\n## {say['commits']}\n\n{log.strip() or say['none']}")
    sprints = sorted(p for p in (ROOT / SPRINTS).glob("*.md") if p.name[:10] <= until.isoformat())
    text = sprints[-1].read_text(encoding="utf-8") if sprints else ""
    for heading, names in [("evidence", ["Evidence", "Measurements"]), ("badly", ["What went badly"]), ("next", ["Decision for next"])]:
        print(f"\n## {say[heading]}\n\n" + ("\n\n".join(filter(None, (section(text, n) for n in names))) or say["none"]))


main()
