"""Which routes a running service has. What runs is not asked for a list, which it could forget to keep: it is asked for every path
that might be there, and its own metrics say by which route each was answered."""

import json
import os
import re
import urllib.request
from pathlib import Path

import running
from people import send
from routes import ROOT, profile

LITERAL = re.compile(r'\.route\(\s*"([^"]+)"')
NEST = re.compile(r'\.nest\(\s*"([^"]+)"')
LINK = re.compile(r'(?:href|action|src)="(/[^"?#]*)')
COUNTED = re.compile(r'^http_requests_total\{(.*)\} ')
# A method that no route has: a path that is there answers it with the ones that it has.
UNUSED = "PATCH"


def concrete(pattern):
    """A path of a route, as the test of the table has it."""
    return re.sub(r"\{\w+\}", "1", pattern)


def written(service, country):
    """What the sources of the service write down as a route, below every prefix that they nest by."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / f"services/{service}/src").rglob("*.rs")))
    prefixes = {"", *NEST.findall(text), *(f"/{language['code']}" for language in profile(country)["languages"])}
    return {prefix + path for prefix in prefixes for path in LITERAL.findall(text)}


def described(address, prefix):
    """The paths of the service's own OpenAPI, where it has one."""
    answer = send(address, "GET", f"{prefix}/openapi.json")
    if answer.status != 200:
        return set()
    paths = json.loads(answer.text)["paths"]
    return {path if path.startswith(prefix) else prefix + path for path in paths}


def candidates(service, country, table, address):
    """Paths that might be there: of every service and country in the table, of the sources, of the service's OpenAPI, and whatever its
    pages lead to."""
    prefixes = {route.pattern.rpartition("/")[0] for route in table if route.pattern.endswith("/openapi.json") and route.service == service}
    found = {route.pattern for route in table} | written(service, country)
    found |= {path for prefix in prefixes for path in described(address, prefix)}
    pages = {concrete(route.pattern) for route in table if route.service == service and route.method == "GET"}
    found |= {link for page in pages for link in LINK.findall(send(address, "GET", page, {"Accept": "text/html"}).text)}
    return found


def counted(admin):
    """The routes by which a service has answered, as its metrics have them."""
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with ask.open(f"http://{admin}/metrics", timeout=20) as said:
        lines = said.read().decode().splitlines()
    labels = [dict(re.findall(r'(\w+)="([^"]*)"', line[1])) for line in map(COUNTED.match, lines) if line]
    return {one["path"] for one in labels} - {"other"}


def runs(service, country, table, address, admin, headers):
    """{(service, method, pattern)} of what runs, and how many paths were tried."""
    tried = candidates(service, country, table, address)
    for path in sorted(tried):
        send(address, UNUSED, concrete(path), headers)
    found = set()
    for pattern in counted(admin):
        answer = send(address, UNUSED, concrete(pattern), headers)
        methods = re.findall(r"[A-Z]+", answer.headers.get("Allow") or "") if answer.status == 405 else [f"{UNUSED} (answered {answer.status})"]
        found |= {(service, method, pattern) for method in methods if method != "HEAD"}
    return found, len(tried)


def sockets(table):
    """The rows of a table of sockets; none where the kernel has no IPv6, and no table of it."""
    return [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []


def listening(pid):
    """By name: the addresses of IPv4 on which each program under the `vigie up` of process `pid` listens, and how many of IPv6."""
    found = {}
    for child, fields in running.processes().items():
        if fields[1] != str(pid):
            continue
        home = Path(f"/proc/{child}")
        try:
            name = Path(os.readlink(home / "exe").removesuffix(" (deleted)")).name
            held = {os.readlink(one) for one in (home / "fd").iterdir()}
            tables = {kind: sockets(home / f"net/{kind}") for kind in ("tcp", "tcp6")}
        except OSError:
            continue  # it has ended meanwhile
        # 0A: it listens. The address is as the processor keeps it, the last byte first.
        open_ = {kind: [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in held] for kind, rows in tables.items()}
        four = {".".join(str(b) for b in reversed(bytes.fromhex(one[:8]))) + f":{int(one[9:], 16)}" for one in open_["tcp"]}
        found[name] = (four, len(open_["tcp6"]))
    return found
