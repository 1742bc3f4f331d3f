#!/usr/bin/env python3
"""Attacks on a running country, at its front door and past it, from bytes that no client sends to the headers of each answer.

  e2e/attacks/run.py COUNTRY PID [POST]

PID is the process of `vigie up`; POST the folder where its mail server keeps letters (e2e/post.py). Each check counts what it
tried; its faults are named. `make test` runs it beside the browser (`journeys`).
"""

import json
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import headers
import inputs
import load
import naive
import plants
import routes as known
import running
import smuggling
from smuggling import Target

# A path of each service that answers GET with 200 and POST with 405, and one whose answer never changes.
STEADY = {"web": ("/.well-known/build.json", "/.well-known/security.txt"), "data-api": ("/api/data/v1/signals", "/api/data/v1/openapi.json"),
          "forecast": ("/api/forecast/v1/models", "/api/forecast/v1/openapi.json"), "dataviz": ("/explore", "/explore"),
          "identity": ("/account/rights/kept", "/account/receipts/keys.json")}


def letter(folder, email, seconds=30):
    """The first letter to an address."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in sorted(Path(folder).glob("*.json")):
            told = json.loads(path.read_text())
            if email in told["to"]:
                return told
        time.sleep(0.05)
    sys.exit(f"no letter to {email} came in {seconds} s")


def checks(country, pid, post):
    """Name and function of each check."""
    settings = running.programs(pid)
    origin = settings["identity"][1]["VIGIE_PUBLIC_URL"]
    door = origin.removeprefix("http://")
    services = running.services(pid)
    routes, values = known.of(country), known.values(country)
    # Nobody outside reaches what is no path of the front door.
    outside = [r for r in routes if r.who != "nobody"]
    issuers = ["http://127.0.0.1:"]
    yield "these checks find what can be smuggled through a naive door", smuggling.can_see
    yield "these checks find the faults of a server that does everything wrong", naive.can_see
    for service in services:
        path, steady = STEADY[service]
        yield f"nothing is smuggled through the door to {service}", lambda p=path, s=steady, n=service: smuggling.check(Target(f"door to {n}", door, p, s, door=True))
        yield f"nothing is smuggled to {service}", lambda p=path, s=steady, n=service: smuggling.check(Target(n, services[n], p, s))
    yield "no path leads out of a folder", lambda: inputs.ways_out(outside, door)
    yield "no answer leads to another site", lambda: inputs.elsewhere(outside, door, values, issuers)
    yield "other sites read the open figures and nothing else", lambda: inputs.origins(outside, door, values)
    yield "only the methods of a path are answered", lambda: inputs.methods(outside, door, values)
    yield "long heads are refused", lambda: load.heads(door)
    yield "large bodies are refused, and none is unpacked", lambda: load.bodies(door, origin)
    yield "every answer carries its safety headers", lambda: headers.check(routes, {"door": door, **services}, values, origin)
    if post:
        email = f"reader-{secrets.token_hex(6)}@canary.test"
        yield "a letter's link is of this site", lambda: inputs.letters(door, origin, lambda to: letter(post, to), email)
        # Last: it sends what the others planted too. e2e/canaries.py looks for it.
        yield "whatever is sent is answered", lambda: plants.plant(outside, {"door": door, **services}, post, values["provider"])


def main(country, pid, post=None):
    passed = failed = 0
    door = running.programs(pid)["identity"][1]["VIGIE_PUBLIC_URL"].removeprefix("http://")
    with ThreadPoolExecutor(1) as beside:
        # It waits for the limits of time, so the others run meanwhile.
        waits = beside.submit(load.slow, door)
        for name, check in [*checks(country, pid, post), ("a connection on which nothing comes is closed", waits.result)]:
            begin = time.monotonic()
            count, faults = check()
            print(f"{'FAULT' if faults else 'ok'}: {name}: {count} tried in {time.monotonic() - begin:.1f} s", flush=True)
            for fault in faults[:20]:
                print(f"  {fault}", flush=True)
            if len(faults) > 20:
                print(f"  and {len(faults) - 20} more")
            passed, failed = passed + (not faults), failed + bool(faults)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
