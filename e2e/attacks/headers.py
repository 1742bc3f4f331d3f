"""The safety headers of every answer of every route, as the running processes send them: pages, files, refusals, errors."""

import json
import re

from wire import ask

FIXED = {
    "strict-transport-security": {"max-age=31536000; includeSubDomains"},
    "x-content-type-options": {"nosniff"},
    "referrer-policy": {"no-referrer", "same-origin"},
    "cross-origin-opener-policy": {"same-origin"},
    "cross-origin-resource-policy": {"same-origin", "cross-origin"},
    "permissions-policy": {"camera=(), geolocation=(), microphone=(), interest-cohort=()"},
}
# What tells an attacker what runs here.
TELLTALE = {"server", "x-powered-by", "via", "x-aspnet-version"}
SOURCES = {"'self'", "'none'"}
PROBLEM = {"type", "title", "status", "code", "detail", "field"}
INTERNAL = re.compile(r"sqlx|postgres|panick|\.rs\b|\.cargo|/(?:root|home|usr)/|select .* from|relation \"|stack ?trace|rust|tokio|hyper|axum|127\.0\.0\.1:\d+|localhost:\d+", re.I)
# What identity says to everybody alike; all else that it says is somebody's own.
EVERYBODYS = {"/account/receipts/keys.json", "/oidc/jwks.json", "/account/static/{name}"}
COOKIE = re.compile(r"__Host-vigie-(session|login|visit)=[^;]*; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=\d+")


def policy(text, embeds):
    """What is wrong with a content policy."""
    rules = {words[0]: words[1:] for words in (rule.split() for rule in text.split(";")) if words}
    wrong = []
    for name, values in rules.items():
        if name in ("require-trusted-types-for", "trusted-types", "frame-ancestors"):
            continue
        # A form may lead to the provider that one logs out at.
        extra = [v for v in values if v not in SOURCES and not (name == "form-action" and re.fullmatch(r"https?://[a-z0-9.:-]+", v))]
        wrong += [f"{name} allows {v}" for v in extra]
    for name, value in {"default-src": ["'none'"], "base-uri": ["'none'"], "require-trusted-types-for": ["'script'"], "trusted-types": ["'none'"]}.items():
        if rules.get(name) != value:
            wrong.append(f"{name} is {rules.get(name)}")
    if rules.get("frame-ancestors") != (["*"] if embeds else ["'none'"]):
        wrong.append(f"frame-ancestors is {rules.get('frame-ancestors')}")
    return wrong


def faults_of(answer, embeds, origin, own):
    """What is wrong with one answer; `own`: it is about whoever asked."""
    wrong = []
    if (own or answer.status >= 400) and answer.all("cache-control") != ["no-store"]:
        wrong.append(f"caches may keep it: {answer.all('cache-control')}")
    for name, allowed in FIXED.items():
        if len(answer.all(name)) != 1 or answer.get(name) not in allowed:
            wrong.append(f"{name}: {answer.all(name)}")
    policies = answer.all("content-security-policy")
    wrong += policy(policies[0], embeds) if len(policies) == 1 else [f"{len(policies)} content policies"]
    wrong += [f"says {name}: {value}" for name, value in answer.headers if name in TELLTALE]
    wrong += [f"sets {value}" for value in answer.all("set-cookie") if not COOKIE.fullmatch(value)]
    kind = answer.get("content-type") or ""
    if answer.body and (not kind or kind.startswith("text/") and "charset=" not in kind):
        wrong.append(f"a body whose type is {kind or 'not said'}")
    if answer.status >= 400:
        text = answer.body.decode(errors="replace").replace(origin, "")
        wrong += [f"tells of the inside: {found}" for found in INTERNAL.findall(text)[:3]]
        if kind.startswith("application/problem+json"):
            told = json.loads(answer.body)
            if not {"type", "title", "status", "code", "detail"} <= told.keys() <= PROBLEM or told["status"] != answer.status:
                wrong.append(f"a problem with {sorted(told)}")
    return wrong


def check(routes, addresses, values, origin):
    """Every route at the front door and at its service: as it is meant, with a value that is none, as JSON and as a page."""
    faults, count = [], 0
    for route in routes:
        for at, address in addresses.items():
            if at not in ("door", route.service):
                continue
            paths = {route.path(**values), route.path("nothing"), f"{route.path(**values)}?nonsense=%ff", f"{route.path(**values)}/%00"}
            for path in sorted(paths):
                for accept in ("text/html", "application/json"):
                    count += 1
                    answer = ask(address, f"{route.method} {path}", f"Accept: {accept}", "Sec-Fetch-Site: cross-site")
                    embeds = answer and answer.status == 200 and path.startswith("/embed/")
                    if answer is None:
                        faults.append(f"{at}: {route.method} {path}: no answer")
                        continue
                    own = route.service == "identity" and route.pattern not in EVERYBODYS
                    faults += [f"{at}: {route.method} {path} ({answer.status}): {wrong}" for wrong in faults_of(answer, embeds, origin, own)]
                    program = route.service != "web" and not route.pattern.startswith("/oidc/callback") and accept == "application/json" and (at != "door" or route.who != "nobody")
                    if answer.status >= 400 and program and not (answer.get("content-type") or "").startswith("application/problem+json"):
                        faults.append(f"{at}: {route.method} {path} ({answer.status}): {answer.get('content-type')} instead of a problem")
    return count, faults
