#!/usr/bin/env python3
"""OCI layouts as nix/oci.nix makes them. Reads lines `<service> <folder>`; prints the digests, or what is wrong."""

import hashlib
import json
import sys
import tarfile
from pathlib import Path

faults = []
for line in sys.stdin.read().splitlines():
    service, folder = line.split()
    blobs = Path(folder) / "layout/blobs/sha256"
    said = (Path(folder) / "digest").read_text()
    manifest = blobs / said.removeprefix("sha256:")
    for blob in blobs.iterdir():
        if hashlib.sha256(blob.read_bytes()).hexdigest() != blob.name:
            faults.append(f"{service}: the blob {blob.name} is not what its name says")
    read = json.loads(manifest.read_text())
    config = json.loads((blobs / read["config"]["digest"][7:]).read_text())
    program = config["config"]["Entrypoint"][0]
    if config["config"]["User"] != "10001:10001":
        faults.append(f"{service}: the image runs as {config['config'].get('User')}")
    entries = {}
    for layer in read["layers"]:
        with tarfile.open(blobs / layer["digest"][7:]) as tar:
            entries |= {"/" + m.name.lstrip("/"): m for m in tar.getmembers()}
    if program not in entries or not entries[program].mode & 0o111:
        faults.append(f"{service}: the image does not hold the program it starts, {program}")
    data = [e.split("=", 1)[1] for e in config["config"]["Env"] if e.startswith("VIGIE_DATA_DIR=")]
    if not all(any(e.startswith(d + "/") for e in entries) for d in data):
        faults.append(f"{service}: the image does not hold the extract that VIGIE_DATA_DIR names")
    sources = [name for name in entries if name.endswith((".rs", ".rlib", "/rustc"))]
    if sources:
        faults.append(f"{service}: the image holds what it was built with, {len(sources)} files such as {sources[0]}")
    writable = [name for name, m in entries.items() if m.isfile() and m.mode & 0o222]
    if writable or any(m.uid or m.gid for m in entries.values()):
        faults.append(f"{service}: files of the image can be changed, or are somebody's: {writable[:3]}")
    size = sum(layer["size"] for layer in read["layers"])
    print(f"nix: vigie/{service}@{said}, {size / 1e6:.1f} MB, {len(entries)} entries")
for fault in faults:
    print(f"nix: {fault}", file=sys.stderr)
sys.exit(1 if faults else 0)
