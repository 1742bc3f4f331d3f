"""A front door as none should be, and a server behind it: the one reads a request's length, the other its chunks, over one
connection for all readers. What looks for smuggling must find it here.
"""

import re
import socketserver
import threading
from socket import create_connection


def head(line):
    raw = b""
    while not raw.endswith(b"\r\n\r\n"):
        byte = line.recv(1)
        if not byte:
            return None
        raw += byte
    return raw


def exactly(line, length):
    raw = b""
    while len(raw) < length:
        raw += line.recv(length - len(raw)) or b"\0" * (length - len(raw))
    return raw


def length_of(raw):
    found = re.search(rb"^content-length: *(\d+)\r$", raw, re.I | re.M)
    return int(found[1]) if found else 0


class Behind(socketserver.BaseRequestHandler):
    """Believes in chunks."""

    def handle(self):
        while (raw := head(self.request)) is not None:
            if re.search(rb"^transfer-encoding: *chunked\r$", raw, re.I | re.M):
                while size := int(exactly_line(self.request), 16):
                    exactly(self.request, size + 2)
                exactly(self.request, 2)
            else:
                exactly(self.request, length_of(raw))
            method, path = raw.split(b" ", 2)[:2]
            status = b"405 No" if method == b"POST" else b"404 No" if path == b"/hidden" else b"200 OK"
            body = b"you asked for " + path
            self.request.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def exactly_line(line):
    raw = b""
    while not raw.endswith(b"\r\n"):
        raw += exactly(line, 1)
    return raw.strip()


class Front(socketserver.BaseRequestHandler):
    """Believes in lengths, and gives each reader the next answer that comes from behind."""

    def handle(self):
        while (raw := head(self.request)) is not None:
            with self.server.lock:
                self.server.behind.sendall(raw + exactly(self.request, length_of(raw)))
                answer = head(self.server.behind)
                body = exactly(self.server.behind, length_of(answer))
            self.request.sendall(answer + body)
            if re.search(rb"^connection: close\r$", raw, re.I | re.M):
                return


class Servers:
    """Both, as long as the block; gives the front's address."""

    def __enter__(self):
        # Who attacks does not wait for the end.
        quiet = {"daemon_threads": True, "block_on_close": False, "handle_error": lambda *_: None}
        kind = type("Server", (socketserver.ThreadingTCPServer,), quiet)
        self.back, self.front = kind(("127.0.0.1", 0), Behind), kind(("127.0.0.1", 0), Front)
        self.front.behind, self.front.lock = create_connection(self.back.server_address), threading.Lock()
        for server in (self.back, self.front):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{self.front.server_address[1]}"

    def __exit__(self, *_):
        for server in (self.front, self.back):
            server.shutdown()
            server.server_close()
        self.front.behind.close()
