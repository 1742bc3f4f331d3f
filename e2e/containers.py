#!/usr/bin/env python3
"""Switzerland as containers: the Containerfile built with podman, its images run as docs say, and ended.

As root. No image host is reached: the base is a Debian 12 root made with apt, and the programs are those of target/release
(`make prove` builds them first). The database is one of `vigie with-database`, outside of the containers.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target/release"
COUNTRY = "ch"
# Of each role, on this machine, as long as the run.
PASSWORD = "containers"
# What this machine's sandbox allows (docs/not-run-here.md): no limits above its own, control groups by file system.
SETTINGS = """[containers]
default_ulimits = []
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
results = {"passed": 0, "failed": 0}


def check(sentence, held, why=""):
    results["passed" if held else "failed"] += 1
    print(f"{'ok' if held else 'FAILED'}: {sentence}{'' if held else f': {why}'}", flush=True)


def call(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=900, **more).stdout.strip()


class Podman:
    def __init__(self, work):
        self.work = work
        (work / "containers.conf").write_text(SETTINGS)
        self.env = {**os.environ, "CONTAINERS_CONF": str(work / "containers.conf")}

    def __call__(self, *words, check=True):
        command = ["podman", "--storage-driver", "vfs", "--root", self.work / "root", "--runroot", self.work / "run", "--runtime", "runc"]
        done = subprocess.run(list(map(str, [*command, *words])), env=self.env, capture_output=True, text=True, check=False, timeout=900)
        if check and done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(map(str, words))}: {done.stderr[-1500:]}")
        return done.stdout.strip() if check else done

    def service(self, name, env, *words):
        """The options with which every container of ours runs (compose.yaml has the same)."""
        options = ["--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "10001:10001"]
        return [*options, *(w for pair in env.items() for w in ("--env", "=".join(pair))), *words, f"localhost/vigie/{name}"]


def build(podman, work, programs):
    """The images, from the Containerfile as it is."""
    call("mmdebstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", work / "base.tar")
    podman("import", work / "base.tar", "localhost/base:bookworm")
    (work / "base.tar").unlink()
    bin_ = work / "context/bin"
    bin_.mkdir(parents=True)
    for name in programs:
        shutil.copy(RELEASE / name, bin_ / name)
    call("rustc", "--edition", "2024", "-O", "-C", "strip=symbols", "-o", bin_ / "probe", ROOT / "containers/probe.rs")
    (work / "context/Containerfile").write_text("FROM localhost/base:bookworm\nCOPY bin /out/bin\n")
    podman("build", "--isolation", "chroot", "-t", "localhost/binaries", work / "context")
    for name in programs:
        podman("build", "--isolation", "chroot", "--format", "docker", "-f", ROOT / "containers/Containerfile", "--build-arg",
               "BINARIES=localhost/binaries", "--build-arg", "BUILD_IMAGE=localhost/base:bookworm", "--target", name, "-t",
               f"localhost/vigie/{name}", ROOT)


def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answer(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError as error:
        return 0, str(error)


def run(podman, apps, erasures):
    """The services, each with its role; identity with its list of erasures in the folder `erasures`, as up.sh makes it."""
    profile = f"{ROOT}/clusters/{COUNTRY}/profile:/etc/vigie:ro"
    common = {"DATABASE_URL": os.environ["DATABASE_URL"], "VIGIE_PROFILE": "/etc/vigie/profile.toml", "VIGIE_APPS": ",".join(apps)}
    # As containers/up.sh makes them: a role for each service of the figures, three of the accounts at a database of their own.
    address = urlsplit(os.environ["DATABASE_URL"])
    figures, accounts = address.path[1:], "containers_identity"
    shown = [app for app in apps if app != "identity"]
    roles = {app: f"{figures}_{app.replace('-', '_')}" for app in shown}
    for role in [*roles.values(), accounts, f"{accounts}_service", f"{accounts}_audit"]:
        more = "bypassrls" if role in roles.values() else "nobypassrls"
        there = call("psql", address.geturl(), "--tuples-only", "--command", f"select 1 from pg_roles where rolname = '{role}'")
        verb = "alter" if there else "create"
        call("psql", address.geturl(), "--quiet", "--command", f"{verb} role {role} login {more} password '{PASSWORD}'")
    for words in (f"drop database if exists {accounts}", f"create database {accounts} owner {accounts}"):
        call("psql", address.geturl(), "--quiet", "--command", words)

    def as_role(role, database):
        host = address.netloc.rpartition("@")[2]
        return address._replace(netloc=f"{role}:{PASSWORD}@{host}", path=f"/{database}").geturl()

    for step in ("migrate", "load"):
        env = {**common, "VIGIE_DATA_DIR": "/data", "VIGIE_SERVICES": ",".join(shown)}
        podman("run", "--rm", *podman.service("vigie", env, "-v", profile, "-v", f"{ROOT}/data:/data:ro"), step)
    print("containers: schema and figures are there", flush=True)
    own = {app: {"DATABASE_URL": as_role(role, figures)} for app, role in roles.items()}
    own["identity"] = {"DATABASE_URL": as_role(f"{accounts}_service", accounts),
                       "VIGIE_AUDIT_DATABASE_URL": as_role(f"{accounts}_audit", accounts)}
    owner = {**common, "DATABASE_URL": as_role(accounts, accounts)}
    podman("run", "--rm", *podman.service("identity", owner, "-v", profile), "migrate", "--roles")
    erasures.mkdir()
    erasures.chmod(0o777)
    listed = {"VIGIE_ERASURES": "/var/lib/vigie-erasures/list"}
    kept = ["-v", f"{erasures}:/var/lib/vigie-erasures"]
    own["identity"] |= listed
    restored(lambda env, *words: podman("run", "--rm", *podman.service("identity", {**env, **listed}, *kept), *words),
             {**common, **own["identity"]}, owner, erasures / "list")
    ports = {}
    for app in apps:
        ports[app] = (free(), free())
        env = {**common, **own.get(app, {}), "VIGIE_ADDR": f"127.0.0.1:{ports[app][0]}", "VIGIE_ADMIN_ADDR": f"127.0.0.1:{ports[app][1]}"}
        podman("run", "--detach", "--name", app, *podman.service(app, env, "-v", profile, *(kept if app == "identity" else [])))
    return ports


def restored(identity, service, owner, written):
    """What was taken away after a backup stays so when it is restored: an account, disabled, and a database in which it is not."""
    account = "accountofthecontainers"
    made = f"insert into account (id, provider, issuer, subject, key, created_at, seen_at) values ('{account}', 'agov', 'https://issuer.test', 'a', sha256('a'), now(), now())"
    call("psql", owner["DATABASE_URL"], "--quiet", "--command", made)
    identity(service, "disable", account)
    lines = written.read_text(encoding="utf-8").splitlines()
    check("the list of erasures lies on the host and holds a hash", [re.fullmatch("[0-9a-f]{64}", line) is not None for line in lines] == [True], lines)
    call("psql", owner["DATABASE_URL"], "--quiet", "--command", f"update account set disabled_at = null where id = '{account}'")
    said = identity(owner, "restore-erasures")
    check("a restore does again what stands in it", "1 accounts disabled" in said, said)


def judge(podman, apps, ports):
    for app in apps:
        end = time.time() + 60
        while time.time() < end and answer(f"http://127.0.0.1:{ports[app][1]}/readyz")[0] != 200:
            time.sleep(0.5)
        check(f"{app} is ready", time.time() < end, podman("logs", app, check=False).stderr[-500:])
        pid = podman("inspect", "--format", "{{.State.Pid}}", app)
        status = Path(f"/proc/{pid}/status").read_text()
        check(f"{app} runs as 10001, without capabilities", re.search(r"^Uid:\s+10001\s+10001", status, re.M) is not None
              and re.search(r"^CapEff:\s+0+$", status, re.M) is not None, status)
        mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
        root = next(m for m in mounts if m[4] == "/")
        check(f"{app} cannot write to its file system", "ro" in root[5].split(","), root)
        healthy = podman("healthcheck", "run", app, check=False)
        check(f"the image's own health check finds {app} well", healthy.returncode == 0, healthy.stdout + healthy.stderr)
    prefix = "/de"
    status, text = answer(f"http://127.0.0.1:{ports['web'][0]}{prefix}/")
    check("the page answers", status == 200 and "<html" in text, f"{status} {text[:200]}")
    status, text = answer(f"http://127.0.0.1:{ports['identity'][0]}/account")
    check("/account answers, and says that nobody is registered yet", status == 200 and "VIGIE_REGISTRATIONS" in text, f"{status} {text[:200]}")
    check("/explore answers 404 where there is no such service", answer(f"http://127.0.0.1:{ports['web'][0]}/explore")[0] == 404)
    for app in apps:
        begun = time.time()
        podman("stop", "--time", "20", app)
        code = podman("inspect", "--format", "{{.State.ExitCode}}", app)
        check(f"{app} ends with 0 on SIGTERM", code == "0", f"{code} after {time.time() - begun:.1f} s")


def main():
    if os.geteuid() != 0 or not shutil.which("podman"):
        print("skipped: container-run: podman as root is needed")
        return 0
    apps = sorted(p.name for p in (ROOT / f"clusters/{COUNTRY}/apps").iterdir())
    with tempfile.TemporaryDirectory(prefix="vigie-containers-") as folder:
        podman = Podman(Path(folder))
        start = time.time()
        try:
            build(podman, Path(folder), [*apps, "vigie"])
            print(f"containers: {len(apps) + 1} images built in {time.time() - start:.0f} s", flush=True)
            judge(podman, apps, run(podman, apps, Path(folder) / "erasures"))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            check("the run", False, f"{error} {getattr(error, 'stderr', '') or ''}")
        finally:
            podman("rm", "--all", "--force", "--time", "5", check=False)
    print(f"{results['passed']} passed, {results['failed']} failed")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    if "DATABASE_URL" in os.environ or os.geteuid() != 0:
        sys.exit(main())
    os.execv(RELEASE / "vigie", ["vigie", "with-database", "--name", "containers", "--", sys.executable, __file__])
