"""Somebody with a browser of their own: a login at the country's provider, a role by the operator's command, a passkey."""

import html
import http.client
import itertools
import json
import re
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from authenticator import Authenticator

RUNNING = Path(__file__).resolve().parents[1] / "running.py"
SESSION = "__Host-vigie-session"
FORM = re.compile(r'<form[^>]*action="([^"]+)"')
NUMBER = re.compile(r'<dd class="code">([\w-]{22})</dd>')
# Each request of ours comes from another network: what counts requests is not what is asked about.
NETWORKS = (f"198.18.{n // 250 % 250}.{n % 250 + 1}" for n in itertools.count())
# A token lives a minute.
FRESH = 40.0


@dataclass
class Answer:
    status: int
    headers: object
    text: str


def send(address, method, path, headers=(), body=None):
    """One request to `address`."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, body, {"X-Forwarded-For": next(NETWORKS), **dict(headers)})
    got = connection.getresponse()
    answer = Answer(got.status, got.headers, got.read().decode(errors="replace"))
    connection.close()
    return answer


@dataclass
class Person:
    """Somebody at `origin`. `service` is the address of identity behind the front door, which counts requests by network."""

    origin: str
    service: str
    jars: dict = field(default_factory=dict)
    number: str = ""
    device: Authenticator = None
    bearer: tuple = ("", 0.0)

    def own(self):
        """The headers with which a page of the site asks for more."""
        cookies = "; ".join(f"{k}={v}" for k, v in self.jars.get(urllib.parse.urlsplit(self.origin).netloc, {}).items())
        return {"Sec-Fetch-Site": "same-origin", "Origin": self.origin, "Cookie": cookies}

    def visit(self, url, form=None):
        """Follows a page, or a form, to where it leads; the address and the answer there."""
        where = urllib.parse.urlsplit(url)
        jar = self.jars.setdefault(where.netloc, {})
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items()), "Sec-Fetch-Site": "same-origin"}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{where.scheme}://{where.netloc}"}
        answer = send(where.netloc, "GET" if form is None else "POST", f"{where.path}?{where.query}".rstrip("?"), headers, body)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            jar[name] = value
            if not value:
                del jar[name]
        if answer.status in (301, 302, 303, 307, 308):
            return self.visit(urllib.parse.urljoin(url, answer.headers["Location"]))
        return url, answer

    def logs_in(self, provider, user):
        """In, with a password of the sample accounts; whoever was logged in before is forgotten."""
        self.jars, self.bearer = {}, ("", 0.0)
        url, page = self.visit(f"{self.origin}/account/login/{provider}")
        form = FORM.search(page.text)
        if form is None:
            raise RuntimeError(f"{url} shows no login: {page.status} {page.text[:300]}")
        url, page = self.visit(urllib.parse.urljoin(url, html.unescape(form[1])), {"user": user, "password": "vigie"})
        number = NUMBER.search(page.text)
        if number is None or SESSION not in self.jars[urllib.parse.urlsplit(self.origin).netloc]:
            raise RuntimeError(f"{user} is not logged in: {url} answers {page.status} {page.text[:300]}")
        self.number = number[1]

    def operated(self, pid, *words, twice=False):
        """A command of an operator at the machine, such as `identity grant ACCOUNT`; `twice`: it may have been so already."""
        done = subprocess.run([sys.executable, RUNNING, str(pid), "identity", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0 and not (twice and "nothing was changed" in done.stderr):
            raise RuntimeError(f"identity {' '.join(words)}: {done.stderr}")

    def given(self, pid, verb, role, twice=False):
        self.operated(pid, verb, self.number, role, twice=twice)

    def begins(self, pid, provider, user, roles):
        """Logged in, with no role and no passkey of an earlier run."""
        self.logs_in(provider, user)
        for role in roles:
            self.given(pid, "revoke", role, twice=True)
        self.operated(pid, "operators", "reset", self.number)
        self.logs_in(provider, user)

    def asks(self, path, body=None):
        """JSON, as the script of the page sends it."""
        headers = {**self.own(), "Content-Type": "application/json", "Accept": "application/json"}
        answer = send(self.service, "POST", path, headers, json.dumps(body or {}))
        if answer.status != 200:
            raise RuntimeError(f"POST {path} answers {answer.status}: {answer.text[:300]}")
        return json.loads(answer.text)

    def registers(self, folder):
        """A passkey; its registration counts as a use."""
        self.device = Authenticator(self.origin, folder)
        credential = self.device.create(self.asks("/account/passkeys/options"))
        self.asks("/account/passkeys", {"name": "Desk", "credential": credential})

    def confirms(self):
        """Uses it in this session."""
        credential = self.device.get(self.asks("/account/passkeys/confirm/options"))
        self.asks("/account/passkeys/confirm", {"credential": credential})
        self.bearer = ("", 0.0)

    def headers(self):
        """Cookie and token of whoever is logged in."""
        token, made = self.bearer
        if time.monotonic() - made > FRESH or not token:
            token = self.asks("/account/token")["access_token"]
            self.bearer = (token, time.monotonic())
        return {**self.own(), "Authorization": f"Bearer {token}"}

    def makes_key(self, scopes):
        """An API key, from the page that shows it once."""
        form = {"name": "a program", "days": "1", **dict.fromkeys(scopes, "yes")}
        _, page = self.visit(f"{self.origin}/account/keys", form)
        key = re.search(r"\bvigie_[a-z]{2}_[0-9A-Za-z]{49}\b", page.text)
        if key is None:
            raise RuntimeError(f"no API key was made: {page.status} {page.text[:300]}")
        return key[0]
