#!/usr/bin/env python3
"""What a run planted in a country, looked for in everything that the country wrote down: no secret and nothing of a person may
stand there.

  e2e/canaries.py [--nobody-logs-in] PID FOLDER [LOG...]

PID is the process of `vigie up`; LOG what it said itself. FOLDER holds what was planted: `planted.jsonl`, to which journeys
(e2e/browser/tests/plants.js) and attacks (e2e/attacks/plants.py) add one {"kind", "value"} a line, and the letters that came
(e2e/post.py). The passwords and keys of the country are read from its own folder. Looked through are the log of every program,
the last one's too, its metrics, and the list of the retrievals; in each for the value itself and for what it may have become on
the way there. A kind that nobody planted, a program without a log and metrics that do not answer are faults: what was not
looked for was not proven. So is an event of security that the run must have caused and that stands in no log (docs/security/events.md).
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import quote

import running

# What every run plants, by its kind.
ALWAYS = {
    "address": "an e-mail address", "link": "the word that opens the link of a letter", "visit": "the cookie that a link gives",
    "bearer": "a token that was sent", "network": "the address that a request came from", "forwarded": "an address that a request named",
    "agent": "what a browser calls itself", "query": "what stands in an address", "body": "what a form says",
    "password": "a password of the country's folder",
}
# What only somebody who logs in plants.
LOGIN = {
    "session": "the cookie of a session", "login": "the cookie of a login", "code": "the code of a provider",
    "state": "the state of a login", "nonce": "the nonce of a login", "subject": "what a provider calls somebody",
    "account": "the number of an account", "registration": "a secret that a provider gave",
}
KEYS = {"key": "an API key", "name": "what somebody calls a key or a passkey", "service key": "the key of a service"}
PASSKEYS = {"credential": "the name of a passkey", "challenge": "what a passkey signs", "signature": "what a passkey signed", "recovery": "a recovery code"}
KNOWN = ALWAYS | LOGIN | KEYS | PASSKEYS
# The events that journeys and attacks cause, and which program writes them.
EVENTS = {("door", "request", "refused"), *(("identity", event, "refused") for event in ("access", "form", "link", "request", "session", "token"))}
EVENTS_OF_LOGIN = {("identity", "login", "done"), ("identity", "login", "refused"), ("identity", "session", "done")}
EVENTS_OF_KEYS = {("data-api", "key", "refused")}
EVENT = re.compile(rb'security: .*?service="([\w-]+)" event="(\w+)" outcome="(\w+)"')
# Shorter ones are looked for as whole words, as they are.
SHORT = 16


def forms(value):
    """What a value may have become: encoded, or its SHA-256, as digits, as base64, as Rust shows bytes."""
    raw = value.encode()
    found = {raw, quote(value, safe="").encode()}
    for octets in (raw, hashlib.sha256(raw).digest()):
        found |= {octets.hex().encode(), octets.hex().upper().encode(), ", ".join(map(str, octets)).encode()}
        found |= {base64.b64encode(octets).rstrip(b"="), base64.urlsafe_b64encode(octets).rstrip(b"=")}
    return found


def planted(folder):
    """(kind, value) of all that was planted, and of the letters that came."""
    file = Path(folder) / "planted.jsonl"
    told = {(line["kind"], line["value"]) for line in map(json.loads, file.read_text(encoding="utf-8").splitlines())} if file.is_file() else set()
    for path in Path(folder).glob("*.json"):
        letter = json.loads(path.read_text(encoding="utf-8"))
        told |= {("address", to) for to in letter["to"]}
        told |= {("link", word) for word in re.findall(r"[?&]token=([\w-]{20,})|/account/alerts/stop/([\w./-]{20,})", letter["text"]) for word in word if word}
    return told


def kept(state):
    """(kind, value) of the secrets in the folder of a country."""
    found = set()
    for path in Path(state).glob("*password"):
        found.add(("password", path.read_text(encoding="utf-8").strip()))
    for path in Path(state).glob("*.pem"):
        found |= {("service key", line) for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("-----")}
    registrations = Path(state) / "registrations.toml"
    if registrations.is_file():
        text = registrations.read_text(encoding="utf-8")
        found |= {("registration", value) for value in re.findall(r'^client_secret = "([^"]+)"', text, re.M)}
        # The first line of a key in PEM says what kind of key it is, the others whose.
        found |= {("registration", line) for key in re.findall(r'^private_key = "([^"]+)"', text, re.M) for line in key.split("\\n")[2:-2]}
    return found


def hits(places, canaries):
    """(place, line, kind) of each value that stands somewhere. `places`: files by name."""
    whole, words = {}, {}
    for kind, value in canaries:
        for form in [value.encode()] if len(value) < SHORT else forms(value):
            (words if len(value) < SHORT else whole)[form] = kind
    names = {str(path): name for name, path in places.items()}
    found = set()
    for patterns, more in ((whole, []), (words, ["--word-regexp"])):
        if not patterns or not names:
            continue
        with tempfile.NamedTemporaryFile(suffix=".patterns") as file:
            file.write(b"\n".join(patterns) + b"\n")
            file.flush()
            # As bytes: what a program wrote need not be text.
            command = ["grep", "--fixed-strings", "--text", "--only-matching", "--line-number", "--with-filename", "--null", *more, "--file", file.name, "--", *names]
            done = subprocess.run(command, check=False, capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
        if done.returncode > 1:
            raise OSError(done.stderr.decode(errors="replace"))
        for line in done.stdout.splitlines():
            place, _, rest = line.partition(b"\0")
            number, _, form = rest.partition(b":")
            found.add((names[place.decode()], int(number), patterns[form]))
    return sorted(found)


def look(places, canaries, wanted):
    """What is wrong: kinds that nobody planted or nobody knows, places that are empty, values that stand in one of them."""
    kinds = {kind for kind, _ in canaries}
    faults = [f"nobody planted {KNOWN[kind]} ({kind})" for kind in sorted(wanted - kinds)]
    faults += [f"`{kind}` is no kind of canary" for kind in sorted(kinds - KNOWN.keys())]
    faults += [f"an empty {kind} was planted" for kind in sorted({kind for kind, value in canaries if len(value.strip()) < 3})]
    faults += [f"{name} is empty: nothing was looked through" for name, path in sorted(places.items()) if path.stat().st_size == 0 and not name.endswith(".previous")]
    for name, number, kind in hits(places, canaries):
        line = places[name].read_bytes().split(b"\n")[number - 1].decode(errors="replace")
        faults.append(f"{name}, line {number}, holds {KNOWN.get(kind, kind)} ({kind}): {line[:300]}")
    return faults


def unsaid(places, wanted):
    """The events that stand in no log."""
    said = {tuple(word.decode() for word in found) for path in places.values() for found in EVENT.findall(path.read_bytes())}
    return [f"no log says that {service} has {outcome} a {event}" for service, event, outcome in sorted(wanted - said)]


def gather(pid, folder, logs):
    """The files to be looked through by name, what the country's own folder holds, and what could not be had."""
    programs, faults = running.programs(pid), []
    state = Path(programs["identity"][1]["VIGIE_ARCHIVE"]).parent
    places = {path.name: path for path in [*state.glob("log/*"), *map(Path, logs)]}
    places |= {f"retrieval {path.name}": path for path in state.glob("archive/events/**/*.json")}
    faults += [f"{name} has no log" for name in programs if f"{name}.log" not in places and name != "node"]
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for name in running.services(pid):
        place = Path(folder) / f"metrics of {name}.txt"
        place.write_bytes(ask.open(f"http://{programs[name][1]['VIGIE_ADMIN_ADDR']}/metrics", timeout=10).read())
        places[place.stem] = place
    return places, kept(state), faults


def main(logged_in, pid, folder, *logs):
    places, secrets, faults = gather(pid, folder, logs)
    canaries = planted(folder) | secrets
    wanted, events = set(ALWAYS), set(EVENTS)
    if logged_in:
        wanted, events = wanted | LOGIN.keys(), events | EVENTS_OF_LOGIN
    if logged_in and "data-api.log" in places:
        wanted, events = wanted | KEYS.keys(), events | EVENTS_OF_KEYS
    faults += unsaid(places, events) + look(places, canaries, wanted)
    for fault in faults[:40]:
        print(f"FAULT: {fault}")
    if len(faults) > 40:
        print(f"  and {len(faults) - 40} more")
    counts = {kind: sum(k == kind for k, _ in canaries) for kind in sorted({k for k, _ in canaries})}
    size = sum(path.stat().st_size for path in places.values())
    print(f"looked for {len(canaries)} values in {len(places)} places, {size / 1e6:.1f} MB: {', '.join(f'{n} {kind}' for kind, n in counts.items())}")
    print(f"{int(not faults)} passed, {int(bool(faults))} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--nobody-logs-in"]
    if len(given) < 2:
        sys.exit(__doc__)
    sys.exit(main(len(given) == len(sys.argv) - 1, *given))
