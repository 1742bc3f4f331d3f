#!/usr/bin/env python3
"""What Vigie says about itself: who it is not, its licence, and that nobody invented an operator."""

import re
import tomllib

from common import ROOT, finish, name, tracked

DISCLAIMER = "built to a specification and not operated or endorsed by WHO or any authority"
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def flat(path):
    """A file's words, with line breaks as spaces."""
    return " ".join((ROOT / path).read_text(encoding="utf-8").split())


def main():
    faults = []
    if DISCLAIMER not in flat("README.md"):
        faults.append(f"README.md does not say: “{DISCLAIMER}”")
    if not flat("LICENSE").startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2 EUPL © the European Union 2007, 2016"):
        faults.append("LICENSE is not the text of EUPL-1.2")
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    package = cargo["workspace"]["package"]
    if package["license"] != "EUPL-1.2":
        faults.append(f"Cargo.toml says license = {package['license']!r}; docs/decisions/0001-licence.md says EUPL-1.2")
    log = flat("CHANGELOG.md")
    if "## [Unreleased]" not in log and f"## [{package['version']}]" not in log:
        faults.append(f"CHANGELOG.md has a heading neither for Unreleased nor for {package['version']}")
    for file in ["README.md", "SECURITY.md", "CONTRIBUTING.md"]:
        for address in EMAIL.findall(flat(file)):
            faults.append(f"{file} gives the address {address}: only an operator has addresses")
    for path in tracked("crates/kit/locales/*.toml"):
        words = tomllib.loads(path.read_text(encoding="utf-8")).get("notice", {}).get("disclaimer", "")
        if "Vigie" not in words or not re.search(r"\b(WHO|OMS)\b", words):
            faults.append(f"{name(path)}: notice.disclaimer must say that WHO does not operate or endorse Vigie")
    profiles = tracked("clusters/*/profile/profile.toml")
    for path in profiles:
        profile = tomllib.loads(path.read_text(encoding="utf-8"))
        if profile["production"]:
            faults.append(f"{name(path)} says production = true: that is an operator's word, not this repository's")
        for field, value in profile["legal"].items():
            if value != "unset":
                faults.append(f"{name(path)}: legal.{field} is {value!r}: only the operator knows it, here it is \"unset\"")
    finish("texts", faults, 5 + len(profiles))


main()
