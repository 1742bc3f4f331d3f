#!/usr/bin/env python3
"""A login's round trip, and what a storm of logins does to the readers of public pages.

Starts one country (COUNTRY, default fr) with the provider that stands in for its own, on loopback.

*Round trip*: a person logs in ROUNDS times; the time of our own answers is summed: the begin, the way back (which waits for
the provider's token, keys and user information, so that it is an upper bound of what is ours) and the account's page.

*Storm*: a reader asks for a page without a pause, in turns of ten seconds without and with a storm: a thousand attempts to log
in within ten seconds, each from another address of 127.0.0.0/8, so that no limit a network slows them: each begins a login
and comes back with a code that nobody gave. The same once more with all of them from one address, which the limits refuse. The storm comes from
this machine and takes its processor too, so the ratio is an upper bound. Without Node.js: `not run`."""

import asyncio
import datetime
import html
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "e2e"))
import running  # noqa: E402

COUNTRY = os.environ.get("COUNTRY", "fr")
PORT, ROUNDS, TURNS = 8195, 30, 4
ATTEMPTS, SECONDS = 1000, 10.0
FORM = re.compile(r'<form[^>]*action="([^"]+)"', re.S)
FIELD = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')


class Browser:
    """Follows redirects by hand and keeps cookies by host; our origin is on this machine, so that `Secure` cookies go along."""

    def __init__(self):
        self.cookies, self.ours = {}, 0.0

    def send(self, url, form=None):
        where = urllib.parse.urlsplit(url)
        jar = self.cookies.setdefault(where.netloc, {})
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items()), "Sec-Fetch-Site": "same-origin"}
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{where.scheme}://{where.netloc}"}
        connection = http.client.HTTPConnection(where.netloc, timeout=30)
        start = time.perf_counter()
        connection.request("POST" if body is not None else "GET", f"{where.path}?{where.query}".rstrip("?"), body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        if where.port == PORT:
            self.ours += time.perf_counter() - start
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            jar[name] = value
            if not value:
                del jar[name]
        if answer.status in (301, 302, 303, 307, 308):
            return self.send(urllib.parse.urljoin(url, answer.headers["Location"]))
        if answer.status != 200:
            sys.exit(f"{url} answers {answer.status}: {text[:300]}")
        return url, text


def round_trip(origin, provider, user):
    """Seconds of our answers in one login."""
    browser = Browser()
    url, text = browser.send(f"{origin}/account/login/{provider}")
    # The provider's own pages: the name, then whatever it wants confirmed.
    for _ in range(3):
        if urllib.parse.urlsplit(url).port == PORT:
            break
        form = FORM.search(text)
        if not form:
            sys.exit(f"{url} has no form: {text[:300]}")
        fields = dict(FIELD.findall(text))
        if 'name="user"' in text:
            fields |= {"user": user, "password": "vigie"}
        url, text = browser.send(urllib.parse.urljoin(url, html.unescape(form[1])), fields)
    if not any(name == "__Host-vigie-session" for name in browser.cookies.get(f"127.0.0.1:{PORT}", {})):
        sys.exit(f"the login ended at {url} without a session: {text[:300]}")
    return browser.ours


async def ask(path, address):
    """One request of its own connection; the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, local_addr=(address, 0))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


async def storm(provider, spread):
    """A thousand attempts, evenly over ten seconds; the statuses."""
    statuses, start = {}, time.perf_counter()

    async def attempt(n):
        await asyncio.sleep(max(0.0, start + n * SECONDS / ATTEMPTS - time.perf_counter()))
        address = f"127.77.{n // 250}.{n % 250 + 1}" if spread else "127.0.0.1"
        for path in (f"/account/login/{provider}", f"/oidc/callback/{provider}?state=none{n}&code=none"):
            status = await ask(path, address)
            statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*(attempt(n) for n in range(ATTEMPTS)))
    return statuses


def read_for(path, seconds):
    """Times of a reader who asks again and again, in a process of its own."""
    code = ("import http.client,sys,time\n"
            f"c=http.client.HTTPConnection('127.0.0.1',{PORT},timeout=30);end=time.time()+{seconds}\n"
            "while time.time()<end:\n"
            f" s=time.perf_counter();c.request('GET',{path!r});a=c.getresponse();a.read();print(time.perf_counter()-s)\n"
            " assert a.status==200,a.status\n")
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def times_of(process):
    out = process.communicate()[0]
    if process.returncode != 0:
        sys.exit("the reader was not answered")
    return [float(line) for line in out.split()]


def quantile(values, q):
    return round(sorted(values)[min(int(len(values) * q), len(values) - 1)] * 1000, 3)


def busy(pid):
    """Seconds of processor time that the platform's processes, which process `pid` started, have had so far."""
    stats, ours = running.processes(), {str(pid)}
    while more := {one for one, fields in stats.items() if fields[1] in ours} - ours:
        ours |= more
    ticks = sum(int(stats[one][11]) + int(stats[one][12]) for one in ours if one in stats)
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(pid, minutes=15):
    """After a start the record of past weeks is computed for minutes, which takes one of two processors: that is no part of a storm."""
    for _ in range(minutes * 12):
        before = busy(pid)
        time.sleep(5)
        if busy(pid) - before < 0.25:
            return
    sys.exit(f"the platform did not come to rest within {minutes} minutes")


def measure(origin, provider, page):
    # An account may log in twenty times an hour.
    trips = [round_trip(origin, provider, ("alice", "carol")[n % 2]) for n in range(ROUNDS)]
    result = {"round_trip_ms": {"p50": quantile(trips, 0.5), "p99": quantile(trips, 0.99), "rounds": ROUNDS, "wanted": 150}}
    for name, spread in (("storm_of_many_networks", True), ("storm_of_one_network", False)):
        calm, busy, ratios, statuses = [], [], [], {}
        for _ in range(TURNS):
            quiet = times_of(read_for(page, SECONDS))
            reader = read_for(page, SECONDS)
            statuses = asyncio.run(storm(provider, spread))
            stormy = times_of(reader)
            ratios.append(round(statistics.median(stormy) / statistics.median(quiet), 2))
            calm += quiet
            busy += stormy
        result[name] = {"attempts": ATTEMPTS, "seconds": SECONDS, "statuses": statuses, "page": page,
                        "calm_ms": {"p50": quantile(calm, 0.5), "p99": quantile(calm, 0.99)},
                        "storm_ms": {"p50": quantile(busy, 0.5), "p99": quantile(busy, 0.99)},
                        "ratio": round(statistics.median(busy) / statistics.median(calm), 2), "ratios": ratios, "wanted": 1.2}
    return result


def main():
    env = {**os.environ, "COUNTRY": COUNTRY, "PORT": str(PORT)}
    up = subprocess.Popen([ROOT / "target/release/vigie", "up"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        if not any("is up at" in line for line in up.stdout):
            sys.exit(f"the platform did not start: run `make up COUNTRY={COUNTRY}` to see why")
        origin = f"http://127.0.0.1:{PORT}"
        account = Browser().send(f"{origin}/account")[1]
        provider = re.search(r"/account/login/([a-z-]+)", account)
        if not provider:
            print("login: not run: nobody can log in here (Node.js is missing)")
            return
        home = Browser().send(f"{origin}/")[1]
        page = re.search(r'href="((?:/[a-z]{2})?/flu/[A-Z]{2})"', home)
        settle(up.pid)
        load = os.getloadavg()
        measured = measure(origin, provider[1], page[1] if page else "/")
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)
    day = datetime.date.today().isoformat()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    result = {"benchmark": "login", "date": day, "country": COUNTRY, "provider": provider[1], "cpu": cpu, "cores": os.cpu_count(), "load_before": load, **measured}
    (ROOT / "bench/results" / f"login-{day}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
