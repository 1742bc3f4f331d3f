#!/usr/bin/env python3
"""The check of the security table, checked: faults planted in a copy, each of which must be named."""

import re
import tomllib

from common import ROOT, finish, plant

TABLE = "docs/security/asvs.toml"


def line(number, change):
    """Changes the line of one row."""
    return lambda text: re.sub(rf'^"{re.escape(number)}" = .*\n', lambda m: change(m.group(0)), text, flags=re.M)


def other(old, new):
    return lambda text: text.replace(old, new, 1)


RENAMED = "services/identity/tests/flow/sessions.rs"
# check, what is planted, path, how its text changes, what must be said
FAULTS = [("asvs", *rest) for rest in [
    ("a row that is lost", TABLE, line("7.4.2", lambda _: ""), "row 7.4.2 is missing"),
    ("a row of level 3", TABLE, line("7.4.2", lambda row: row + row.replace("7.4.2", "1.5.3")), "row 1.5.3 is none of levels 1 and 2"),
    ("another level", TABLE, line("7.4.2", lambda row: row.replace("level = 1", "level = 2")), "row 7.4.2 is of level 1"),
    ("a state that there is not", TABLE, line("7.4.2", lambda row: row.replace('"test"', '"done"')), "row 7.4.2 needs"),
    ("a row that asks nothing", TABLE, line("7.4.2", lambda row: re.sub(r'asks = "[^"]*"', 'asks = " "', row)), "row 7.4.2 needs"),
    ("a file that is not there", TABLE, line("7.4.2", lambda row: row.replace("sessions.rs", "session.rs")), "session.rs, which is not there"),
    ("a test without its name", TABLE, line("7.4.2", lambda row: re.sub(r"::\w+", "", row)), "row 7.4.2 names no test"),
    ("a test that was renamed", RENAMED, other("fn a_disabled_account_loses_all_its_sessions_at_once", "fn a_disabled_account"), "row 7.4.2 names no test"),
    ("a test that is none any more", RENAMED, lambda text: re.sub(r"#\[sqlx::test[^\n]*\n(async fn a_disabled_account_loses)", r"\1", text), "row 7.4.2 names no test"),
    ("words that are gone", "Cargo.toml", other('unsafe_code = "deny"', 'unsafe_code = "warn"'), "does not hold “unsafe_code"),
    ("missing without a reason", TABLE, line("3.4.1", lambda row: re.sub(r', note = "[^"]*"', "", row)), "row 3.4.1 is missing: say why"),
    ("not applicable, and it points somewhere", TABLE, line("1.2.6", lambda row: row.replace(" }", ', at = "Cargo.toml" }')), "point nowhere"),
    ("a page that hides what is missing", "docs/security/asvs.md", other("**missing**", "test"), "is older than asvs.toml"),
]]


def main():
    rows = tomllib.loads((ROOT / TABLE).read_text(encoding="utf-8"))["rows"].values()
    pointed = {row["at"].split("::")[0] for row in rows if "at" in row}
    with plant.copied("docs/security", "e2e/checks", *pointed) as tree:
        faults = plant.well(tree, ["asvs"]) + plant.planted(tree, FAULTS)
    finish("planted_asvs", faults, len(FAULTS))


main()
