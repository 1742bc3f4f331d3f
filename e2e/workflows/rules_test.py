"""Faults planted in a workflow, each of which rules.py must name."""

import datetime
import tempfile
import textwrap
import unittest
from pathlib import Path

import exceptions
import rules
import yaml

SHA = "0123456789012345678901234567890123456789"
GOOD = f"""
name: images
on:
  push:
    paths-ignore: ["clusters/*/images/**", "docs/project/**"]
permissions: {{}}
jobs:
  images:
    timeout-minutes: 10
    permissions: {{ contents: write, packages: write, id-token: write }}
    steps:
      - uses: actions/checkout@{SHA} # v1.2.3
      - run: make thing
"""
MAKE = "thing: ## a thing\n\t@exec true\n"
PAGE = f"actions/checkout v1.2.3 {SHA}"


def faults(workflow=GOOD, make=MAKE, page=PAGE):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".github/workflows").mkdir(parents=True)
        (root / ".github/workflows/images.yml").write_text(textwrap.dedent(workflow))
        (root / "Makefile").write_text(make)
        return list(rules.check(root, {"images.yml": yaml.safe_load(workflow)}, page))


class PlantedFaults(unittest.TestCase):
    def test_a_workflow_without_fault_has_none(self):
        self.assertEqual(faults(), [])

    def test_each_planted_fault_is_named(self):
        for old, new, said in [
            ("make thing", "make thing || true", "calls one target"),
            ("make thing", "make thing; true", "calls one target"),
            ("make thing", "echo hello", "calls one target"),
            ("make thing", "make other", "no such target"),
            ("- run: make thing", "- run: make thing\n        continue-on-error: true", "with continue-on-error"),
            ("- run: make thing", "- run: make thing\n        shell: bash {0}", "with shell"),
            ("- run: make thing", "- run: make thing\n        if: false", "with if"),
            ("    timeout-minutes: 10\n", "", "timeout-minutes"),
            ("    timeout-minutes: 10\n", "    timeout-minutes: 10\n    continue-on-error: true\n", "has continue-on-error"),
            ("contents: write,", "contents: write, actions: write,", "may {"),
            ("permissions: {}", "permissions: write-all", "must begin with"),
            (f"@{SHA} # v1.2.3", "@v1", "not pinned"),
            (SHA, SHA[::-1], "does not list"),
            ('"docs/project/**"', '"docs/**"', "must ignore pushes"),
            ("  push:\n", "  pull_request_target:\n  push:\n", "stranger's code"),
        ]:
            with self.subTest(new=new):
                self.assertNotEqual(GOOD.replace(old, new), GOOD)
                self.assertTrue(any(said in f for f in faults(GOOD.replace(old, new))), said)

    def test_a_recipe_that_cannot_fail_is_named(self):
        for recipe in ["\t-@false", "\t@-false", "\t@false || true", "\t@false || echo failed", "\tfalse; true", "\tset +e; false"]:
            with self.subTest(recipe=recipe):
                self.assertTrue(any("cannot fail" in f for f in faults(make=f"thing:\n{recipe}\n")))

    def test_an_exception_that_is_over_or_has_no_day_is_named(self):
        text = (Path(rules.__file__).resolve().parents[2] / "deny.toml").read_text()
        said = lambda text, day: " ".join(exceptions.faults(text, datetime.date.fromisoformat(day)))
        day = max(day for _, _, day in exceptions.days(text))
        self.assertGreater(len(list(exceptions.days(text))), 5)
        self.assertIn("which is past", said(text, str(day + datetime.timedelta(days=1))))
        self.assertIn("days are the most", said(text, str(day - datetime.timedelta(days=400))))
        self.assertIn("RUSTSEC-2023-0071 over without a day", said(text.replace("Look again on", "See", 1), "2026-11-30"))
        more = text.replace("ignore = [", 'ignore = [\n    "RUSTSEC-2000-0001",', 1)
        self.assertIn("RUSTSEC-2000-0001 over without a day", said(more, "2026-11-30"))

    def test_scans_that_do_not_run_are_named(self):
        root = Path(rules.__file__).resolve().parents[2]
        file = root / ".github/workflows/security.yml"
        script, text = (root / "e2e/workflows/audit.sh").read_text(), file.read_text()
        with tempfile.TemporaryDirectory() as folder:
            audit = Path(folder) / "e2e/workflows/audit.sh"
            audit.parent.mkdir(parents=True)

            def said(script, text):
                audit.write_text(script)
                return " ".join(rules.scans(Path(folder), {"security.yml": yaml.safe_load(text)}))

            self.assertEqual(said(script, text), "")
            for scan in rules.SCANS:
                self.assertIn("does not run", said(script.replace(scan, "# " + scan), text))
            for old, new in [("make audit", "make audits"), ('VIGIE_ONLINE: "1"', 'VIGIE_ONLINE: "0"'), ("Cargo.lock", "Cargo.toml"), ("schedule:", "other:")]:
                self.assertNotEqual(text.replace(old, new), text)
                self.assertIn("no workflow runs", said(script, text.replace(old, new)))


if __name__ == "__main__":
    unittest.main()
