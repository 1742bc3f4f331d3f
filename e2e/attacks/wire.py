"""HTTP as bytes: what no client of a library would send, and every answer that comes back."""

import re
import socket
import time
from dataclasses import dataclass, field

# Longer than any answer here takes; a connection that is still open and silent then waits for more.
PATIENCE = 2.0


@dataclass
class Answer:
    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name):
        return (self.all(name) or [None])[0]


@dataclass
class Exchange:
    """What came back on one connection, and whether the other side closed it."""

    answers: list
    closed: bool
    raw: bytes

    @property
    def statuses(self):
        return [answer.status for answer in self.answers]


def where(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def send(address, *parts, patience=PATIENCE, source=""):
    """Sends the parts on one connection and reads until it is closed, or silent for `patience` seconds; from another address of
    this machine, where `source` names one."""
    raw, closed = b"", False
    with socket.create_connection(where(address), timeout=10, source_address=(source, 0)) as line:
        line.settimeout(patience)
        try:
            for part in parts:
                line.sendall(part)
            while piece := line.recv(65536):
                raw += piece
            closed = True
        except TimeoutError:
            pass
        except OSError:
            # Closed before all was read: what came until then counts.
            closed = True
    return Exchange(answers(raw), closed, raw)


def request(line, *headers, body=b"", host="127.0.0.1"):
    """A well-formed request: `GET /path`, further header lines, a body."""
    lines = [f"{line} HTTP/1.1", f"Host: {host}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def ask(address, line, *headers, body=b"", host="127.0.0.1"):
    """One answer to one request, on a connection of its own; None where none came."""
    got = send(address, request(line, *headers, "Connection: close", body=body, host=host), patience=20)
    return got.answers[-1] if got.answers else None


def answers(raw):
    """The answers in a stream of bytes, by their own framing."""
    found = []
    while raw:
        head, cut, rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        status = re.match(rb"HTTP/1\.[01] (\d{3})", first)
        if not status or not cut:
            break
        pairs = [tuple(part.strip().decode("latin-1") for part in line.split(b":", 1)) for line in lines if b":" in line]
        answer = Answer(int(status[1]), [(name.lower(), value) for name, value in pairs])
        if answer.status // 100 == 1 or answer.status in (204, 304):
            raw = rest
        elif "chunked" in (answer.get("transfer-encoding") or ""):
            answer.body, raw = chunks(rest)
        elif answer.get("content-length") is not None:
            length = int(answer.get("content-length"))
            answer.body, raw = rest[:length], rest[length:]
        else:
            answer.body, raw = rest, b""
        found.append(answer)
    return found


def chunks(raw):
    body = b""
    while True:
        size, cut, rest = raw.partition(b"\r\n")
        if not cut:
            return body, b""
        length = int(size.split(b";")[0] or b"0", 16)
        if length == 0:
            return body, rest.partition(b"\r\n")[2]
        body, raw = body + rest[:length], rest[length + 2:]


def open_for(address, head, seconds):
    """For how long a connection that sent `head` and then nothing is kept; None: longer than `seconds`."""
    begin = time.monotonic()
    with socket.create_connection(where(address), timeout=10) as line:
        line.sendall(head)
        line.settimeout(seconds)
        try:
            while line.recv(65536):
                pass
        except TimeoutError:
            return None
        except OSError:
            pass
    return time.monotonic() - begin
