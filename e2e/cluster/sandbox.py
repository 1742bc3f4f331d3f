"""A world of its own for one cluster: network, mounts and processes that end together and touch nothing outside.

`enter` starts this program again inside new namespaces, under a shell as process 1 that reaps what containers leave
behind. When the program inside ends, however it ends, process 1 ends, and the kernel ends everything else.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INSIDE = "VIGIE_E2E_RUN"  # set inside: the folder of this run
NODE = "10.99.0.1"  # the node's address, on a bridge that exists in the sandbox only
SYS = Path("/sys/fs/cgroup")
V1 = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd"]

UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--propagation", "private", "--mount-proc", "--kill-child"]

# Private first: on machines whose mounts are shared, ours would otherwise show up outside.
SETUP = """
set -eu
mount --make-rprivate / && mount --make-rshared /
for d in /run /var/lib/cni /var/lib/kubelet; do mkdir -p "$d"; mount -t tmpfs tmpfs "$d"; done
ip link set lo up
ip link add vg0 type bridge; ip addr add %(node)s/24 dev vg0; ip link set vg0 up
# Without a default route a ClusterIP is "unreachable" before it is translated.
ip route add default dev vg0
sysctl -qw net.ipv4.ip_forward=1
sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
echo "nameserver %(node)s" > "$VIGIE_E2E_RUN/resolv.conf"
mount --bind "$VIGIE_E2E_RUN/resolv.conf" /etc/resolv.conf
"$@" & main=$!
trap 'kill -TERM $main' TERM INT
# A shell as process 1 collects the processes that containers orphan. `wait` returns early on a signal: then once more.
set +e
while :; do wait $main; code=$?; kill -0 $main 2>/dev/null || break; done
exit $code
"""


def die_with_parent():
    """The child is killed when this process is, even by SIGKILL (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


def cgroup_root(run):
    """The cgroup of this run's pods, relative to the root of each hierarchy."""
    return "/" + Path(run).name


def cgroups(run):
    """Its folders: one a controller with version 1, one in all with version 2."""
    name = cgroup_root(run).lstrip("/")
    if (SYS / "cgroup.controllers").exists():
        return [SYS / name]
    return [SYS / c / name for c in [*V1, "unified"]]


def delegate():
    """With version 2: the controllers are given to groups below the root. Root of a container may not hold processes
    then; they move into a group of their own, as a container that runs containers does it."""
    wanted = (SYS / "cgroup.controllers").read_text().split()
    give = lambda: [(SYS / "cgroup.subtree_control").write_text(f"+{c}") for c in wanted]
    try:
        give()
    except OSError:
        if not (SYS / "cgroup.type").exists():
            raise
        (SYS / "init").mkdir(exist_ok=True)
        for pid in (SYS / "cgroup.procs").read_text().split():
            try:
                (SYS / "init/cgroup.procs").write_text(pid)
            except OSError:  # it ended
                pass
        give()


def make_cgroups(run):
    if (SYS / "cgroup.controllers").exists():
        delegate()
    for path in cgroups(run):
        if path.parent.is_dir() and path.parent.name != "unified":
            path.mkdir(exist_ok=True)
            for knob in ("cpuset.cpus", "cpuset.mems"):
                if (path / knob).exists() and path.parent.name == "cpuset":
                    (path / knob).write_text((path.parent / knob).read_text())


def remove_cgroups(run):
    """Removes them from the leaves up; the kernel needs a moment to forget processes that were killed."""
    end = time.time() + 10
    left = []
    while time.time() < end:
        for root in cgroups(run):
            for folder, _, _ in os.walk(root, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
        left = [p for p in cgroups(run) if p.exists()]
        if not left:
            return
        time.sleep(0.2)
    print(f"e2e: these control groups could not be removed: {', '.join(map(str, left))}", file=sys.stderr)


def sweep():
    """Removes what a run left that was killed before it could clean up; its processes died with it."""
    for left in Path(tempfile.gettempdir()).glob("vigie-e2e-*"):
        pid = left.name.split("-")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            remove_cgroups(left)
            shutil.rmtree(left, ignore_errors=True)


def enter(argv):
    """Runs `argv` in a new sandbox, waits for it and takes everything down; returns its exit code."""
    sweep()
    run = tempfile.mkdtemp(prefix=f"vigie-e2e-{os.getpid()}-")
    make_cgroups(run)
    child = subprocess.Popen(
        [*UNSHARE, "bash", "-c", SETUP % {"node": NODE}, "init", *argv],
        env={**os.environ, INSIDE: run}, preexec_fn=die_with_parent)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: child.terminate())
    try:
        return child.wait()
    finally:
        child.kill()
        child.wait()
        remove_cgroups(run)
        shutil.rmtree(run, ignore_errors=True)
        if Path(run).exists():
            print(f"e2e: {run} could not be removed", file=sys.stderr)
