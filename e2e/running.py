#!/usr/bin/env python3
"""The programs of a running `vigie up`, and an operator's command beside one of them.

  e2e/running.py PID PROGRAM WORDS…    runs PROGRAM with the settings that it runs with under the `vigie up` of process PID:
                                       e2e/running.py 4711 identity grant NUMBER specialist

They are read from the system, as whoever runs the machine can: the addresses of services are free ports of each start. What only
the owner of the accounts' tables may do comes as that one, whose password lies in the folder of the country.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

OWNERS = {"grant", "revoke", "retention", "restore-erasures"}


def processes():
    """Every process of this machine: the fields of its `stat` after its name, the second of which is its parent."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything.
            found[stat.parent.name] = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended meanwhile
    return found


def programs(parent):
    """By name: program and settings of each child of process `parent`."""
    found = {}
    for pid, fields in processes().items():
        if fields[1] != str(parent):
            continue
        try:
            program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
            pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's
        found[Path(program).name] = (program, dict(pair.split("=", 1) for pair in pairs if "=" in pair))
    return found


def services(parent):
    """By name: where each service answers, past the front door."""
    listening = {name: settings.get("VIGIE_ADDR") for name, (_, settings) in programs(parent).items()}
    return {name: address for name, address in listening.items() if address and name != "ingest"}


def as_owner(settings):
    """The same settings with the address of who owns the tables, and no other role for the audit."""
    address = urlsplit(settings["DATABASE_URL"])
    password = (Path(settings["VIGIE_ARCHIVE"]).parent / "identity-password").read_text(encoding="utf-8")
    owner = f"{address.username.removesuffix('_service')}:{password}@{address.hostname}:{address.port}"
    rest = {key: value for key, value in settings.items() if key != "VIGIE_AUDIT_DATABASE_URL"}
    return {**rest, "DATABASE_URL": address._replace(netloc=owner).geturl()}


def main(parent, name, *words):
    program, settings = programs(parent)[name]
    if name == "identity" and words[0] in OWNERS:
        settings = as_owner(settings)
    os.execve(program, [program, *words], settings)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
