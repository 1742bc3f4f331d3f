"""One request: retries, refusals as exceptions, the cache, and no short answer taken for a whole one."""

from __future__ import annotations

import contextlib
import email.utils
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx

from ._cache import Cache, Kept
from ._errors import BadAnswer, CutOff, Unreachable, problem

#: Statuses after which asking again makes sense.
BUSY = (429, 503)
#: Headers that are kept with a cached answer.
KEPT = ("content-type", "etag", "link", "vigie-truncated", "vigie-recorded-situation")


def retry_after(text: str | None) -> float | None:
    """Seconds that ``Retry-After`` asks to wait: a number, or a date of HTTP. None when it cannot be read."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


class Http:
    """Asks, waits where the server says so, and raises what :mod:`vigie` documents."""

    def __init__(self, timeout: float, user_agent: str, retries: int, max_wait: float, key: str = "") -> None:
        self._retries, self._max_wait = retries, max_wait
        headers = {"User-Agent": user_agent}
        if key:
            # In a header and never in the address; httpx leaves it out when another host is redirected to.
            headers["Authorization"] = f"Bearer {key}"
        self._client = httpx.Client(timeout=timeout, headers=headers, follow_redirects=True)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def get(self, url: str, accept: str, cache: Cache | None = None) -> Kept:
        """A whole answer of media type ``accept``. With a cache: what is kept, where the server says it is current."""
        kept = cache.get(url) if cache else None
        headers = {"Accept": accept}
        if kept and "etag" in kept.headers:
            headers["If-None-Match"] = kept.headers["etag"]
        with self.stream(url, headers) as answer:
            if answer.status_code == 304 and kept:
                return kept
            body = answer.read()
            media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code != 200 or media != accept:
                raise BadAnswer(
                    f"{url} answered {answer.status_code} with {media or 'no media type'} instead of {accept}: "
                    "is it the address of a Vigie server, without a login page or a proxy before it?"
                )
            fresh = Kept({name: answer.headers[name] for name in KEPT if name in answer.headers}, body)
        if cache and "etag" in fresh.headers:
            cache.put(url, fresh)
        return fresh

    @contextlib.contextmanager
    def stream(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """An answer whose body the caller reads; 4xx and 5xx are exceptions."""
        waited = 0.0
        for attempt in range(self._retries + 1):
            with self._errors(url), self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code < 400:
                    yield answer
                    return
                answer.read()
            refusal = problem(answer)
            refusal.retry_after = retry_after(answer.headers.get("retry-after"))
            wait = 0.5 * 2**attempt if refusal.retry_after is None else refusal.retry_after
            last = attempt == self._retries
            if answer.status_code not in BUSY or last or waited + wait > self._max_wait:
                raise refusal
            time.sleep(wait)
            waited += wait

    @contextlib.contextmanager
    def _errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError) as error:
            raise CutOff(f"the answer of {url} broke off: {error}") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"{url} did not answer in time; `timeout` is the client's patience in seconds") from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.TooManyRedirects) as error:
            raise Unreachable(f"{url} cannot be reached: {error}") from error
