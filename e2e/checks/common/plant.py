"""Checks, checked: faults planted in a copy of the tree, each of which must be named."""

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from . import name, tracked


@contextmanager
def copied(*taken):
    """A repository of its own with the files of `taken`."""
    with tempfile.TemporaryDirectory(prefix="vigie-planted-") as folder:
        tree = Path(folder)
        for path in tracked(*taken):
            (tree / name(path)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tree / name(path))
        subprocess.run(["git", "init", "--quiet", tree], check=True)
        yield tree


def said(tree, check):
    """(exit code, what it said) of a check in the copy."""
    subprocess.run(["git", "-C", tree, "add", "--all", "--force"], check=True)
    done = subprocess.run([sys.executable, tree / f"e2e/checks/{check}.py"], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def well(tree, checks, state="as it is"):
    """What is wrong with the tree before anything is planted."""
    answers = [(check, *said(tree, check)) for check in checks]
    return [f"the tree {state}: {check} says {text}" for check, code, text in answers if code != 0]


def planted(tree, faults):
    """Plants each of (check, what, path, how its text changes, what must be said); returns those that were not refused."""
    missed = []
    for check, what, file, change, wanted in faults:
        path = tree / file
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change(before or ""))
        if path.read_text() == before:
            missed.append(f"{what}: nothing was planted in {file}")
        code, text = said(tree, check)
        if code == 0 or wanted not in text:
            missed.append(f"{what} in {file} was not refused: {text.strip()[-300:]}")
        path.unlink() if before is None else path.write_text(before)
    return missed
