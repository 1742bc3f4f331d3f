"""Arguments of Python as parameters of the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from ._frames import utc


def day(name: str, value: date | str | None) -> str | None:
    """A reference date: a date, or ``YYYY-MM-DD``."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    raise TypeError(f"{name} is {value!r}: give a date, or a text like '2025-02-01'")


def moment(value: date | datetime | str | None) -> str | None:
    """``as_of``: a date (its end, in UTC), a time with a zone, or either as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"as_of is {value}, without a time zone: give a date, or a time with tzinfo")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"as_of is {value!r}: give a date, a time with a zone, or a text")


def is_past(as_of: str | None) -> bool:
    """Is this a fixed time that is over? Only then the same question should have the same answer tomorrow."""
    if as_of is None:
        return False
    now = datetime.now(UTC)
    try:
        if len(as_of) == 10:
            end = datetime.combine(date.fromisoformat(as_of), datetime.min.time(), UTC) + timedelta(days=1)
            return end <= now
        return utc(as_of) < now
    except ValueError:
        return False  # the server says what is wrong with it


def several(places: str | Iterable[str] | None) -> list[str]:
    """One place or more. An empty list is refused: the API reads no place as all places."""
    if places is None:
        return []
    found = [places] if isinstance(places, str) else list(places)
    if not found:
        raise ValueError("places is empty: leave it out for all places")
    for place in found:
        if not isinstance(place, str) or not place:
            raise TypeError(f"places holds {place!r}: a place is a text like 'US-NY'")
    return found
