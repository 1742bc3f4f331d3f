"""Backup and restore to a moment, timed: what was dropped is back, what came later is gone, nothing else changed; whoever was
erased after that moment is not back, nor what was taken from somebody. Again to the same moment, and to one that the first restore
had left behind; and an archive that fails is said."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from up_test import BIN, COUNTRY, ROOT, Up, database_home, free_port, get, gone

# Who is erased: a word that a file would hold.
GONE = "anna-who-is-erased"


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

    def sql(self, text, more=""):
        url = next(self.state.glob(f"{COUNTRY}-*/url")).read_text().strip() + more
        return subprocess.run(["psql", url, "-XAtqc", text], capture_output=True, text=True, check=True).stdout.strip()

    def moment(self):
        """Now, with nothing written for a second before and after."""
        time.sleep(1.1)
        now = self.sql("""select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""")
        time.sleep(1.1)
        return now

    def words(self):
        return self.sql("select string_agg(word, ',' order by word) from marker")

    def people(self):
        return self.sql("select string_agg(subject, ',' order by subject) from account", "_identity")

    def files(self, word):
        """The tables of accounts whose files hold the word, in a row that nobody sees too."""
        self.sql("checkpoint", "_identity")
        return self.sql(f"""select string_agg(t::text, ',') from unnest(array['account', 'session']::regclass[]) t
                            where position('{word}'::bytea in pg_read_binary_file(pg_relation_filepath(t))) > 0""", "_identity")

    def somebody(self, name):
        """An account with a session whose token is its name, 43 times."""
        self.sql(f"""with made as (insert into account (id, provider, issuer, subject, key, created_at, seen_at)
                     values ('{name}', 'agov', 'https://issuer.test', '{name}', sha256('{name}'), now(), now()))
                     insert into session (id, token_hash, account_id, acr, created_at, last_seen_at, expires_at)
                     values ('{name}', sha256(repeat('{name}', 43)::bytea), '{name}', 'x', now(), now(), now() + interval '1 hour')""", "_identity")

    def erase(self, up, name):
        """As the browser does it in which somebody is logged in."""
        request = urllib.request.Request(f"http://127.0.0.1:{up.port}/account/rights/erasure", b"sure=yes", {
            "Cookie": f"__Host-vigie-session={name * 43}", "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status

    def identity(self, up, *words):
        """An operator's command at the machine."""
        done = subprocess.run([sys.executable, ROOT / "e2e/running.py", str(up.process.pid), "identity", *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def vigie(self, *args):
        return subprocess.run([BIN / "vigie", *args, "--country", COUNTRY], cwd=ROOT, text=True, capture_output=True,
                              env={**os.environ, "VIGIE_STATE": str(self.state)}, check=False)

    def test_back_to_the_moment_before_a_mistake(self):
        up = self.up()
        rows = self.sql("select count(*), md5(string_agg(o::text, '' order by o::text)) from observation o")
        runs = self.sql("select string_agg(id, ',' order by id) from forecast_run")
        self.sql("create table marker (word text); insert into marker values ('first')")
        self.somebody(GONE)
        self.somebody("b")
        self.somebody("c")
        for name in ("b", "c"):
            self.identity(up, "grant", name, "auditor")
        start = time.time()
        done = self.vigie("backup")
        self.assertEqual(done.returncode, 0, done.stderr)
        done_backup = done.stdout
        print(f"measured: backup {time.time() - start:.1f} s")
        self.sql("insert into marker values ('wanted')")
        moment = self.moment()
        self.sql("insert into marker values ('mistake')")
        later = self.moment()
        self.sql("drop trigger observation_append_only on observation_row;"
                 "delete from observation_row where reference_date > '2021-01-01'")
        self.assertEqual(self.files(GONE), "account,session")
        self.assertEqual(self.erase(up, GONE), 200)
        self.assertEqual(self.people(), "b,c")
        # Taken from c for good; from b, and given again.
        for words in (("disable", "c"), ("revoke", "c", "auditor"), ("revoke", "b", "auditor"), ("grant", "b", "auditor")):
            self.identity(up, *words)
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
        self.assertEqual(self.people(), "b,c", "whoever was erased after the moment stays erased")
        self.assertEqual(self.files(GONE), "", "nor does a file keep the row")
        self.assertEqual(self.sql("select string_agg(id, ',') from account where disabled_at is not null", "_identity"), "c")
        self.assertEqual(self.sql("select string_agg(account_id, ',') from role_grant", "_identity"), "b", "what was given again stays given")
        self.assertEqual(self.sql("select string_agg(action, ',' order by seq) from audit where actor = 'command'", "_identity"),
                         "role.grant,role.grant,database.backup,database.restore,person.erase,account.disable,role.revoke")
        told = self.sql("select detail->>'name' from audit where action = 'database.backup'", "_identity")
        self.assertIn(told, done_backup, "the audit names the copy")
        told = self.sql("select (detail->>'to')::timestamptz <= '" + moment + "' from audit where action = 'database.restore'", "_identity")
        self.assertEqual(told, "t", "the audit names the moment")
        self.assertEqual(self.words(), "first,wanted")
        self.assertEqual(
            self.sql("select count(*), md5(string_agg(o::text, '' order by o::text)) from observation o"), rows)
        self.assertEqual(self.sql("select string_agg(id, ',' order by id) from forecast_run"), runs)
        self.assertEqual(get(up.port)[0], 200)
        # The restored database is backed up like the one before it.
        self.assertEqual(self.vigie("backup").returncode, 0)
        self.sql("insert into marker values ('work')")
        self.assertEqual(up.end(), 0)
        self.again(moment, later)

    def again(self, moment, later):
        """Each restore begins a time line of its own, so the archive takes what comes after it."""
        for to, line, begun, words in ((moment, 1, 3, "first,wanted"), (later, 1, 4, "first,mistake,wanted")):
            done = self.vigie("restore", "--to", to)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"along time line {line}, and goes on as time line {begun}", done.stdout)
            up = self.up()
            self.assertEqual(self.words(), words)
            done = self.vigie("backup")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.sql("insert into marker values ('last')")
            if begun == 4:
                self.fails(up)
            self.assertEqual(up.end(), 0)
        # Killed between its last two steps: what was there before is put aside, and nothing is in its place yet. The clock was
        # set back since the restores before.
        area = next(self.state.glob(f"{COUNTRY}-*/database"))
        (area / "data/vigie-not-archived").touch()
        (area / "data").rename(area / time.strftime("data.before-%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 86400)))
        (area / "restoring").mkdir()
        done = self.vigie("restore")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("everything is as it was before it", done.stdout)
        self.assertFalse((area / "restoring").exists())
        self.assertIn("along time line 4, and goes on as time line 5", done.stdout)

    def fails(self, up):
        """An archive that takes nothing is said, by the program that runs too, and no half backup looks whole."""
        folder = next(self.state.glob(f"{COUNTRY}-*/backup"))
        before = sorted(folder.glob("base/*"))
        (folder / "wal").chmod(0o500)
        done = self.vigie("backup")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"the backup is not kept: the archive of the database does not take 00000004\w{16}: \d+ tries failed, the last at ")
        self.assertEqual(sorted(folder.glob("base/*")), before)
        self.assertTrue(up.until("the archive of the database does not take"), up.said())
        (folder / "wal").chmod(0o700)
        done = self.vigie("backup")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
