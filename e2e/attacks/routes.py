"""Every route of every service of a country, as docs/security/access.csv has them, with values for its parameters."""

import csv
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Route:
    service: str
    method: str
    pattern: str
    # `public`, `session`, names of roles, `nobody`.
    who: str

    @property
    def parameters(self):
        return re.findall(r"\{(\w+)\}", self.pattern)

    def path(self, value="nothing", **values):
        return re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], value), self.pattern)


def profile(country):
    return tomllib.loads((ROOT / f"clusters/{country}/profile/profile.toml").read_text(encoding="utf-8"))


def rows():
    with (ROOT / "docs/security/access.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of(country):
    """The routes that this country has."""
    return [Route(r["service"], r["method"], r["path"], r[country]) for r in rows() if r[country] != "absent"]


def every():
    """The routes of all countries; what another country has may run here by mistake."""
    return [Route(r["service"], r["method"], r["path"], "") for r in rows()]


def values(country):
    """Values with which routes answer what they are for."""
    told = profile(country)
    main = next(s for s in told["signals"] if s["id"] == told["main_signal"])
    return {"disease": main["disease"], "place": told["nation"], "signal": main["id"], "provider": told["identity"]["providers"][0]["id"]}
