#!/usr/bin/env python3
"""`make e2e`: GitOps on a real cluster of one node, in a sandbox that leaves nothing behind (docs/delivery.md).

  e2e/cluster/run.py              a country (COUNTRY, by default fr) from an empty cluster to a page, and what follows
  e2e/cluster/run.py tools        only build what is missing of the tools, for whoever wants to do that beforehand

Needs root (namespaces, mounts), Go, and the release build of the services in target/release (or VIGIE_PROGRAMS).
Exit code 0: all held. The last line is `N passed, N failed`; seconds a step are in target/reports/e2e.json.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import build  # noqa: E402
import sandbox  # noqa: E402

# Program -> Debian package that has it.
PACKAGES = {
    "etcd": "etcd-server", "containerd": "containerd", "runc": "runc", "docker-registry": "docker-registry",
    "redis-server": "redis-server", "skopeo": "skopeo", "iptables": "iptables", "conntrack": "conntrack", "git": "git",
    "age-keygen": "age", "openssl": "openssl", "gcc": "gcc", "ip": "iproute2", "unshare": "util-linux", "ldd": "libc-bin",
    "mount": "mount", "sysctl": "procps", "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates", "/usr/lib/x86_64-linux-gnu/libc.a": "libc6-dev",
    "/usr/share/zoneinfo/UTC": "tzdata",
}


def say(line):
    print(f"e2e: {line}", flush=True)


def stop(sentence):
    print(f"e2e: {sentence}", file=sys.stderr)
    print("0 passed, 1 failed", flush=True)
    sys.exit(1)


def install():
    """What Debian has. RUNLEVEL=1: a daemon that comes with a package is not started on the machine itself."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in PACKAGES.items()
                      if not (Path(program).exists() if program.startswith("/") else shutil.which(program, path=path))})
    if not missing:
        return
    say(f"installs {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *missing]
    subprocess.run(["apt-get", "update", "--quiet=2"], env=env, check=False)
    if subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        stop(f"these packages could not be installed: {' '.join(missing)}")


def compiler():
    wanted = max(tuple(map(int, re.search(r"^go (\d+)\.(\d+)", f.read_text(), re.M).groups()))
                 for f in HERE.parent.glob("tools/*/go.mod"))
    found = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout if shutil.which("go") else ""
    version = re.match(r"go(\d+)\.(\d+)", found)
    if not version or tuple(map(int, version.groups())) < wanted:
        stop(f"Go {wanted[0]}.{wanted[1]} or newer is needed to build Kubernetes and Argo CD; found: {found.strip() or 'none'}")


def main():
    if os.geteuid() != 0:
        print("skipped: cluster: namespaces, mounts and a kubelet need root")
        print("0 passed, 0 failed", flush=True)
        return 0
    install()
    compiler()
    start = time.time()
    for name in build.TOOLS:
        try:
            build.build(name, say)
        except (OSError, subprocess.CalledProcessError) as error:
            stop(f"{name} was not built: {error}")
    say(f"tools are there ({time.time() - start:.0f} s)")
    if sys.argv[1:] == ["tools"]:
        return 0
    return sandbox.enter([sys.executable, str(HERE / "inside.py")])


if __name__ == "__main__":
    sys.exit(main())
