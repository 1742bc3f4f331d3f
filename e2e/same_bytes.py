#!/usr/bin/env python3
"""Is the release build the same in two differently named folders? Copies the tree twice, builds twice, compares bytes.

  e2e/same_bytes.py [PROGRAM ...]      by default every program (make prove); 10 to 20 minutes on 2 cores
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Different in length too: a path that got into a program would move what comes after it.
NAMES = ("one", "another-folder-with-a-longer-name")


def copy(to):
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.split("\0")
    for file in filter(None, files):
        if (ROOT / file).is_file():
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, to / file)


def build(folder, programs):
    """Program -> SHA-256, of the build in that folder."""
    copy(folder)
    words = [w for p in programs for w in ("-p", p)]
    start = time.time()
    # In the folder's own target, wherever the caller's lies.
    subprocess.run(["env", "-u", "CARGO_TARGET_DIR", folder / "e2e/release.sh", *words], cwd=folder, check=True)
    print(f"same: built in {folder.name}: {time.time() - start:.0f} s", flush=True)
    built = folder / "target/same/release"
    found = [p for p in sorted(built.iterdir()) if p.is_file() and p.stat().st_mode & 0o111]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def main():
    with tempfile.TemporaryDirectory(prefix="vigie-same-") as work:
        sums = []
        for name in NAMES:
            sums.append(build(Path(work) / name, sys.argv[1:]))
            # Never two trees of built crates on the disk at once.
            shutil.rmtree(Path(work) / name)
    one, other = sums
    differ = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    for name in sorted(one):
        print(f"same: {name} {one[name]}{' DIFFERS ' + str(other.get(name)) if name in differ else ''}")
    print(f"{len(one) - len(differ)} passed, {len(differ) or int(not one)} failed")
    return 1 if differ or not one else 0


if __name__ == "__main__":
    sys.exit(main())
