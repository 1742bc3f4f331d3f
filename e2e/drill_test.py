"""`vigie drill`: a table breaks while a worker listens; it is noticed, the model is withdrawn, and it comes back."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Drill(unittest.TestCase):
    def test_a_broken_table_is_noticed_and_the_model_goes_and_comes_back(self):
        with tempfile.TemporaryDirectory(dir=ROOT / "target") as state:
            # The database is not root's, and looks for its files below this folder.
            os.chmod(state, 0o755)
            done = subprocess.run([ROOT / "target/release/vigie", "drill", "--country", "ch"], cwd=ROOT, capture_output=True, text=True,
                                  env={**os.environ, "VIGIE_STATE": state}, timeout=900, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        for line in [r"^noticed: [\d.]+ s .*revision_large", r"^withdrawn: \d+ weeks", r"^back: \d+ weeks"]:
            self.assertTrue(re.search(line, said, re.M), f"{line}:\n{said}")


if __name__ == "__main__":
    unittest.main()
