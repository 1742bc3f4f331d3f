"""What a request may say that is not true, or leads elsewhere: paths out of a folder, another host, another origin, another method."""

import re

from wire import ask, request, send

EVIL = "elsewhere.test"
# Ways out of a folder, or to a file of the machine: plain, encoded, twice, overlong, Windows, cut off by NUL.
WAYS_OUT = [
    "../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%252f..%252f..%252fetc%252fpasswd", "..%c0%af..%c0%afetc%c0%afpasswd", "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "%e0%80%ae%e0%80%ae%e0%80%afetc", "..%5c..%5c..%5cetc%5cpasswd", "....//....//etc/passwd", "%2fetc%2fpasswd", "/etc/passwd",
    "..;/..;/etc/passwd", "x%00.css", "vigie.css%00", "%00", "%", "%zz", "%ff%fe", "%0d%0aset-cookie:%20x=y", "file:%2f%2f%2fetc%2fpasswd",
    "..%u2215..%u2215etc", "x" * 4000]
REFUSED = {400, 401, 403, 404, 414}


def leaks(answer):
    """What no answer to these may hold."""
    found = [word for word in (b"root:", b"[package]", b"DATABASE_URL") if word in answer.body]
    return found + [name for name, value in answer.headers if name == "set-cookie" and value.startswith("x=") or "\n" in value]


def ways_out(routes, address):
    """Every parameter of every path, and the folders of files."""
    faults, count = [], 0
    tried = {f"/{folder}/{{}}" for folder in ("static", ".well-known", "account/static", "explore/static")}
    tried |= {route.path(**{name: "{}"}) for route in routes if route.method == "GET" for name in route.parameters}
    for pattern in sorted(tried):
        # This page asks for a click, whatever the link says; the click itself finds nothing.
        allowed = REFUSED | ({200} if pattern.startswith("/account/alerts/stop/") else set())
        for way in WAYS_OUT:
            count += 1
            answer = ask(address, f"GET {pattern.replace('{}', way)}")
            if answer is None or answer.status not in allowed or leaks(answer):
                got = answer and (answer.status, leaks(answer), answer.body[:60])
                faults.append(f"GET {pattern.replace('{}', way)[:80]}: answered {got}")
    return count, faults


def elsewhere(routes, address, values, issuers):
    """No answer names a host that only the request named; no answer leads to another site."""
    faults, count = [], 0
    said = [f"X-Forwarded-Host: {EVIL}", f"Forwarded: host={EVIL};proto=https", f"X-Original-URL: http://{EVIL}/", f"X-Host: {EVIL}",
            f"Referer: http://{EVIL}/", "Accept: text/html"]
    for route in routes:
        if route.method != "GET":
            continue
        count += 1
        answer = ask(address, f"GET {route.path(**values)}", *said, host=EVIL)
        if answer is None or EVIL.encode() in answer.body or any(EVIL in value for _, value in answer.headers):
            faults.append(f"GET {route.path(**values)} under another host's name: {answer and answer.headers}")
    paths = [f"//{EVIL}/", f"/%2f%2f{EVIL}", f"/\\{EVIL}", f"/%5c{EVIL}", f"//{EVIL}/%2e%2e", f"/https://{EVIL}/", f"///{EVIL}//..",
             f"/fr//{EVIL}", f"/account?return_to=//{EVIL}", f"/account?return_to=https://{EVIL}/", f"/account?return_to=/\\{EVIL}",
             f"/account?return_to=%0d%0aLocation:%20http://{EVIL}/", f"/account/goodbye?state=//{EVIL}",
             f"/account/login/{values['provider']}?return_to=//{EVIL}", f"/account/login/{values['provider']}?return_to=https://{EVIL}",
             f"/?next=//{EVIL}", f"/?lang=//{EVIL}"]
    for path in paths:
        count += 1
        answer = ask(address, f"GET {path}", "Accept: text/html", "Accept-Language: de")
        to = answer and answer.get("location")
        own = to is None or re.match(r"/(?![/\\])", to) or any(to.startswith(issuer) for issuer in issuers)
        if answer is None or not own or f'"//{EVIL}'.encode() in answer.body or f'"http://{EVIL}'.encode() in answer.body:
            faults.append(f"GET {path}: answered {answer and answer.status}, leads to {to}")
    return count, faults


# What everybody may read, other sites' pages too; without cookies, since the star does not go with them.
OPEN = {"data-api", "forecast"}


def origins(routes, address, values):
    """Other sites' pages read the open figures and nothing else; none may ask beforehand whether it may send something."""
    faults, count = [], 0
    for route in routes:
        for method, more in ((route.method, []), ("OPTIONS", ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"])):
            if method == "POST":
                continue
            count += 1
            answer = ask(address, f"{method} {route.path(**values)}", f"Origin: http://{EVIL}", *more)
            told = answer and {name: value for name, value in answer.headers if name.startswith("access-control-")}
            allowed = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"} if route.service in OPEN else {}
            if answer is None or told != allowed or (method == "OPTIONS" and answer.status not in (404, 405)):
                faults.append(f"{method} {route.path(**values)} from another origin: {answer and answer.status}, {told}")
    return count, faults


def methods(routes, address, values):
    """Only the methods of a path are answered; nothing else in a request stands for one; nothing is read back."""
    faults, count = [], 0
    known = {}
    for route in routes:
        known.setdefault(route.path(**values), set()).add(route.method)
    for path, has in known.items():
        for method in ("TRACE", "TRACK", "PUT", "DELETE", "PATCH", "PROPFIND", "DEBUG", "get", "POST", "GET"):
            if method in has:
                continue
            count += 1
            answer = ask(address, f"{method} {path}", "X-Planted: canary-of-trace", "Cookie: a=canary-of-trace")
            if answer is None or answer.status not in (404, 405) or b"canary-of-trace" in answer.body:
                faults.append(f"{method} {path}: answered {answer and answer.status}")
        if "POST" in has and "GET" not in has:
            count += 1
            over = ["X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST", "Sec-Fetch-Site: same-origin"]
            answer = ask(address, f"GET {path}?_method=POST", *over)
            if answer is None or answer.status not in (404, 405):
                faults.append(f"GET {path} that says it is a POST: answered {answer and answer.status}")
    return count, faults


def letters(address, origin, post, email):
    """The link of a letter is of this site, whatever host the request named."""
    body = f"email={email}&lang=".encode()
    headers = ["Content-Type: application/x-www-form-urlencoded", f"Origin: {origin}", f"X-Forwarded-Host: {EVIL}", "X-Forwarded-Proto: https"]
    got = send(address, request("POST /account/rights/link", *headers, "Connection: close", body=body, host=EVIL), patience=20).answers
    if [a.status for a in got] != [303]:
        return 1, [f"no letter could be asked for: {[(a.status, a.body[:200]) for a in got]}"]
    letter = post(email)
    if EVIL in letter["text"] or f"{origin}/account/rights/open?" not in letter["text"]:
        return 1, [f"the letter's link: {letter['text']}"]
    return 1, []
