"""The client."""

from __future__ import annotations

import json
import os
import re
import warnings
import weakref
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from . import _ask, _bulk, _frames
from ._cache import Cache, Kept
from ._errors import BadAnswer, CutOff, NoFigures, RecordedSituation
from ._http import Http
from ._version import __version__

API = "/api/data/v1"
JSON, JSONL = "application/json", "application/jsonl"
Frame = Literal["pandas", "polars"] | None
REASONS = {
    "before_first_issue": "nothing had been issued by then",
    "not_published_at_this_level": "the signal is not published for this level of place",
    "no_data": "there is no value for these places and dates",
}


class Client:
    """A Vigie server's technical API.

    ``cache``: None for the user's cache folder, a folder, a :class:`vigie.Cache`, or False for none.
    ``api_key``: a key of the server's ``/account/keys``; ``VIGIE_API_KEY`` of the environment when None; "" for none.
    ``retries`` and ``max_wait`` (seconds, all waits of a request together) bound what ``Retry-After`` may ask for.
    """

    def __init__(
        self,
        base_url: str,
        *,
        cache: Cache | str | os.PathLike[str] | Literal[False] | None = None,
        timeout: float = 60.0,
        user_agent: str | None = None,
        retries: int = 3,
        max_wait: float = 60.0,
        api_key: str | None = None,
    ) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ValueError(f"base_url is {base_url!r}: write it like 'https://vigie.example'")
        self.base_url = base_url.rstrip("/").removesuffix(API)
        if cache is True:
            cache = None
        self.cache = None if cache is False else cache if isinstance(cache, Cache) else Cache(cache)
        #: The time at which the server's clock stands; None with a running clock, and before the first answer.
        self.recorded_situation: datetime | None = None
        self._told = False
        key = os.environ.get("VIGIE_API_KEY", "") if api_key is None else api_key
        if key and not _is_safe(self.base_url):
            raise ValueError(f"{self.base_url} is not https: whoever listens would have the API key")
        self._http = Http(timeout, user_agent or f"vigie-python/{__version__}", retries, max_wait, key)
        # A client that nobody closed closes its connections when nobody has it any more.
        weakref.finalize(self, self._http.close)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def signals(self, as_of: date | datetime | str | None = None, *, frame: Frame = "pandas") -> Any:
        """What is counted: one row a signal and level of place, with what is published of it."""
        _frames.library(frame)
        body = self._json("signals", [("as_of", _ask.moment(as_of))])
        rows = []
        for one in body["signals"]:
            for level, at in one["levels"].items():
                published = at.get("published") or dict.fromkeys(
                    ("first_issue", "last_issue", "first_date", "last_date", "rows"))
                rows.append({**one, **published, "signal": one["id"], "level": level, "source": at["source"]})
        return self._table(rows, _frames.SIGNALS, frame, {"as_of": body["as_of"]})

    def places(self, level: str | None = None, *, language: str = "en", frame: Frame = "pandas") -> Any:
        """The places; ``name`` in a language, or None where the place has no name in it."""
        _frames.library(frame)
        body = self._json("places", [("level", level)])
        rows = [{**one, "place": one["id"], "name": one["names"].get(language)} for one in body["places"]]
        return self._table(rows, _frames.PLACES, frame, {})

    def sources(self, *, frame: Frame = "pandas") -> Any:
        """Whose figures these are, under which licence, with the words of credit that it asks for."""
        _frames.library(frame)
        body = self._json("sources", [])
        rows = []
        for one in body["sources"]:
            check = one.get("last_check") or {"at": None, "outcome": None}
            rows.append({**one, "source": one["id"], "last_check": check["at"], "last_outcome": check["outcome"]})
        return self._table(rows, _frames.SOURCES, frame, {"as_of": body["as_of"]})

    def observations(
        self,
        signal: str,
        places: str | Iterable[str] | None = None,
        level: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        as_of: date | datetime | str | None = None,
        lag: int | None = None,
        issues: Literal["latest", "all"] = "latest",
        frame: Frame = "pandas",
        *,
        clock: str | None = None,
        page_size: int | None = None,
    ) -> Any:
        """The values of a signal between two reference dates, as they were known at ``as_of``; all of them, always.

        ``lag``: each value as known so many days after its reference date. ``issues="all"``: every revision.
        ``clock``: ``published`` or ``seen``, where the server has both. ``page_size``: rows a request, up to 10000;
        without it everything comes in one stream. An empty answer warns with its reason (:class:`vigie.NoFigures`).
        """
        _frames.library(frame)
        when = _ask.moment(as_of)
        asked = [
            ("signal", signal), *(("place", place) for place in _ask.several(places)), ("level", level),
            ("from", _ask.day("start", start)), ("to", _ask.day("end", end)), ("as_of", when), ("lag", lag),
            ("issues", issues), ("clock", clock),
        ]
        cache = self.cache if _ask.is_past(when) else None
        rows: list[dict[str, Any]] = []
        query: list[tuple[str, Any]] | None = [*asked, ("limit", page_size), ("format", "jsonl")]
        seen = set()
        while query is not None:
            url = self._url("observations", query)
            if url in seen:
                raise BadAnswer(f"{url} names itself as its next page")
            seen.add(url)
            page = self._get(url, JSONL, cache)
            if page.body and not page.body.endswith(b"\n"):
                raise CutOff(f"the answer of {url} ends in the middle of a line")
            rows += _frames.parse(page.body, url)
            query = _next(page, url)
        attrs = {"signal": signal, "as_of": when, "issues": issues, "lag": lag, "reason": None}
        if not rows:
            attrs["reason"] = self._why_empty(asked)
        return _frames.build(rows, _frames.OBSERVATIONS, frame, self._attrs(attrs))

    def why(self, id: str) -> dict[str, Any]:
        """Where a value comes from: publisher, payload with its SHA-256, parser, and every revision. As sent."""
        if not isinstance(id, str) or not id:
            raise TypeError(f"id is {id!r}: give the `id` of a value")
        return self._json("why/" + quote(id, safe="~"), [])

    def bulk(
        self, signal: str, path: str | os.PathLike[str], *, issues: Literal["latest", "all"] = "latest"
    ) -> Path:
        """Saves a whole signal as gzipped CSV and returns where; its SHA-256 is checked. ``path``: file or folder.

        A file that is there already and current is not fetched again. ``pandas.read_csv`` reads it as it is.
        """
        if issues not in ("latest", "all"):
            raise ValueError(f"issues is {issues!r}: write 'latest' or 'all'")
        name = quote(signal, safe="") + ("-issues" if issues == "all" else "") + ".csv.gz"
        path = Path(path)
        path = path / name if path.is_dir() else path
        answer = _bulk.save(self._http, self._url("bulk/" + name, []), path)
        self._note(answer.get("vigie-recorded-situation"))
        return path

    def _url(self, path: str, query: Iterable[tuple[str, Any]]) -> str:
        text = urlencode([(name, str(value)) for name, value in query if value is not None])
        return f"{self.base_url}{API}/{path}" + (f"?{text}" if text else "")

    def _get(self, url: str, accept: str, cache: Cache | None = None) -> Kept:
        kept = self._http.get(url, accept, cache)
        recorded = kept.headers.get("vigie-recorded-situation")
        if accept == JSONL and not recorded:
            self.recorded_situation = None  # the server has got a running clock
        self._note(recorded)
        return kept

    def _json(self, path: str, query: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        url = self._url(path, query)
        try:
            body = json.loads(self._get(url, JSON).body)
        except ValueError as error:
            raise BadAnswer(f"{url} did not answer with JSON: {error}") from error
        if not isinstance(body, dict):
            raise BadAnswer(f"{url} did not answer with an object")
        self._note((body.get("recorded_situation") or {}).get("as_of"))
        return body

    def _why_empty(self, asked: list[tuple[str, Any]]) -> str | None:
        body = self._json("observations", [*asked, ("limit", 1), ("format", "json")])
        reason = body.get("reason")
        words = REASONS.get(str(reason), "the server gives a reason that this version does not know")
        warnings.warn(f"no figures: {words} ({reason})", NoFigures, stacklevel=3)
        return reason

    def _table(self, rows: list[dict[str, Any]], columns: dict[str, str], frame: Frame, attrs: dict[str, Any]) -> Any:
        try:
            rows = [_frames.typed(row, columns) for row in rows]
        except (KeyError, ValueError, TypeError) as error:
            raise BadAnswer(f"the catalogue cannot be read: {type(error).__name__} {error}") from error
        return _frames.build(rows, columns, frame, self._attrs(attrs))

    def _attrs(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Text, not a datetime: pandas writes attrs into Parquet as JSON.
        recorded = self.recorded_situation.isoformat() if self.recorded_situation else None
        return {**attrs, "base_url": self.base_url, "recorded_situation": recorded}

    def _note(self, recorded: str | None) -> None:
        if not recorded:
            return
        self.recorded_situation = _frames.utc(recorded)
        if not self._told:
            self._told = True
            day = self.recorded_situation.date()
            text = f"{self.base_url} shows the recorded situation of {day}, not the current one"
            warnings.warn(text, RecordedSituation, stacklevel=4)


def _is_safe(url: str) -> bool:
    """Encrypted, or of this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _next(page: Kept, url: str) -> list[tuple[str, str]] | None:
    """The parameters of the next page. Only those: the path and the host stay the ones that the user gave."""
    for target in re.findall(r'<([^>]*)>\s*;[^,]*rel="?next"?', page.headers.get("link", "")):
        return parse_qsl(urlsplit(target).query, keep_blank_values=True)
    if page.headers.get("vigie-truncated") == "true":
        raise BadAnswer(f"{url} says that there is more, and not where")
    return None
