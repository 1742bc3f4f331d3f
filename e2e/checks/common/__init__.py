"""What the checks share: the repository's files, and one way to end."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def tracked(*patterns):
    """Files that git knows or would add, by pathspec; none that it ignores, none that is deleted."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({ROOT / n for n in names if n and (ROOT / n).is_file()})


def name(path):
    """A path as a reader writes it."""
    return path.relative_to(ROOT).as_posix()


def documents(path):
    """The documents of a YAML file; a ValueError says what is wrong with it."""
    try:
        import yaml
    except ImportError:
        sys.exit("Python's yaml is missing: install the package python3-yaml")
    try:
        return [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d is not None]
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def finish(what, faults, count):
    """Says how it went and ends: 0 when there is no fault, 1 otherwise."""
    for fault in faults:
        print(f"{what}: {fault}", file=sys.stderr)
    print(f"{what}: {count} looked at, {len(faults)} wrong")
    sys.exit(1 if faults else 0)
