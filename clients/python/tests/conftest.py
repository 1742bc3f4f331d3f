"""The running server, and servers that misbehave."""

from __future__ import annotations

import ctypes
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import vigie

ROOT = Path(__file__).resolve().parents[3]
CLOCK = "2025-07-29T20:03:37Z"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def end_with_parent() -> None:
    """In a new process: end when the tests end, even when those are killed (Linux)."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def data_api(log: Path, clock: str | None) -> Iterator[str]:
    """The program data-api with the database of DATABASE_URL; gives its address."""
    for name in ("DATABASE_URL", "VIGIE_BIN"):
        if not os.environ.get(name):
            pytest.exit(f"{name} is not set: run clients/python/test.sh, which starts what these tests need", 2)
    port, admin = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    env = {
        **os.environ,
        "VIGIE_ADDR": f"127.0.0.1:{port}",
        "VIGIE_ADMIN_ADDR": f"127.0.0.1:{admin}",
        "VIGIE_PROFILE": str(ROOT / "clusters/us/profile/profile.toml"),
        "VIGIE_PUBLIC_URL": url,
    }
    env.pop("VIGIE_CLOCK", None)
    if clock:
        env["VIGIE_CLOCK"] = clock
    with log.open("wb") as out:
        command = [os.environ["VIGIE_BIN"] + "/data-api"]
        program = subprocess.Popen(command, env=env, stdout=out, stderr=out, preexec_fn=end_with_parent)
        try:
            until = time.monotonic() + 30
            while not answers(f"http://127.0.0.1:{admin}/readyz"):
                if program.poll() is not None or time.monotonic() > until:
                    pytest.exit(f"data-api did not start: {log.read_text()[-2000:]}", 2)
                time.sleep(0.05)
            yield url
        finally:
            program.terminate()
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def answers(url: str) -> bool:
    """Does the address answer with 200?"""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server with the recorded situation of CLOCK."""
    with data_api(tmp_path_factory.mktemp("server") / "log", CLOCK) as url:
        yield url


@pytest.fixture(scope="session")
def running_clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server with a clock that runs."""
    with data_api(tmp_path_factory.mktemp("running") / "log", None) as url:
        yield url


@pytest.fixture
def client(server: str, tmp_path: Path) -> Iterator[vigie.Client]:
    """A client of the server with a cache of its own."""
    with vigie.Client(server, cache=tmp_path / "cache") as made:
        yield made


Reply = Callable[[http.server.BaseHTTPRequestHandler], None]


class Fake:
    """A server that answers with the given replies in turn, the last one for ever, and remembers what was asked."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                reply = fake.replies.pop(0) if len(fake.replies) > 1 else fake.replies[0]
                reply(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Stops it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def reply(status: int, body: bytes | str, media: str = "application/jsonl", **headers: str) -> Reply:
    """An answer; `retry_after="1"` is the header Retry-After."""
    body = body.encode() if isinstance(body, str) else body

    def send(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", media)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"content-length": str(len(body)), **given}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return send


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A server that misbehaves as the test says."""
    made = Fake()
    yield made
    made.stop()
