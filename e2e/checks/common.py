"""What the checks share: the repository's files, and one way to end."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked(*patterns):
    """Files that git knows or would add, by pathspec; none that it ignores, none that is deleted."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({ROOT / n for n in names if n and (ROOT / n).is_file()})


def name(path):
    """A path as a reader writes it."""
    return path.relative_to(ROOT).as_posix()


def finish(what, faults, count):
    """Says how it went and ends: 0 when there is no fault, 1 otherwise."""
    for fault in faults:
        print(f"{what}: {fault}", file=sys.stderr)
    print(f"{what}: {count} looked at, {len(faults)} wrong")
    sys.exit(1 if faults else 0)
