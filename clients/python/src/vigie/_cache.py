"""Answers about the past, kept on disk."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path


def default_folder() -> Path:
    """``$XDG_CACHE_HOME/vigie`` or ``~/.cache/vigie``; on macOS and Windows the folder that is usual there."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/vigie"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "vigie" / "Cache"
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "vigie"


@dataclass(frozen=True)
class Kept:
    """An answer on disk: the headers that matter (lower-case names) and the body."""

    headers: dict[str, str]
    body: bytes


class Cache:
    """One file an address: a line of JSON (address, headers, SHA-256 of the body), then the body, gzipped.

    A file that cannot be read, or whose body has another checksum, counts as absent.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_folder()
        self._warned = False

    def path(self, url: str) -> Path:
        """Where the answer of an address is kept."""
        return self.folder / (hashlib.sha256(url.encode()).hexdigest() + ".gz")

    def get(self, url: str) -> Kept | None:
        """The kept answer of an address."""
        try:
            head, _, body = gzip.decompress(self.path(url).read_bytes()).partition(b"\n")
            about = json.loads(head)
            whole = about["url"] == url and about["sha256"] == hashlib.sha256(body).hexdigest()
            return Kept(dict(about["headers"]), body) if whole else None
        # gzip raises EOFError and zlib.error (no OSError) for damaged files; the rest is JSON of another shape.
        except Exception:  # noqa: BLE001 - a damaged file is an absent one, whatever is wrong with it
            return None

    def put(self, url: str, kept: Kept) -> None:
        """Keeps an answer. A folder that cannot be written is said once, and is no reason to fail."""
        about = {"url": url, "headers": kept.headers, "sha256": hashlib.sha256(kept.body).hexdigest()}
        content = gzip.compress(json.dumps(about).encode() + b"\n" + kept.body, compresslevel=3, mtime=0)
        part = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            # Another process sees the old file or the new one, never half of one.
            os.replace(part, self.path(url))
        except OSError as error:
            if part is not None:
                with contextlib.suppress(OSError):
                    os.unlink(part)
            if not self._warned:
                self._warned = True
                warnings.warn(f"nothing is cached: {self.folder} cannot be written ({error.strerror})", stacklevel=2)

    def clear(self) -> None:
        """Removes every kept answer."""
        for path in [*self.folder.glob("*.gz"), *self.folder.glob("*.part")]:
            path.unlink(missing_ok=True)
