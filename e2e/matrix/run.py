#!/usr/bin/env python3
"""Who may do what, recomputed from a running country: somebody of each role, logged in at the real provider, asks every route of every
service at the ports on which it listens; what comes back is compared with docs/security/access.csv.

  e2e/matrix/run.py COUNTRY PID

PID is the process of `vigie up`, whose origin has a name (VIGIE_PUBLIC_URL=http://localhost:PORT), or there are no passkeys.
The test of the same table (crates/vigie/tests/matrix) asks routers within its own process, with sessions that it writes itself.
"""

import base64
import json
import secrets
import sys
import tempfile
import time
import tomllib
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "attacks")]

import listed
import routes as known
import running
import table
from authenticator import openssl, text
from people import Person, send
from table import NO_ROLE, PUBLIC, Asker, somebody

# The sample accounts of the development provider that prove enough.
USERS = ("alice", "carol", "dan", "erin")
# It ends the session: asked last.
LAST = "/account/logout"
INTROSPECT = "/internal/introspect"
# The service whose key opens it, and what a key of the person's program is.
SERVICE = Asker("data-api by its own key", paths=frozenset({INTROSPECT}))
KEY = Asker("a program by an API key")
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", listed.UNUSED)
ABSENT = (404, 405)


def given():
    """The roles that somebody can be given."""
    policy = tomllib.loads((known.ROOT / "crates/kit/access.toml").read_text(encoding="utf-8"))
    return sorted(role for role in policy["roles"] if role != "public")


class Service:
    """What data-api says of itself: a token for each question, signed with its own key."""

    def __init__(self, settings, country, folder):
        self.origin, self.country, self.key = settings["VIGIE_PUBLIC_URL"].rstrip("/"), country, Path(folder) / "service.pem"
        lines = Path(settings["VIGIE_SERVICE_KEY"]).read_text(encoding="utf-8").splitlines()
        # OpenSSL reads no PKCS#8 that has the public half in it: the same key without.
        seed = base64.b64decode("".join(line for line in lines if "-" not in line)).partition(bytes.fromhex("04220420"))[2][:32]
        der = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420") + seed).decode()
        word = "PRIVATE" + " KEY"
        self.key.write_text(f"-----BEGIN {word}-----\n{der}\n-----END {word}-----\n", encoding="utf-8")

    def headers(self):
        now = int(time.time())
        head = {"alg": "EdDSA", "typ": "vigie-access+jwt", "kid": "data-api"}
        claims = {"iss": f"{self.origin}#data-api", "aud": f"vigie:{self.country}:identity", "sub": "data-api", "roles": ["data-api"],
                  "iat": now, "exp": now + 30, "jti": secrets.token_urlsafe(16)}
        message = ".".join(text(json.dumps(part).encode()) for part in (head, claims))
        said = self.key.with_suffix(".said")
        said.write_text(message, encoding="utf-8")
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", said)
        return {"Sec-Fetch-Site": "same-origin", "Origin": self.origin, "Authorization": f"Bearer {message}.{text(signature)}"}


