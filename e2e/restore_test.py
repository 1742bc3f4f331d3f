"""Backup and restore to a moment, timed: what was dropped is back, what came later is gone, nothing else changed."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from up_test import BIN, COUNTRY, ROOT, Up, database_home, free_port, get, gone


class RestoreTest(unittest.TestCase):
    def setUp(self):
        self.state = Path(tempfile.mkdtemp(prefix="vigie-restore-", dir="/var/tmp"))
        self.addCleanup(gone, self.state)
        self.state.chmod(0o755)
        home = database_home()
        if home:
            shutil.copytree(home, self.state / home.name, symlinks=True)

    def up(self):
        up = Up(self.state, free_port())
        self.addCleanup(lambda: up.process.poll() is not None or up.end(signal.SIGKILL))
        self.assertTrue(up.is_up(), up.said())
        return up

    def sql(self, text):
        url = next(self.state.glob(f"{COUNTRY}-*/url")).read_text()
        return subprocess.run(["psql", url, "-XAtqc", text], capture_output=True, text=True, check=True).stdout.strip()

    def vigie(self, *args):
        return subprocess.run([BIN / "vigie", *args, "--country", COUNTRY], cwd=ROOT, text=True, capture_output=True,
                              env={**os.environ, "VIGIE_STATE": str(self.state)}, check=False)

    def test_back_to_the_moment_before_a_mistake(self):
        up = self.up()
        rows = self.sql("select count(*), md5(string_agg(o::text, '' order by o::text)) from observation o")
        runs = self.sql("select string_agg(id, ',' order by id) from forecast_run")
        self.sql("create table marker (word text); insert into marker values ('first')")
        start = time.time()
        done = self.vigie("backup")
        self.assertEqual(done.returncode, 0, done.stderr)
        print(f"measured: backup {time.time() - start:.1f} s")
        self.sql("insert into marker values ('wanted')")
        time.sleep(1.1)
        moment = self.sql("""select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""")
        time.sleep(1.1)
        self.sql("insert into marker values ('mistake'); drop trigger observation_append_only on observation_row;"
                 "delete from observation_row where reference_date > '2021-01-01'")
        busy = self.vigie("restore", "--to", moment)
        self.assertEqual(busy.returncode, 1)
        self.assertIn("needs the country stopped", busy.stderr)
        self.assertEqual(up.end(), 0)

        early = self.vigie("restore", "--to", "2001-01-01T00:00:00Z")
        self.assertEqual(early.returncode, 1)
        self.assertIn("there is no backup", early.stderr)

        start = time.time()
        done = self.vigie("restore", "--to", moment)
        self.assertEqual(done.returncode, 0, done.stderr)
        print(f"measured: restore {time.time() - start:.1f} s")
        up = self.up()
        self.assertEqual(self.sql("select string_agg(word, ',' order by word) from marker"), "first,wanted")
        self.assertEqual(
            self.sql("select count(*), md5(string_agg(o::text, '' order by o::text)) from observation o"), rows)
        self.assertEqual(self.sql("select string_agg(id, ',' order by id) from forecast_run"), runs)
        self.assertEqual(get(up.port)[0], 200)
        # The restored database is backed up like the one before it.
        self.assertEqual(self.vigie("backup").returncode, 0)
        self.assertEqual(up.end(), 0)


if __name__ == "__main__":
    unittest.main()
