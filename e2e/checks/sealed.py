#!/usr/bin/env python3
"""Secrets, without a key: what the repository carries is encrypted to the recipients that .sops.yaml names, and only there."""

import re
import subprocess

from common import ROOT, documents, finish, name, tracked

FUNCTION = 'config.kubernetes.io/function: "exec: { path: krm-sops }"'
# A password in an address; `${…}` is a place for one.
ADDRESS = re.compile(r"[a-z]+://[^\s/:@]+:(?!\$\{)[^\s/@]+@")
# The certificate of a country's authority is no secret; who reads it wants it in a Secret (clusters/<country>/authority).
PUBLIC = [{"name": "authority", "files": ["ca.crt"], "options": {"disableNameSuffixHash": True}}]
PRIVATE = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----")


def recipients():
    """country -> the public keys of its rule"""
    out = {}
    for rule in next(iter(documents(ROOT / ".sops.yaml")), {}).get("creation_rules", []):
        match = re.fullmatch(r"\^secrets/([a-z]{2})/\.\*\\\.sops\\\.yaml\$", rule.get("path_regex", ""))
        if match:
            out[match.group(1)] = sorted(rule.get("age", "").split(","))
    return out


def faults_of(path, known):
    """What is wrong with one encrypted file."""
    for document in documents(path):
        values = {**(document.get("data") or {}), **(document.get("stringData") or {})}
        if document.get("kind") != "Secret" or not values:
            yield "holds something else than a Secret with values"
        for key in (k for k, v in values.items() if not str(v).startswith("ENC[AES256_GCM,")):
            yield f"holds `{key}` in plain text: encrypt it with `sops encrypt --in-place` and change the secret, it is known now"
        sealed = sorted(r.get("recipient", "") for r in document.get("sops", {}).get("age", []) or [])
        if sealed != known.get(path.relative_to(ROOT).parts[1]):
            yield "is encrypted to others than .sops.yaml names: run `sops updatekeys` on it"


def plain(node):
    """Every Secret with values inside of a document, wherever it is, and every generator of Secrets."""
    if isinstance(node, list):
        for item in node:
            yield from plain(item)
    elif isinstance(node, dict):
        if node.get("kind") == "Secret" and (node.get("data") or node.get("stringData")):
            yield "holds a Secret in plain text: it belongs into secrets/, encrypted"
        if node.get("secretGenerator") not in (None, PUBLIC):
            yield "generates a Secret from plain text: it belongs into secrets/, encrypted"
        for item in node.values():
            yield from plain(item)


def main():
    known, faults, looked = recipients(), [], 0
    sealed = tracked("secrets/*.sops.yaml")
    for path in sealed:
        looked += 1
        faults += [f"{name(path)} {why}" for why in faults_of(path, known)]
    countries = sorted(p.parents[1].name for p in tracked("clusters/*/profile/profile.toml"))
    for country in countries:
        if country not in known:
            faults.append(f".sops.yaml has no rule for secrets/{country}")
    shared = [c for c in known if sum(r in keys for keys in known.values() for r in known[c]) > len(known[c])]
    if shared:
        faults.append(f".sops.yaml: {', '.join(shared)} share a recipient: a country's key must not open another's secrets")
    # A Secret anywhere else is a plain one.
    for path in tracked("clusters", "services/*/deploy/*", "secrets", "containers"):
        if path.suffix not in (".yaml", ".yml", ".json") or path in sealed:
            continue
        looked += 1
        faults += [f"{name(path)} {why}" for why in plain(documents(path))]
        if ADDRESS.search(path.read_text(encoding="utf-8")):
            faults.append(f"{name(path)} holds a password in an address: it belongs into secrets/, encrypted")
    # Argo CD may run programs while it renders, with the country's key at hand: only this one.
    for path in tracked("clusters/*.yaml", "services/*.yaml", "secrets/*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "config.kubernetes.io/function" in line and line.strip() != FUNCTION:
                faults.append(f"{name(path)} lets kustomize run another program than krm-sops: `{line.strip()}`")
    found = subprocess.run(["git", "grep", "-nIE", PRIVATE.pattern], cwd=ROOT, capture_output=True, text=True, check=False)
    faults += [f"{line.split(':', 2)[0]} holds a private key" for line in found.stdout.splitlines()]
    finish("secrets", faults, looked)


main()
