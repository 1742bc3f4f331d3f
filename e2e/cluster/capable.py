"""May this machine run a node? Each thing that a cluster asks of the kernel is tried, in namespaces that end with the trial.

A machine that may do all of it is never skipped: what goes wrong later is a failure.
"""

import os
import subprocess
import tempfile

import sandbox

# What is tried, in the words of the reason that is printed when it is refused.
TRIALS = """
set -eu
try() { what=$1; shift; "$@" >"$1.log" 2>&1 || { echo "$what: $(tail -n 1 "$1.log" | cut -c 1-160)"; exit 9; }; }
cd "$1"
mkdir t
try "a file system in memory" mount -t tmpfs tmpfs t
try "a network bridge" ip link add vg0 type bridge
try "an address" ip addr add 10.99.0.1/24 dev vg0
try "a pair of network devices" ip link add vg1 type veth peer name vg2
try "forwarding" sysctl -qw net.ipv4.ip_forward=1
for table in nat filter mangle; do try "the table $table of iptables" iptables -w -t "$table" -L -n; done
try "address translation" iptables -w -t nat -A POSTROUTING -m comment --comment vigie -j MASQUERADE
try "balancing between pods" iptables -w -t nat -A OUTPUT -m statistic --mode random --probability 0.5 -m mark ! --mark 0x4000/0x4000 -j MARK --or-mark 0x4000
try "following connections" iptables -w -A FORWARD -m conntrack --ctstate INVALID -j DROP
try "namespaces within namespaces" unshare --mount --net --pid --uts --ipc --fork true
"""


def control_groups(run):
    """What is wrong with control groups here, or None. A process is put into one that limits memory and processors."""
    try:
        sandbox.make_cgroups(run)
        folders = [p for p in sandbox.cgroups(run) if p.is_dir()]
        limits = [p / knob for p in folders for knob in ("memory.max", "memory.limit_in_bytes") if (p / knob).exists()]
        if not limits:
            return "control groups have no limit of memory here"
        limits[0].write_text(str(1 << 30))
        child = subprocess.Popen(["sleep", "60"])
        try:
            for folder in folders:
                (folder / "cgroup.procs").write_text(str(child.pid))
        finally:
            child.kill()
            child.wait()
    except OSError as error:
        return f"control groups: {error}"
    finally:
        sandbox.remove_cgroups(run)
    return None


def reason():
    """Why no node can run here, as the end of a sentence, or None when one can."""
    if os.geteuid() != 0:
        return "namespaces, mounts and a kubelet need root"
    if os.uname().machine != "x86_64":
        return f"the images of the test are made for x86_64, this machine is {os.uname().machine}"
    with tempfile.TemporaryDirectory(prefix=f"vigie-e2e-{os.getpid()}-") as run:
        if why := control_groups(run):
            return why
        path = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        # As the sandbox does it.
        done = subprocess.run([*sandbox.UNSHARE, "bash", "-c", TRIALS, "trial", run], env=path, check=False,
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode == 9:
            return f"the kernel refuses {done.stdout.strip()}"
        if done.returncode != 0:
            return f"the kernel refuses namespaces of their own: {(done.stderr or done.stdout).strip()[-160:]}"
    return None
