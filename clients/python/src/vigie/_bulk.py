"""Files of whole signals."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import httpx

from ._errors import BadAnswer, ChecksumMismatch
from ._http import Http


def save(http: Http, url: str, path: Path) -> httpx.Headers:
    """Brings the file of ``url`` to ``path``, whole and checked, or not at all. Returns the answer's headers."""
    found = wanted = ""
    # The file may have been made anew between the two requests: a second look tells that from damage.
    for _ in range(2):
        wanted = _checksum(http, url)
        if path.is_file() and _sha256(path) == wanted:
            return httpx.Headers()
        headers, found = _fetch(http, url, path, wanted)
        if found == wanted:
            return headers
    raise ChecksumMismatch(f"{url} has the SHA-256 {found}, and the server names {wanted}: nothing was saved")


def _checksum(http: Http, url: str) -> str:
    with http.stream(url + ".sha256", {"Accept": "text/plain"}) as answer:
        words = answer.read().decode("ascii", "replace").split()
    if not words or len(words[0]) != 64 or set(words[0].lower()) - set("0123456789abcdef"):
        raise BadAnswer(f"{url}.sha256 holds no SHA-256")
    return words[0].lower()


def _fetch(http: Http, url: str, path: Path, wanted: str) -> tuple[httpx.Headers, str]:
    digest = hashlib.sha256()
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        # As it is: the checksum is the one of the gzipped file.
        with os.fdopen(handle, "wb") as file, http.stream(url, {"Accept-Encoding": "identity"}) as answer:
            for piece in answer.iter_raw():
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() == wanted:
            # mkstemp makes files for the owner only; a saved file has the rights of any other.
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(part, 0o666 & ~mask)
            os.replace(part, path)
        return answer.headers, digest.hexdigest()
    finally:
        Path(part).unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
