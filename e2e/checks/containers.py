#!/usr/bin/env python3
"""Containers: one target a service, and in compose.yaml each country has the services of its folders, restricted."""

import re
from pathlib import Path

from common import ROOT, documents, finish, name, tracked

FOLDER = ROOT / "containers"


def main():
    faults = []
    services = {p.parent.parent.name for p in tracked("services/*/deploy/kustomization.yaml")}
    targets = set(re.findall(r"^FROM base AS (\S+)$", (FOLDER / "Containerfile").read_text(encoding="utf-8"), flags=re.M))
    if targets != services | {"vigie"}:
        faults.append(f"Containerfile has the targets {sorted(targets)}; one for each of {sorted(services)} and vigie is wanted")
    compose = FOLDER / "compose.yaml"
    parts = documents(compose)[0]["services"]
    countries = sorted({p.parents[2].name for p in tracked("clusters/*/apps/*/kustomization.yaml")})
    for country in countries:
        apps = sorted(p.parent.name for p in tracked(f"clusters/{country}/apps/*/kustomization.yaml"))
        runs = sorted(n for n, part in parts.items() if country in part.get("profiles", []))
        if runs != apps:
            faults.append(f"{name(compose)} runs {runs} in the profile {country}; the folders of apps/ say {apps}")
        wanted = f"COUNTRY={country}\nCOMPOSE_PROFILES={country}\nVIGIE_APPS={','.join(apps)}\n"
        env = FOLDER / f"{country}.env"
        if not env.is_file() or env.read_text(encoding="utf-8") != wanted:
            faults.append(f"{name(env)} must hold these lines:\n{wanted}")
    for part, spec in parts.items():
        if part == "database":
            continue
        if spec.get("user") != "10001:10001" or spec.get("read_only") is not True or spec.get("cap_drop") != ["ALL"]:
            faults.append(f"{name(compose)}: {part} must run as 10001:10001, read-only, without capabilities")
        role = "identity_service" if part == "identity" else f"vigie_{part.replace('-', '_')}"
        if part in services and not spec.get("environment", {}).get("DATABASE_URL", "").startswith(f"postgres://{role}:$"):
            faults.append(f"{name(compose)}: {part} must come to the database as {role}, which may do what it does and no more")
        if part in services and not spec.get("image", "").endswith(f"/vigie/{part}"):
            faults.append(f"{name(compose)}: {part} must run the image vigie/{part}")
    # The list of erasures: on the host, where service and commands find it, and done again before the service starts.
    steps = (FOLDER / "up.sh").read_text(encoding="utf-8")
    for part in ("identity", "accounts"):
        listed = parts[part].get("environment", {}).get("VIGIE_ERASURES", "/")
        sources = [v.rpartition(":")[0] for v in parts[part].get("volumes", []) if v.rpartition(":")[2] == str(Path(listed).parent)]
        if [s.split(":")[0] for s in sources] != ["${ERASURES"]:
            faults.append(f"{name(compose)}: {part} must keep VIGIE_ERASURES in the folder ERASURES of the host, writable: a restored backup brings back whoever was erased")
    if not re.search(r'chmod 777 "\$ERASURES"', steps) or "export ERASURES" not in steps:
        faults.append("containers/up.sh must make the folder ERASURES, in which user 10001 writes")
    if not 0 < steps.find("accounts restore-erasures") < steps.find("up -d\n"):
        faults.append("containers/up.sh must erase again before it starts the services")
    finish("containers", faults, len(parts) + len(targets))


main()
