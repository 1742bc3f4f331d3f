#!/usr/bin/env python3
"""Passkeys in a real browser: identity alone, under an origin with a name, with the provider that stands in for the country's.

  vigie with-database -- e2e/passkeys.py IDENTITY [COUNTRY]

IDENTITY is the program. Whoever logs in is given a role by its command, as an operator does it, so the database is made for
this run. Playwright's own arguments may follow the country.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from pathlib import Path

import canaries

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = ROOT / "services/identity/provider"


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait(url, process, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            sys.exit("identity stopped before it was ready")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"identity is not ready after {seconds} s")


def searched(folder, log, admin):
    """Nothing of what the journeys planted stands in what the service said, nor in its metrics."""
    metrics = folder / "metrics.txt"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{admin}/metrics", timeout=10) as told:
        metrics.write_bytes(told.read())
    faults = canaries.look({"identity.log": log, "metrics": metrics}, canaries.planted(folder) | canaries.kept(folder), {*canaries.PASSKEYS, *canaries.LOGIN})
    for fault in faults:
        print(f"FAILED: {fault}")
    return int(bool(faults))


def main(identity, country="us", *more):
    profile = ROOT / f"clusters/{country}/profile/profile.toml"
    providers = tomllib.loads(profile.read_text(encoding="utf-8"))["identity"]["providers"]
    for declared in providers:
        # As the profile's reader fills them in.
        declared.setdefault("scopes", [])
        declared.setdefault("userinfo", "none")
        declared.setdefault("logout", "id_token_hint")
    port, admin = free(), free()
    origin = f"http://localhost:{port}"
    if not (PROVIDER / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=PROVIDER, check=True)
    started = []
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "identity.log").open("wb") as said:
        log = Path(said.name)
        try:
            told = Path(folder) / "registrations.toml"
            node = subprocess.Popen(["node", "provider.js", json.dumps({"rp": origin, "providers": providers}), told],
                                    cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            started.append(node)
            if node.stdout.readline() != b"ready\n":
                sys.exit("the provider did not start")
            subprocess.run([identity, "migrate"], check=True)
            service = subprocess.Popen([identity], env={
                **os.environ, "VIGIE_PROFILE": str(profile), "VIGIE_REGISTRATIONS": str(told), "VIGIE_PUBLIC_URL": origin,
                "VIGIE_ADDR": f"127.0.0.1:{port}", "VIGIE_ADMIN_ADDR": f"127.0.0.1:{admin}", "RUST_LOG": "debug"},
                stdout=said, stderr=said)
            started.append(service)
            wait(f"http://127.0.0.1:{admin}/readyz", service)
            code = subprocess.run(["npx", "playwright", "test", "passkeys.spec.js", *more], cwd=ROOT / "e2e/browser", env={
                **os.environ, "VIGIE_URL": origin, "VIGIE_COUNTRY": country, "VIGIE_IDENTITY": os.path.abspath(identity),
                "VIGIE_POST": folder}, check=False).returncode
            # All tests, or what they plant is not all there.
            return code or (0 if more else searched(Path(folder), log, admin))
        except SystemExit:
            print(log.read_text(encoding="utf-8", errors="replace")[-3000:])
            raise
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
                process.wait(30)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
