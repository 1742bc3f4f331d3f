"""Vigie's technical API in Python: every figure, as it was known at any time.

>>> import vigie
>>> client = vigie.Client("http://127.0.0.1:8080")
>>> frame = client.observations("flu_hosp_admissions", places="US", as_of="2025-02-01")
"""

from ._cache import Cache
from ._client import Client
from ._errors import (
    BadAnswer,
    ChecksumMismatch,
    CutOff,
    InvalidParameter,
    KeyRefused,
    NoFigures,
    NotFound,
    Problem,
    RecordedSituation,
    ServerFailed,
    TooManyRequests,
    Unreachable,
    VigieError,
)
from ._frames import Rows
from ._version import __version__

__all__ = [
    "BadAnswer",
    "Cache",
    "ChecksumMismatch",
    "Client",
    "CutOff",
    "InvalidParameter",
    "KeyRefused",
    "NoFigures",
    "NotFound",
    "Problem",
    "RecordedSituation",
    "Rows",
    "ServerFailed",
    "TooManyRequests",
    "Unreachable",
    "VigieError",
    "__version__",
]
