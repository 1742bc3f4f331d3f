#!/usr/bin/env python3
"""The exceptions of deny.toml have a reason and a day on which somebody looks again; that day is near enough, and not over.

  e2e/workflows/exceptions.py [DAY]     as of DAY (2027-01-31), otherwise of today: `make audit` asks it, once a week
"""

import datetime
import re
import sys
import tomllib
from pathlib import Path

# As docs/security/README.md has it: how far ahead the day may lie, in days.
ADVISORY, LICENCE = 180, 366
DAY = re.compile(r"Look again on (\d{4}-\d{2}-\d{2})\.")


def days(text):
    """(what, days ahead that it may lie, the day or None) of each exception: the nearest comment above it counts."""
    told = tomllib.loads(text)
    lines = text.splitlines()
    wanted = [(entry if isinstance(entry, str) else entry["id"], ADVISORY) for entry in told.get("advisories", {}).get("ignore", [])]
    wanted += [(entry["crate"], LICENCE) for entry in told.get("licenses", {}).get("exceptions", [])]
    for what, most in wanted:
        at = next(n for n, line in enumerate(lines) if f'"{what}"' in line and not line.lstrip().startswith("#"))
        above = at - 1
        # Several exceptions may stand below one comment.
        while above > 0 and not lines[above].lstrip().startswith("#"):
            above -= 1
        comment = ""
        while above >= 0 and lines[above].lstrip().startswith("#"):
            comment, above = f"{lines[above].lstrip(' #')} {comment}", above - 1
        found = DAY.findall(comment)
        yield what, most, datetime.date.fromisoformat(found[-1]) if found else None


def faults(text, today):
    """What is wrong as of a day."""
    for what, most, day in days(text):
        if day is None:
            yield f"deny.toml passes {what} over without a day: write above it why, and `Look again on 2027-03-01.`"
        elif day < today:
            yield f"deny.toml passes {what} over until {day}, which is past: mend it, or look again and say until when"
        elif (day - today).days > most:
            yield f"deny.toml passes {what} over until {day}: {most} days are the most (docs/security/README.md)"


def main(day=None):
    today = datetime.date.fromisoformat(day) if day else datetime.datetime.now(datetime.timezone.utc).date()
    found = list(faults((Path(__file__).resolve().parents[2] / "deny.toml").read_text(encoding="utf-8"), today))
    for fault in found:
        print(f"audit: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
