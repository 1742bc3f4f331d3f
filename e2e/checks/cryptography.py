#!/usr/bin/env python3
"""The inventory of cryptography (docs/security/cryptography.md) against the code: every file that uses a library of cryptography
stands in a row, every row is true, and no further library came in.
"""

import re
import tomllib

from common import ROOT, finish, name, tracked

PAGE = ROOT / "docs/security/cryptography.md"
# Libraries, as the code writes them. What stands for a use: `use ring::…`, `sha2::Sha256`, the randomness of the standard library.
USES = {"ring": r"(?<!::)\bring::", "sha2": r"\bsha2::", "rustls": r"\brustls::crypto", "openidconnect": r"\bopenidconnect::|\buse openidconnect\b",
        "webauthn-rs": r"\bwebauthn_rs::", "lettre": r"\blettre::transport::smtp::client"}
RANDOM = r"\bRandomState::new|/dev/urandom"
# What is in no row, and must not come into a Cargo.toml of ours before it is: a further library, a weak algorithm.
FURTHER = re.compile(r"^(aes.*|argon2|bcrypt|scrypt|blake\d.*|chacha20.*|salsa20|crypto.*|curve25519.*|x25519.*|ed25519.*|ecdsa|elliptic-curve|p\d{3}|k256|rsa|dsa|hmac|hkdf|pbkdf2"
                     r"|md-?[245]|sha-?1|sha3|digest|openssl.*|aws-lc.*|boring.*|native-tls|jsonwebtoken|josekit|jose.*|age|orion|sodiumoxide|libsodium.*|rand.*|getrandom|fastrand)$")
WEAK = re.compile(r"\b(?:md5|md_5|sha1|Sha1|Md5|SHA1_FOR_LEGACY\w*|RSA_PKCS1_1024\w*|danger_accept_invalid_\w+)\b")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+): `([^`]+)` \|$", re.M)


def sources():
    """Our code that is delivered, without its tests."""
    return [p for p in tracked("crates/*.rs", "services/*.rs") if not re.search(r"/(tests|benches)(/|\.rs)|/tests\.rs$", name(p))]


def code(path):
    """Without comments and without a module of tests at the end."""
    text = path.read_text(encoding="utf-8").split("\n#[cfg(test)]\nmod tests {")[0]
    return re.sub(r"^\s*//.*$", "", text, flags=re.M)


def look(page):
    """What is wrong, and how many rows there are."""
    section = page.split("## Algorithms")[1].split("\n## ")[0]
    rows = ROW.findall(section)
    faults = [f"a row that cannot be read: {line[:80]}" for line in section.splitlines() if line.startswith("| ") and not ROW.match(line) and not line.startswith("| what for")]
    locked = {p["name"]: p["version"] for p in tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))["package"]}
    said = {}
    for what, _, strength, library, files, words in rows:
        if library != "–" and library not in locked:
            faults.append(f"“{what}” is by {library}, which Cargo.lock does not have")
        if library not in {*USES, "–"}:
            faults.append(f"“{what}” is by {library}, which this check does not look for")
        if strength != "–" and not re.match(r"\d", strength):
            faults.append(f"“{what}” does not say how strong it is")
        for file in re.findall(r"`([^`]+)`", files):
            said.setdefault(file, set()).add(library)
            if not (ROOT / file).is_file() or words not in code(ROOT / file):
                faults.append(f"“{what}”: {file} does not hold {words}")
    for path in sources():
        text, known = code(path), said.get(name(path), set())
        faults += [f"{name(path)} uses {library} and stands in no row of it" for library, pattern in USES.items() if re.search(pattern, text) and library not in known]
        if re.search(RANDOM, text) and not known:
            faults.append(f"{name(path)} makes random values and stands in no row")
        faults += [f"{name(path)} uses {word}, which is too weak" for word in sorted(set(WEAK.findall(text)))]
    for file, libraries in said.items():
        path = ROOT / file
        faults += [f"{file} does not use {library} any more" for library in libraries & USES.keys() if path.is_file() and not re.search(USES[library], code(path))]
    for path in tracked("Cargo.toml", "crates/*/Cargo.toml", "services/*/Cargo.toml"):
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        named = {*told.get("dependencies", {}), *told.get("build-dependencies", {}), *told.get("workspace", {}).get("dependencies", {})}
        faults += [f"{name(path)} has {one}, which is cryptography and stands in no row" for one in sorted(named) if FURTHER.match(one)]
    return faults, len(rows)


def main():
    faults, count = look(PAGE.read_text(encoding="utf-8"))
    if count < 10:
        faults.append(f"{count} rows: the table was not found")
    finish("cryptography", faults, count)


main()
