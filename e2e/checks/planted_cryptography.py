#!/usr/bin/env python3
"""The check of the inventory of cryptography, checked: faults planted in a copy, each of which must be named."""

from common import finish, plant

PAGE, LIBRARY = "docs/security/cryptography.md", "services/web/src/lib.rs"


def other(old, new):
    return lambda text: text.replace(old, new, 1)


def end(more):
    return lambda text: text + more


FAULTS = [("cryptography", *rest) for rest in [
    ("a file that hashes and stands in no row", LIBRARY, end("use sha2::Sha256;\n"), "services/web/src/lib.rs uses sha2"),
    ("one that signs", LIBRARY, end("fn a() { ring::hmac::sign(); }\n"), "services/web/src/lib.rs uses ring"),
    ("one that makes random values", LIBRARY, end("fn a() { RandomState::new(); }\n"), "makes random values"),
    ("a weak hash", LIBRARY, end("use md5::Md5;\n"), "uses Md5, which is too weak"),
    ("certificates that are not looked at", LIBRARY, end("fn a() { danger_accept_invalid_certs(true) }\n"), "danger_accept_invalid_certs, which is too weak"),
    ("another algorithm in the same file", "services/identity/src/pseudonyms.rs", lambda text: text.replace("HMAC_SHA256", "HMAC_SHA512"), "does not hold HMAC_SHA256"),
    ("a file that does without it now", "crates/kit/src/style.rs", lambda text: text.replace("sha2::", "other::"), "does not use sha2 any more"),
    ("a further library", "services/web/Cargo.toml", other("[dependencies]\n", '[dependencies]\nblake3 = "1"\n'), "has blake3, which is cryptography"),
    ("a library that is gone", "Cargo.lock", lambda text: text.replace('name = "lettre"', 'name = "letter"'), "by lettre, which Cargo.lock does not have"),
    ("a row that is lost", PAGE, lambda text: "".join(line for line in text.splitlines(True) if "pseudonyms.rs" not in line), "pseudonyms.rs uses ring"),
    ("a row without its strength", PAGE, other("| Ed25519 | 128 |", "| Ed25519 | strong |"), "does not say how strong it is"),
    ("a row that cannot be read", PAGE, other("tokens.rs`: `Ed25519KeyPair` |", "tokens.rs` |"), "a row that cannot be read"),
]]


def main():
    with plant.copied("docs/security", "e2e/checks", "services/*.rs", "crates/*.rs", "Cargo.toml", "Cargo.lock", "services/*/Cargo.toml", "crates/*/Cargo.toml") as tree:
        faults = plant.well(tree, ["cryptography"]) + plant.planted(tree, FAULTS)
    finish("planted_cryptography", faults, len(FAULTS))


main()
