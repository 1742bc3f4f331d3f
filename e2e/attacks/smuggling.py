"""Request smuggling: bytes that two readers may cut into requests at different places (RFC 9112 §11.2). Each is followed by a
well-formed request on the same connection, and the answers are counted: one for each request that is one by the standard, 400
where the standard wants it, and never one for what hides in a body. Other readers ask all the while, and must get their own
answers.
"""

import threading
from dataclasses import dataclass

import vulnerable
from wire import Exchange, request, send

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass
class Target:
    """Where the bytes go: an address, a path that answers GET with 200 and POST with 405, a path whose answer never changes."""

    name: str
    address: str
    path: str
    steady: str
    # What a front door must answer where a service behind it may do otherwise.
    door: bool = False


def chunked(body, tail=b""):
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, tail)


def attacks(target):
    """Name, bytes, the statuses that may come: of what was sent, then of the request after it (200) if the connection goes on."""
    def of(method, *headers, body=b""):
        lines = [f"{method} {target.path} HTTP/1.1".encode(), b"Host: 127.0.0.1", *headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    both = b"Content-Length: %d" % (5 + len(HIDDEN))
    for method, first in (("POST", 405), ("GET", 200)):
        # Both lengths: the chunks count, and the connection ends (RFC 9112 §6.1).
        yield f"{method} CL.TE", of(method, both, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN), [[first]]
        yield f"{method} TE.CL", of(method, b"Transfer-Encoding: chunked", b"Content-Length: 4", body=chunked(HIDDEN)), [[first]]
        yield f"{method} CL.0", of(method, b"Content-Length: %d" % len(HIDDEN), body=HIDDEN), [[first, 200]]
        yield f"{method} in chunks", of(method, b"Transfer-Encoding: chunked", body=chunked(HIDDEN)), [[first, 200]]
    for line in (b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
                 b" Transfer-Encoding: chunked", b"X: y\r\n Transfer-Encoding: chunked", b"Transfer-Encoding\n: chunked",
                 b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: chunked\x00",
                 b"X: y\rTransfer-Encoding: chunked", b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: chunked;q=1",
                 b"Transfer-Encoding: x, x"):
        yield f"TE.TE {line!r}", of("POST", line, both, body=b"0\r\n\r\n" + HIDDEN), [[400]]
    # Chunks by the standard, written oddly: with a length beside them the connection ends all the same.
    for line in (b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding:\tchunked",
                 b"tRANSFER-eNCODING: CHUNKED"):
        yield f"TE.TE {line!r}", of("POST", line, both, body=b"0\r\n\r\n" + HIDDEN), [[405]]
    for length in (b"+5", b"5, 5", b"0x5", b"-1", b"5 5", b"", b"5;", b"18446744073709551616", b"\xef\xbc\x95",
                   b"5\r\nContent-Length: 0"):
        yield f"length {length!r}", of("POST", b"Content-Length: " + length, body=b"a=b&c"), [[400]]
    yield "length with a space before the colon", of("POST", b"Content-Length : 5", body=b"a=b&c"), [[400]]
    yield "length twice alike", of("POST", b"Content-Length: 5", b"Content-Length: 5", body=b"a=b&c"), [[405, 200], [400]]
    yield "length with zeros", of("POST", b"Content-Length: 00005", body=b"a=b&c"), [[405, 200]]
    # A chunk that is none: refused, or its request answered without it; nothing on that connection counts after it.
    for name, body in {"of 2^68": b"FFFFFFFFFFFFFFFFF\r\na=b&c\r\n0\r\n\r\n", "that wraps round": b"10000000000000005\r\na=b&c\r\n0\r\n\r\n",
                       "of -1": b"-1\r\na=b&c\r\n0\r\n\r\n", "of 0x5": b"0x5\r\na=b&c\r\n0\r\n\r\n", "with a bare LF": b"5\na=b&c\n0\n\n",
                       "with another end": b"5\r\na=b&cXX0\r\n\r\n", "with a bare LF in its extension": b"5;\na=b&c\r\n0\r\n\r\n",
                       "with an extension of 70 kB": b"5;" + b"a" * 70000 + b"\r\na=b&c\r\n0\r\n\r\n"}.items():
        yield f"a chunk {name}", of("POST", b"Transfer-Encoding: chunked", body=body), [[400], [405]]
    yield "a chunk with an extension", of("POST", b"Transfer-Encoding: chunked", body=b"5;a=b\r\na=b&c\r\n0\r\n\r\n"), [[405, 200]]
    trailers = b"Content-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: elsewhere.test\r\n"
    yield "lengths in trailers", of("POST", b"Transfer-Encoding: chunked", body=chunked(b"a=b&c", trailers)), [[405, 200]]
    yield "Expect, and the body at once", of("POST", b"Expect: 100-continue", b"Content-Length: 5", body=b"a=b&c"), [[405, 200], [100, 405, 200]]
    yield "an Expect that is unknown", of("POST", b"Expect: 200-ok", b"Content-Length: 5", body=b"a=b&c"), [[405, 200], [417, 200]]
    yield "HTTP/1.0 in chunks", of("POST", b"Connection: keep-alive", b"Transfer-Encoding: chunked", body=chunked(HIDDEN)).replace(b"1.1", b"1.0", 1), [[400]]
    pipelined = of("GET", b"Connection: keep-alive").replace(b"1.1", b"1.0", 1)
    yield "HTTP/1.0, two at once", pipelined * 2, [[200]] if target.door else [[200, 200, 200]]
    yield "HTTP/0.9", b"GET /\r\n\r\n", [[400]]
    yield "HTTP/1.2", of("GET").replace(b"HTTP/1.1", b"HTTP/1.2"), [[400]]
    yield "HTTP/2 by its first words", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [[], [400]]
    yield "an upgrade to HTTP/2", of("GET", b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAAQAAP__"), [[200, 200]]
    yield "an upgrade to a WebSocket", of("GET", b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: x"), [[200, 200]]
    yield "a tunnel", b"CONNECT elsewhere.test:443 HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n", [[404, 200]]
    yield "the address *", b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", [[404, 200]]
    absolute = of("GET").replace(target.path.encode(), b"http://elsewhere.test" + target.path.encode(), 1)
    yield "a whole address with another host", absolute, [[200, 200]]
    yield "a header's name with a space", of("GET", b"X y: a"), [[400]]
    yield "a header with NUL", of("GET", b"X: a\x00b"), [[400]]
    yield "two spaces", of("GET").replace(b"GET ", b"GET  "), [[400]]
    yield "no host", of("GET").replace(b"Host: 127.0.0.1\r\n", b""), [[400, 200]] if target.door else [[200, 200]]
    yield "two hosts", of("GET", b"Host: elsewhere.test"), [[400, 200]] if target.door else [[200, 200]]


class Readers:
    """Somebody else asks for the steady page, again and again; `wrong` has what they got instead of it."""

    def __init__(self, target):
        self.target, self.wrong, self.count, self.over = target, [], 0, threading.Event()
        self.right = self.ask()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def ask(self):
        answers = send(self.target.address, request(f"GET {self.target.steady}", "Connection: close"), patience=20).answers
        return [(a.status, a.body) for a in answers]

    def run(self):
        while not self.over.is_set():
            got = self.ask()
            self.count += 1
            if got != self.right:
                self.wrong.append([(status, body[:60]) for status, body in got])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def judge(target, name, sent, allowed):
    """What is wrong with the answers to one attack."""
    got: Exchange = send(target.address, sent + request(f"GET {target.steady}", "Connection: close"))
    faults = []
    if got.statuses not in allowed:
        faults.append(f"{target.name}: {name}: answered {got.statuses}, and may answer {' or '.join(map(str, allowed))}")
    if not got.closed:
        faults.append(f"{target.name}: {name}: the connection is still open")
    if b"elsewhere.test" in got.raw:
        faults.append(f"{target.name}: {name}: the answer names the other host")
    return faults


def check(target):
    """All attacks on one target: how many there were, and what is wrong."""
    faults, count = [], 0
    with Readers(target) as readers:
        if [status for status, _ in readers.right] != [200]:
            return 1, [f"{target.name}: {target.steady} does not answer"]
        for name, sent, allowed in attacks(target):
            count += 1
            faults += judge(target, name, sent, allowed)
    if not readers.count:
        faults.append(f"{target.name}: nobody else asked meanwhile")
    return count + 1, faults + [f"{target.name}: another reader got {wrong}" for wrong in readers.wrong[:3]]


def can_see():
    """What is wrong with this check itself: it must find a door through which one can smuggle."""
    faults = []
    with vulnerable.Servers() as address:
        target = Target("a naive door", address, "/page", "/steady", door=True)
        readers = Readers(target)
        name, sent, allowed = next(attacks(target))
        send(address, sent, patience=0.3)
        if readers.ask() == readers.right:
            faults.append(f"{target.name}: after {name} another reader got what was smuggled, and it was not seen")
    with vulnerable.Servers() as address:
        if not judge(Target("a naive door", address, "/page", "/steady", door=True), name, sent, allowed):
            faults.append(f"{target.name}: the smuggled request was answered, and it was not seen")
    return 2, faults
