#!/usr/bin/env python3
"""The checks of the security table and of the threats, checked: faults planted in a copy, each of which must be named."""

import re
import tomllib

from common import ROOT, finish, plant

TABLE, FLOWS, THREATS = "docs/security/asvs.toml", "docs/security/dataflow.puml", "docs/security/threats.md"


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
    ("missing without a reason", TABLE, line("7.5.2", lambda _: '"7.5.2" = { level = 2, state = "missing", asks = "see and end sessions" }\n'), "row 7.5.2 is missing: say why"),
    ("not applicable, and it points somewhere", TABLE, line("1.2.6", lambda row: row.replace(" }", ', at = "Cargo.toml" }')), "point nowhere"),
    ("a page that shows more than the table", "docs/security/asvs.md", other("| manifest |", "| test |"), "is older than asvs.toml"),
]] + [("threats", *rest) for rest in [
    ("a flow without its threats", FLOWS, other("reader --> door : F1", "reader --> door : F99"), "no section for F99"),
    ("a flow that is not drawn any more", FLOWS, other("operator --> forge : F10 secrets, encrypted\n", ""), "has a section for F10"),
    ("a threat that is lost", THREATS, lambda text: re.sub(r"^\| R repudiation .*\n", "", text, count=1, flags=re.M), "F1: one row for each of STRIDE"),
    ("an empty answer", THREATS, other("| – |", "| |"), "a cell is empty"),
    ("a test that is not there", THREATS, other("what_is_over_is_removed", "what_is_over_is_kept"), "names the test what_is_over_is_kept"),
    ("a row that is not there", "docs/security/top10.md", other("13.2.5", "13.2.9"), "names ASVS 13.2.9, which is no row"),
]]


def main():
    rows = tomllib.loads((ROOT / TABLE).read_text(encoding="utf-8"))["rows"].values()
    pointed = {row["at"].split("::")[0] for row in rows if "at" in row}
    with plant.copied("docs/security", "e2e/checks", "services/*.rs", "crates/*.rs", *pointed) as tree:
        faults = plant.well(tree, ["asvs", "threats"]) + plant.planted(tree, FAULTS)
    finish("planted_asvs", faults, len(FAULTS))


main()
