#!/usr/bin/env python3
"""No derived `Debug` shows what opens something or names somebody: a field with such a name has a type that hides it, or its
structure writes its own `Debug`."""

import re

from common import ROOT, finish, name

STRUCT = re.compile(r"#\[derive\([^)]*\bDebug\b[^)]*\)\](?:\s*#\[[^\]]*\])*\s*(?:pub(?:\([^)]*\))? )?struct (\w+)[^{;]*\{(.*?)\n\}", re.S)
FIELD = re.compile(r"^\s*(?:pub(?:\([^)]*\))? )?(\w+): ([^\n]+),", re.M)
SECRET = re.compile(r"database_url|passw|secret|private_key|token|hint|subject|nonce|verifier|cookie|pem|^sid|_sid")
PLAIN = re.compile(r"\bString\b|\bstr\b|Vec<u8>|\bUrl\b")
# Looked at one by one.
HARMLESS = {("Who", "subject"): "a pseudonym, which the log of security events names"}


def shown(text):
    """Structure and field of each that its `Debug` shows."""
    for found in STRUCT.finditer(text):
        for field, kind in FIELD.findall(found[2]):
            if SECRET.search(field) and PLAIN.search(kind) and (found[1], field) not in HARMLESS:
                yield found[1], field


def main():
    planted = "#[derive(Debug, Clone)]\npub struct Config {\n    /// The address.\n    pub database_url: String,\n}\n"
    hidden = planted.replace("String", "Secret"), planted.replace("Debug, ", ""), planted.replace("database_url", "addr")
    faults = [] if [*shown(planted)] == [("Config", "database_url")] and not any([*shown(text)] for text in hidden) else ["this check finds nothing"]
    files = sorted({*ROOT.glob("crates/*/src/**/*.rs"), *ROOT.glob("services/*/src/**/*.rs")})
    for path in files:
        faults += [f"{name(path)}: the `Debug` of {of} shows `{field}`: take kit::Secret, or write it without" for of, field in shown(path.read_text(encoding="utf-8"))]
    finish("shown", faults, len(files))


if __name__ == "__main__":
    main()
