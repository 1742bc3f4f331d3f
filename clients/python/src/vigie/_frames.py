"""Rows with types, as pandas frames, polars frames or plain lists."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from ._errors import BadAnswer

TEXT, NUMBER, COUNT, DAY, TIME, WORDS = "text", "number", "count", "day", "time", "words"

#: The columns of ``observations``, in their order. What a newer server adds is left out, so that a frame's shape
#: changes with this package and not overnight; ``seen_at`` is empty where the server does not have it.
OBSERVATIONS = {
    "id": TEXT, "signal": TEXT, "place": TEXT, "reference_date": DAY, "week": TEXT, "value": NUMBER, "status": TEXT,
    "unit": TEXT, "issued_at": TIME, "seen_at": TIME, "source": TEXT, "retrieval": TEXT, "recorded_situation": TIME,
}
NOT_EVERYWHERE = {"seen_at"}
SIGNALS = {
    "signal": TEXT, "level": TEXT, "source": TEXT, "disease": TEXT, "event": TEXT, "unit": TEXT, "cadence": TEXT,
    "ended": DAY, "stale_after_days": COUNT, "issue_every_days": COUNT, "first_issue": TIME, "last_issue": TIME,
    "first_date": DAY, "last_date": DAY, "rows": COUNT,
}
PLACES = {"place": TEXT, "level": TEXT, "parent": TEXT, "population": COUNT, "name": TEXT}
SOURCES = {
    "source": TEXT, "publisher": TEXT, "title": TEXT, "page_url": TEXT, "licence": TEXT, "licence_url": TEXT,
    "credit": TEXT, "cadence": TEXT, "last_check": TIME, "last_outcome": TEXT, "signals": WORDS,
}

#: Does a status come with a number? A word that is not here may do as it likes.
HAS_NUMBER = {
    "observed": True, "provisional": True, "missing": False, "suppressed": False, "not_applicable": False,
    "withdrawn": False,
}


class Rows(list):
    """A list of dicts, with what is known about all of them in ``attrs``, as in a pandas frame."""

    def __init__(self, rows: Iterable[dict[str, Any]], attrs: dict[str, Any]) -> None:
        super().__init__(rows)
        self.attrs = attrs


def _nan(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def parse(body: bytes, url: str) -> list[dict[str, Any]]:
    """JSON Lines as rows of the columns above.

    Raises BadAnswer for a line that is not one, and for a value that contradicts its status.
    """
    rows = []
    for number, line in enumerate(body.splitlines(), 1):
        try:
            sent = json.loads(line, parse_constant=_nan)
            row = typed(sent, OBSERVATIONS, NOT_EVERYWHERE)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BadAnswer(f"line {number} of {url} cannot be read: {type(error).__name__} {error}") from error
        expected = HAS_NUMBER.get(row["status"])
        if expected is not None and expected != (row["value"] is not None):
            raise BadAnswer(f"{row['id']} has the status {row['status']} and the value {row['value']}")
        rows.append(row)
    return rows


def typed(sent: dict[str, Any], columns: dict[str, str], optional: Iterable[str] = ()) -> dict[str, Any]:
    """One row: the columns that are known, as Python values. A column that should be there and is not: KeyError."""
    return {n: _value(sent.get(n) if n in optional else sent[n], kind) for n, kind in columns.items()}


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{value!r} is no number")
        return float(value)
    if kind == DAY:
        return date.fromisoformat(value)
    if kind == TIME:
        return utc(value)
    return value


def utc(text: str) -> datetime:
    """An RFC 3339 time, in UTC. Raises ValueError for a time without a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at.astimezone(UTC)


def library(frame: str | None) -> Any:
    """The library of a frame, before anything is asked for in vain."""
    if frame not in ("pandas", "polars", None):
        raise ValueError(f"frame is {frame!r}: write 'pandas', 'polars' or None")
    if frame is None:
        return None
    try:
        return importlib.import_module(frame)
    except ImportError as error:
        raise ImportError(f"{frame} is not installed: pip install 'vigie[{frame}]', or use frame=None") from error


def build(rows: list[dict[str, Any]], columns: dict[str, str], frame: str | None, attrs: dict[str, Any]) -> Any:
    """The rows as the frame that was asked for."""
    lib = library(frame)
    if lib is None:
        return Rows(rows, attrs)
    data = {name: [row[name] for row in rows] for name in columns}
    if frame == "polars":
        kinds = {
            TEXT: lib.String, NUMBER: lib.Float64, COUNT: lib.Int64, DAY: lib.Date, TIME: lib.Datetime("us", "UTC"),
            WORDS: lib.List(lib.String),
        }
        return lib.DataFrame(data, schema={name: kinds[kind] for name, kind in columns.items()})
    made = lib.DataFrame({name: _series(lib, data[name], kind) for name, kind in columns.items()})
    made.attrs.update(attrs)
    return made


def _series(pd: Any, values: list[Any], kind: str) -> Any:
    # pandas has no type for days: a day is its midnight, without a zone. Units are fixed: pandas 2 and 3 differ.
    if kind == DAY:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"))).astype("datetime64[us]")
    if kind == TIME:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=True)).astype("datetime64[us, UTC]")
    if kind == NUMBER:
        return pd.Series(values, dtype="float64")
    if kind == COUNT:
        return pd.Series(values, dtype="Int64")
    return pd.Series(values, dtype="str" if kind == TEXT and int(pd.__version__.split(".")[0]) >= 3 else "object")
