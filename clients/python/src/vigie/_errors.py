"""What can go wrong, and what is worth a warning."""

from __future__ import annotations

import httpx


class VigieError(Exception):
    """Everything that this package raises on purpose, apart from ``ValueError`` and ``TypeError`` for arguments."""


class Unreachable(VigieError):
    """Nothing answered: no such host, connection refused, or too slow."""


class CutOff(VigieError):
    """The answer ended in the middle. Nothing of it is handed on."""


class BadAnswer(VigieError):
    """The answer is not what the API promises: a page of a proxy, or a value that contradicts its status."""


class ChecksumMismatch(VigieError):
    """A bulk file whose SHA-256 is not the one that the server names. The file was removed."""


class Problem(VigieError):
    """The server refused (problem+json, RFC 9457). ``str()`` is the server's own sentence."""

    def __init__(self, answer: httpx.Response) -> None:
        try:
            body = answer.json()
        except ValueError:
            body = None
        body = body if isinstance(body, dict) else {}
        #: HTTP status.
        self.status: int = answer.status_code
        #: Short name of the status, such as ``Bad Request``.
        self.title: str = str(body.get("title") or answer.reason_phrase)
        #: The server's sentence.
        self.detail: str = str(body.get("detail") or f"{answer.url.host} gave no reason")
        #: The parameter that cannot be used, by the API's name; None when it is not about one.
        self.parameter: str | None = body.get("field") or body.get("parameter")
        #: The server's stable word for it, such as ``not_found``.
        self.code: str | None = body.get("code")
        #: The address that was asked.
        self.url: str = str(answer.url)
        #: Seconds after which the server may be asked again, where it said so.
        self.retry_after: float | None = None
        super().__init__(f"{self.detail} ({self.status} {self.title}: {self.url})")


class NotFound(Problem):
    """404: no such signal, place, value or address."""


class InvalidParameter(Problem):
    """400, 409 or 422: a parameter cannot be used; ``parameter`` names it."""


class KeyRefused(Problem):
    """401 or 403: the API key is mistyped, unknown, expired, revoked, or not made for this."""


class TooManyRequests(Problem):
    """429: asked too often, and ``Retry-After`` was longer, or came more often, than this client waits."""


class ServerFailed(Problem):
    """5xx: the server's fault."""


def problem(answer: httpx.Response) -> Problem:
    """The exception for an answer with an error status, whose body was read."""
    status = answer.status_code
    kinds = {400: InvalidParameter, 409: InvalidParameter, 422: InvalidParameter, 404: NotFound, 429: TooManyRequests,
             401: KeyRefused, 403: KeyRefused}
    return kinds.get(status, ServerFailed if status >= 500 else Problem)(answer)


class RecordedSituation(UserWarning):
    """The server's clock stands still: it shows the situation of a past day. Said once a client."""


class NoFigures(UserWarning):
    """The answer is empty; the warning says why."""
