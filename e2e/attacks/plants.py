"""What a reader sends and what an attacker sends, at every route: none of it may be written down (e2e/canaries.py looks for it)."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from wire import request, send

# Fields that forms of ours have, and some that logs like to have.
NAMES = ("token", "code", "state", "email", "key", "return_to", "logout_token", "id", "password")


def values():
    """A value of each kind; each run has its own."""
    word = lambda: secrets.token_urlsafe(24)
    octet = lambda: 1 + secrets.randbelow(250)
    return {"network": f"127.{octet()}.{octet()}.{octet()}", "forwarded": f"198.18.{octet()}.{octet()}", "agent": f"canary-{word()}", "query": word(),
            "body": word(), "bearer": f"eyJhbGciOiJFZERTQSJ9.{word()}.{word()}", "session": word(), "login": word(), "visit": word(),
            "address": f"reader-{secrets.token_hex(8)}@canary.test", "link": word()}


def earlier(file):
    """The last value of each kind that journeys planted: what was good once, and what still is."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {line["kind"]: line["value"] for line in map(json.loads, lines)}


def requests(route, said, provider):
    """The same values in the path, the query, the headers, the cookies and the body; once as a program, once as a browser."""
    path = route.path(said["query"], provider=provider)
    query = "&".join(f"{name}={quote(said['address' if name == 'email' else 'query'])}" for name in NAMES)
    body = "&".join(f"{name}={quote(said['address' if name == 'email' else 'link' if name == 'token' else 'body'])}" for name in NAMES)
    common = [f"X-Forwarded-For: {said['forwarded']}", f"Forwarded: for={said['forwarded']}", f"X-Real-IP: {said['forwarded']}",
              f"User-Agent: {said['agent']}", f"Referer: http://elsewhere.test/?q={said['query']}", f"X-Request-Id: {said['query']}", "Connection: close"]
    cookies = "; ".join(f"__Host-vigie-{name}={said[name]}" for name in ("session", "login", "visit"))
    form = "Content-Type: application/x-www-form-urlencoded"
    for authorization in (f"Bearer {said['bearer']}", f"Bearer {said.get('key', said['bearer'])}", f"Basic {said['bearer']}"):
        yield request(f"{route.method} {path}?{query}", *common, f"Authorization: {authorization}", form, body=body.encode() if route.method == "POST" else b"")
    yield request(f"{route.method} {path}?lang=en", *common, f"Cookie: {cookies}", "Accept: text/html", "Sec-Fetch-Site: same-origin", form,
                  body=body.encode() if route.method == "POST" else b"")
    if "key" in said:
        yield request(f"{route.method} {path}?key={said['key']}", *common)


def broken(said):
    """What is no HTTP, with the values in it."""
    yield f"GET /{said['query']} HTTP/9.9\r\nHost: a\r\nX: {said['body']}\r\n\r\n".encode()
    yield f"GET / HTTP/1.1\r\nHost: {said['query']}@a\r\n\r\n".encode()
    yield f"GET / HTTP/1.1\r\nHost: a\r\nX {said['query']}: {said['body']}\x00\r\n\r\n".encode()
    yield f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {said['body']}\r\n\r\n".encode()
    yield f"POST /account/rights/link HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{said['body']}\r\n".encode()
    yield f"{said['query']} / HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def plant(routes, addresses, folder, provider):
    """Sends all of it, to the front door and to each service past it, and writes down what was sent."""
    file = Path(folder) / "planted.jsonl"
    said = values()
    with file.open("a", encoding="utf-8") as out:
        out.writelines(json.dumps({"kind": kind, "value": value}) + "\n" for kind, value in said.items())
    known = earlier(file)
    said |= {kind: known[kind] for kind in ("key",) if kind in known}
    tried = [(at, sent, 20) for at in addresses for route in routes if at in ("door", route.service) for sent in requests(route, said, provider)]
    # Of these some are never whole, so nothing comes back.
    tried += [(at, sent, 2) for at in addresses for sent in broken(said)]

    def fault(one):
        at, sent, patience = one
        got = send(addresses[at], sent, patience=patience, source=said["network"])
        # 503: what is not finished yet, a key that nobody can check.
        bad = [status for status in got.statuses if status >= 500 and status != 503]
        return f"{at}: {sent.split(b'?')[0][:80]!r} is answered {bad}" if bad else None

    with ThreadPoolExecutor(8) as pool:
        return len(tried), [said for said in pool.map(fault, tried) if said]
