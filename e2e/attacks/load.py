"""Too much, and too slowly: long heads, large bodies, bodies that would grow, connections on which nothing comes."""

import gzip
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor

from wire import ask, open_for, request, send, where

FORM = "/account/rights/link"
KIND = "Content-Type: application/x-www-form-urlencoded"
# A front door gives a connection 20 s for the head of a request; a busy machine somewhat more.
PATIENCE = 45


def judged(address, sent, allowed):
    """What came back, and whether it is one of the answers that are allowed, on a connection that was then closed."""
    got = send(address, sent, patience=20)
    # The other side may close while much is still being sent: then nothing comes back.
    return got, set(got.statuses) <= allowed and got.closed and (got.statuses or len(sent) > 500_000)


def heads(address):
    """Long heads are refused, and do not take the service with them."""
    faults = []
    cases = {
        "200 header lines": (request("GET /account", *[f"X-{n}: y" for n in range(200)]), {431}),
        "a header of 1 MB": (request("GET /account", "X: " + "y" * 1_000_000), {431}),
        "an address of 100 kB": (request("GET /account?" + "a" * 100_000), {414}),
        "a cookie of 60 kB": (request("GET /account", "Cookie: " + "__Host-vigie-session=a; " * 2500, "Connection: close"), {200}),
        "10,000 parameters": (request("GET /account?" + "lang=fr&" * 5000, "Connection: close"), {400}),
        "an Accept-Language of 40 kB": (request("GET /account", "Accept-Language: " + "de;q=0.5," * 4500, "Connection: close"), {200}),
    }
    for name, (sent, allowed) in cases.items():
        got, right = judged(address, sent, allowed)
        if not right:
            faults.append(f"{name}: answered {got.statuses}, closed: {got.closed}")
    return len(cases), faults


def bodies(address, origin):
    """A form is at most 64 KiB; nothing that is sent is unpacked."""
    faults = []
    large, bomb = b"email=" + b"a" * 10_000_000, gzip.compress(b"email=a@b.test&" * 4_000_000)
    chunks = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(100)) + b"0\r\n\r\n"
    own = [KIND, f"Origin: {origin}", "Connection: close"]
    cases = {
        "10 MB": (request(f"POST {FORM}", *own, body=large), {400, 413}),
        "6 MB in chunks": (request(f"POST {FORM}", *own, "Transfer-Encoding: chunked") + chunks, {400, 413}),
        "60 MB as gzip": (request(f"POST {FORM}", *own, "Content-Encoding: gzip", body=bomb), {400, 415}),
        "60 MB as deflate": (request(f"POST {FORM}", *own, "Content-Encoding: deflate", body=zlib.compress(b"a" * 60_000_000)), {400, 415}),
        "parts": (request(f"POST {FORM}", "Content-Type: multipart/form-data; boundary=x", *own[1:], body=b"--x--"), {400, 415}),
        "XML": (request(f"POST {FORM}", "Content-Type: application/xml", *own[1:], body=b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'), {400, 415}),
        "10,000 fields": (request(f"POST {FORM}", *own, body=b"a&" * 10_000), {400}),
        "a body for a page": (request("GET /account", "Connection: close", body=b"x" * 100_000), {200, 413}),
    }
    for name, (sent, allowed) in cases.items():
        got, right = judged(address, sent, allowed)
        if not right:
            faults.append(f"a body of {name}: answered {got.statuses}, closed: {got.closed}")
        elif any(b"root:" in a.body for a in got.answers):
            faults.append(f"a body of {name}: a file came back")
    if (after := ask(address, "GET /account")) is None or after.status != 200:
        faults.append("after these nobody is answered any more")
    return len(cases) + 1, faults


def slow(address):
    """A connection on which no whole request comes is closed; meanwhile others are answered."""
    begin = b"GET /account HTTP/1.1\r\nHost: a\r\n"
    form = f"POST {FORM} HTTP/1.1\r\nHost: a\r\nOrigin: x\r\n{KIND}\r\nContent-Length: 50\r\n\r\na".encode()
    cases = {"nothing": b"", "half a head": begin + b"X: ", "one request, and no second one": begin + b"\r\n", "half a body": form}
    faults, silent = [], []
    with ThreadPoolExecutor(len(cases)) as pool:
        kept = {name: pool.submit(open_for, address, sent, PATIENCE) for name, sent in cases.items()}
        silent += [socket.create_connection(where(address), timeout=10) for _ in range(300)]
        for line in silent:
            line.sendall(begin)
        answer = ask(address, "GET /account")
        if answer is None or answer.status != 200:
            faults.append("while 300 connections say nothing, nobody is answered")
        for line in silent:
            line.close()
        faults += [f"a connection that sent {name} is still open after {PATIENCE} s" for name, time in kept.items() if time.result() is None]
    return len(cases) + 1, faults
