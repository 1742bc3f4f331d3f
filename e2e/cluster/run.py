#!/usr/bin/env python3
"""`make e2e`: GitOps on a real cluster of one node, in a sandbox that leaves nothing behind (docs/delivery.md).

  e2e/cluster/run.py              a country (COUNTRY, by default fr) from an empty cluster to a page, and what follows
  e2e/cluster/run.py pipeline     a commit of a bare repository, through the steps of the workflow `images`, to pods
  e2e/cluster/run.py tools        only build what is missing of the tools, for whoever wants to do that beforehand
  e2e/cluster/run.py capable      only say whether a node can run here

Needs root (namespaces, mounts). Debian's packages are installed, Go is fetched when it is missing, the services are built
(or taken from VIGIE_PROGRAMS, a folder with a release build of this tree). Where the kernel refuses what a node needs, the run says
`skipped: cluster: ...` and ends well. Exit code 0: all held. The last line is `N passed, N failed`; seconds a step are in
target/reports/e2e.json or pipeline.json.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import build  # noqa: E402
import capable  # noqa: E402
import compiler  # noqa: E402
import sandbox  # noqa: E402


def say(line):
    print(f"e2e: {line}", flush=True)


def stop(sentence):
    print(f"e2e: {sentence}", file=sys.stderr)
    print("0 passed, 1 failed", flush=True)
    sys.exit(1)


def ready():
    """What Debian has and a compiler are there, and the kernel allows a node; else says why and ends."""
    if os.geteuid() == 0 and subprocess.run([HERE.parent / "install.sh", "cluster"], check=False, timeout=1200).returncode != 0:
        stop("Debian's packages could not be installed")
    if why := capable.reason():
        print(f"skipped: cluster: {why}")
        print("0 passed, 0 failed", flush=True)
        sys.exit(0)
    try:
        compiler.use()
    except (OSError, subprocess.SubprocessError) as error:
        stop(f"a Go that can build Kubernetes and Argo CD cannot be had: {error}")


def programs():
    """The release build of the tree as it is: an older one may not know what a profile says now."""
    if os.environ.get("VIGIE_PROGRAMS"):
        return
    command = ["cargo", "build", "--release", "--workspace", "--bins", "--locked", "--quiet"]
    try:
        subprocess.run(command, cwd=ROOT, check=True, timeout=2400)
    except (OSError, subprocess.SubprocessError) as error:
        stop(f"the services were not built: {error}")


def main():
    what = sys.argv[1:] or ["gitops"]
    if len(what) != 1 or what[0] not in ("gitops", "pipeline", "tools", "capable"):
        print(__doc__, file=sys.stderr)
        return 2
    ready()
    if what == ["capable"]:
        say("this machine may run a node")
        return 0
    start = time.time()
    for name in build.TOOLS:
        try:
            build.build(name, say)
        except (OSError, subprocess.SubprocessError) as error:
            stop(f"{name} was not built: {error}")
    build.tidy()
    say(f"tools are there ({time.time() - start:.0f} s)")
    if what == ["tools"]:
        return 0
    programs()
    return sandbox.enter([sys.executable, str(HERE / "inside.py"), *what])


if __name__ == "__main__":
    sys.exit(main())