class Country:
    """A running country, and what it answered."""

    def __init__(self, country, pid, folder):
        self.code, self.pid, self.folder = country, pid, folder
        self.settings = {name: settings for name, (_, settings) in running.programs(pid).items()}
        self.services = running.services(pid)
        self.origin = self.settings["identity"]["VIGIE_PUBLIC_URL"]
        self.routes, self.roles = known.of(country), given()
        self.public = {"Sec-Fetch-Site": "same-origin", "Origin": self.origin}
        self.found, self.answers, self.faults, self.count = set(), [], [], 0

    def asks(self, asker, headers, services=None):
        """`asker` asks every route, with what `headers` gives for a service; and whatever is no route is denied to them."""
        for route in sorted(self.routes, key=lambda r: (r.pattern == LAST, r.service, r.pattern)):
            if services and route.service not in services:
                continue
            if route.pattern == LAST:
                self.denied(asker, headers, services)
            name, path = (route.service, route.method, route.pattern), listed.concrete(route.pattern)
            self.answers.append((asker, name, send(self.services[route.service], route.method, path, headers(route.service)).status))

    def denied(self, asker, headers, services):
        """Other methods of known paths, and paths that nobody knows."""
        has = {}
        for route in self.routes:
            has.setdefault((route.service, listed.concrete(route.pattern)), set()).add(route.method)
        tried = [(service, method, path) for (service, path), methods in has.items() for method in METHODS if method not in methods]
        tried += [(service, method, f"{path.rstrip('/')}/{secrets.token_hex(4)}/no/such/path") for service, path in has for method in ("GET", "POST")]
        for service, method, path in tried:
            if services and service not in services:
                continue
            self.count += 1
            status = send(self.services[service], method, path, headers(service)).status
            if status not in ABSENT:
                self.faults.append(f"{method} {path} of {service}, which is no route: {asker.name} is answered {status}")

    def lists(self):
        """What runs."""
        every = known.every()
        for name, address in self.services.items():
            found, tried = listed.runs(name, self.code, every, address, self.settings[name]["VIGIE_ADMIN_ADDR"], self.public)
            self.found |= found
            self.count += tried
        open_ = listed.listening(self.pid)
        for name, address in self.services.items():
            wanted = {address, self.settings[name]["VIGIE_ADMIN_ADDR"]}
            if open_.get(name) != (wanted, 0):
                self.faults.append(f"{name} listens on {open_.get(name)}, and only {wanted} were asked")

    def people(self):
        """Somebody of each role, with a passkey from when they had one that wants it, as the table's own test has it."""
        provider = known.values(self.code)["provider"]
        if len(self.roles) > len(USERS):
            raise RuntimeError(f"the provider has {len(USERS)} sample accounts, and there are the roles {self.roles}")
        for user, role in zip(USERS, self.roles):
            person = Person(self.origin, self.services["identity"])
            person.begins(self.pid, provider, user, self.roles)
            person.given(self.pid, "grant", "operator")
            person.registers(self.folder)
            person.given(self.pid, "revoke", "operator")
            if user == USERS[0]:
                self.asks(NO_ROLE, self.bearing(person))
                person.logs_in(provider, user)
                person.confirms()
            person.given(self.pid, "grant", role)
            yield role, person

    @staticmethod
    def bearing(person):
        """Cookie and token; data-api takes keys of programs where others take a token, and refuses whatever is none."""
        return lambda service: person.own() if service == "data-api" else person.headers()

    def door(self):
        """The same through the front door: what is nobody's is not even there."""
        at = self.origin.removeprefix("http://")
        for route in self.routes:
            self.count += 1
            status = send(at, route.method, listed.concrete(route.pattern), self.public).status
            fits = status in ABSENT if route.who == "nobody" else (status not in table.DENIED) == PUBLIC.may(route) and status < 500 and status not in (405, 429)
            if not fits:
                self.faults.append(f"{route.method} {route.pattern} through the front door: answered {status}, and the table says {route.who}")

    def ask_all(self):
        self.lists()
        self.asks(PUBLIC, lambda service: self.public)
        self.door()
        keys = known.profile(self.code)["identity"].get("keys")
        for role, person in self.people():
            bearer = f"Bearer {person.makes_key(keys['scopes'])}" if keys and role == "specialist" else ""
            if bearer:
                self.asks(KEY, lambda service, said=bearer: {**self.public, "Authorization": said})
                service = Service(self.settings["data-api"], self.code, self.folder)
                self.asks(SERVICE, lambda name: service.headers(), {"identity"})
            self.asks(somebody(role), self.bearing(person))


def main(code, pid):
    begin, results = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="vigie-matrix-") as folder:
        country = Country(code, pid, folder)
        country.ask_all()
    askers = sorted({asker.name for asker, *_ in country.answers})
    compared = table.compare(country.routes, country.found, country.answers)
    results.append((f"every route answers whom the table names: {len(country.routes)} routes, {len(country.answers)} answers to {', '.join(askers)}", compared))
    results.append((f"what is no route is denied, and nothing else listens: {country.count} tried", country.faults))
    count, blind = table.blind(country.routes, country.roles, country.found, country.answers)
    results.append((f"a table with one mistake is refused: {count} tables", [] if compared else blind))
    for name, faults in results:
        print(f"{'FAULT' if faults else 'ok'}: {code}: {name}", flush=True)
        for fault in faults[:40]:
            print(f"  {fault}", flush=True)
        if len(faults) > 40:
            print(f"  and {len(faults) - 40} more", flush=True)
    failed = sum(bool(faults) for _, faults in results)
    print(f"{code}: {time.monotonic() - begin:.1f} s")
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
