"""`vigie up` as a person meets it: it starts, stops, survives being killed, and says what is wrong."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "target" / "release"
COUNTRY = "ch"  # the smallest one; nothing below depends on which it is
IS_ROOT = os.getuid() == 0
PLAIN = 65534  # nobody: a user without a home, a shell or a right


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def database_home():
    """The unpacked PostgreSQL of earlier parts, shared so that each state folder need not fetch it."""
    base = Path("/var/lib/vigie") if IS_ROOT else Path.home() / ".local/state/vigie"
    return next(iter(sorted(base.glob("postgresql-*"))), None)


def tied_to(state):
    """Processes that name the state folder in their arguments or environment."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            text = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        except OSError:
            continue
        if str(state).encode() in text and int(proc.name) != os.getpid():
            found.append(proc.name)
    return found


def gone(state):
    """Waits until nothing tied to the folder runs, then removes it."""
    end = time.time() + 20
    while tied_to(state) and time.time() < end:
        time.sleep(0.1)
    shutil.rmtree(state)


class Up:
    """One `vigie up`, with its own state folder."""

    def __init__(self, state, port, country=COUNTRY, root=ROOT, binaries=BIN, user=None, **env):
        self.port = port
        self.country = country
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        self.process = subprocess.Popen(
            [*prefix, binaries / "vigie", "up"], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": os.environ["PATH"], "COUNTRY": country, "PORT": str(port), "VIGIE_STATE": str(state),
                 "HOME": str(state), "VIGIE_FORECAST_REPLAY_WEEKS": "0", **env})
        self.lines = []

    def until(self, text, seconds=300):
        """Reads lines until one holds `text`; False when it ends before that."""
        end = time.time() + seconds
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return True
            if time.time() > end:
                break
        return False

    def is_up(self):
        return self.until(f"vigie: {self.country} is up at http://127.0.0.1:{self.port}")

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=60)
        self.lines += rest.splitlines()
        return self.process.returncode

    def said(self):
        return "\n".join(self.lines)


def get(port, path="/"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class UpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.state = Path(tempfile.mkdtemp(prefix="vigie-up-", dir="/var/tmp"))
        cls.state.chmod(0o755)
        home = database_home()
        if home:
            shutil.copytree(home, cls.state / home.name, symlinks=True)

    @classmethod
    def tearDownClass(cls):
        gone(cls.state)

    def start(self, **kwargs):
        up = Up(kwargs.pop("state", self.state), kwargs.pop("port", None) or free_port(), **kwargs)
        self.addCleanup(lambda: up.process.poll() is not None or up.end(signal.SIGKILL))
        return up

    def nothing_left(self, state=None):
        end = time.time() + 20
        while time.time() < end:
            left = tied_to(state or self.state)
            if not left:
                return
            time.sleep(0.1)
        self.fail(f"still running: {left}")

    def test_it_starts_stops_and_starts_again(self):
        for _ in range(2):
            up = self.start()
            self.assertTrue(up.is_up(), up.said())
            status, _ = get(up.port)
            self.assertEqual(status, 200)
            self.assertEqual(up.end(), 0, up.said())
            self.assertIn("nothing is left running", up.said())
            self.nothing_left()

    def test_sigterm_stops_it_too(self):
        up = self.start()
        self.assertTrue(up.is_up(), up.said())
        self.assertEqual(up.end(signal.SIGTERM), 0)
        self.nothing_left()

    def test_killed_at_any_moment_it_leaves_nothing_and_starts_again(self):
        fresh = Path(tempfile.mkdtemp(prefix="vigie-killed-", dir="/var/tmp"))
        self.addCleanup(gone, fresh)
        fresh.chmod(0o755)
        home = database_home()
        if home:
            shutil.copytree(home, fresh / home.name, symlinks=True)
        for moment in ("database …", "migrations …", "figures …", "forecasts …", "services …", "is up at"):
            up = self.start(state=fresh)
            self.assertTrue(up.until(moment), up.said())
            time.sleep(0.3)
            up.end(signal.SIGKILL)
            self.nothing_left(fresh)
        up = self.start(state=fresh)
        self.assertTrue(up.is_up(), up.said())
        self.assertEqual(up.end(), 0)

    def test_a_killed_database_is_said_and_everything_stops(self):
        up = self.start()
        self.assertTrue(up.is_up(), up.said())
        pid = next(self.state.glob(f"{COUNTRY}-*/database/data/postmaster.pid")).read_text().split()[0]
        os.kill(int(pid), signal.SIGKILL)
        self.assertFalse(up.until("never said"))
        self.assertEqual(up.process.wait(60), 1)
        self.assertIn("the database stopped (killed by signal 9)", up.said())
        self.assertIn("start again with `make up`", up.said())
        self.nothing_left()

    def test_a_taken_port_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            up = self.start(port=taken.getsockname()[1])
            self.assertFalse(up.is_up())
            self.assertEqual(up.process.wait(10), 1)
            self.assertRegex(up.said(), r"port \d+ of 127\.0\.0\.1 is taken .* PORT=")

    def test_what_cannot_be_is_said_before_the_minutes_of_a_build(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            for wrong, sentence in (
                    ({"PORT": "99999"}, "PORT is `99999`: write a number up to 65535"),
                    ({"HOST": "nohost"}, "HOST is `nohost`: write an address of this machine"),
                    ({"LIVE": "2"}, "LIVE is `2`: write 1"),
                    ({"COUNTRY": "xx"}, "there is no country `xx`: choose one of ch fr us"),
                    ({"PORT": str(taken.getsockname()[1])}, "is taken: stop what listens there")):
                made = subprocess.run(["make", "-s", "up"], cwd=ROOT, capture_output=True, text=True, timeout=60,
                                      env={**os.environ, "COUNTRY": COUNTRY, "PORT": "18999", **wrong}, check=False)
                self.assertNotEqual(made.returncode, 0)
                self.assertIn(sentence, made.stderr)
                self.assertNotIn("[build]", made.stdout)

    def test_a_database_that_cannot_be_reached_is_said_with_its_reason(self):
        for url, sentence in (("postgres://vigie:secret@127.0.0.1:1/none", "cannot be reached"),
                              ("garbage", "DATABASE_URL is no address of a PostgreSQL database")):
            made = subprocess.run([BIN / "vigie", "migrate"], cwd=ROOT, capture_output=True, text=True, timeout=60,
                                  env={**os.environ, "DATABASE_URL": url}, check=False)
            self.assertEqual(made.returncode, 1)
            self.assertIn(sentence, made.stderr)
            self.assertNotIn("timed out", made.stderr)
            self.assertNotIn("secret", made.stderr)

    def test_an_unknown_country_is_answered_with_the_known_ones(self):
        up = self.start(country="xx")
        self.assertFalse(up.is_up())
        self.assertEqual(up.process.wait(10), 1)
        self.assertIn("choose one of ch, fr, us", up.said())

    def test_who_may_do_what_is_what_the_table_says(self):
        port = free_port()
        # Passkeys want a name.
        origin = f"http://localhost:{port}"
        up = self.start(port=port, VIGIE_PUBLIC_URL=origin)
        self.assertTrue(up.until(f"vigie: {COUNTRY} is up at {origin}"), up.said())
        if "nobody can log in" in up.said():
            print("skipped: oidc-provider: the development provider did not start")
            self.skipTest("no provider")
        asked = subprocess.run([sys.executable, ROOT / "e2e/matrix/run.py", COUNTRY, str(up.process.pid)], capture_output=True, text=True, timeout=300, check=False)
        print(asked.stdout)
        self.assertEqual(asked.returncode, 0, asked.stdout + asked.stderr)
        self.assertEqual(up.end(), 0, up.said())

    def test_a_second_one_is_told_of_the_first(self):
        up = self.start()
        self.assertTrue(up.is_up(), up.said())
        second = self.start()
        self.assertFalse(second.is_up())
        self.assertIn(f"already running (process {up.process.pid})", second.said())
        self.assertEqual(up.end(), 0)

    def test_two_first_starts_at_once_wait_for_one_another(self):
        empty = Path(tempfile.mkdtemp(prefix="vigie-two-", dir="/var/tmp"))
        empty.chmod(0o755)
        self.addCleanup(gone, empty)
        starts = [subprocess.Popen([BIN / "vigie", "with-database", "--name", name, "--", "true"], cwd=ROOT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**os.environ, "VIGIE_STATE": str(empty)}) for name in ("one", "other")]
        for start in starts:
            said, _ = start.communicate(timeout=300)
            self.assertEqual(start.returncode, 0, said)
        self.assertEqual(list(empty.glob("unpack*")), [])

    def test_a_database_of_ones_own_is_used(self):
        port = free_port()
        outer = subprocess.Popen(
            [BIN / "vigie", "with-database", "--name", "own", "--", BIN / "vigie", "up"], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "COUNTRY": COUNTRY, "PORT": str(port), "VIGIE_STATE": str(self.state)})
        said = []
        for line in outer.stdout:
            said.append(line)
            if "is up at" in line:
                break
        self.assertIn("the one of DATABASE_URL", "".join(said))
        self.assertEqual(get(port)[0], 200)
        outer.send_signal(signal.SIGINT)
        outer.communicate(timeout=60)
        self.nothing_left()

    def test_without_node_everything_starts_and_the_login_page_says_what_is_missing(self):
        with tempfile.TemporaryDirectory() as programs:
            for folder in os.environ["PATH"].split(":"):
                for program in Path(folder).glob("*"):
                    link = Path(programs) / program.name
                    if program.name != "node" and not os.path.lexists(link):
                        link.symlink_to(program)
            up = self.start(PATH=programs)
            self.assertTrue(up.is_up(), up.said())
            self.assertIn("nobody can log in: Node.js", up.said())
            status, page = get(up.port, "/account")
            self.assertEqual(status, 200)
            self.assertIn("Node.js", page)
            self.assertEqual(up.end(), 0, up.said())

    @unittest.skipUnless(IS_ROOT, "already a plain user")
    def test_a_plain_user_can_run_it(self):
        home = Path(tempfile.mkdtemp(prefix="vigie-plain-", dir="/var/tmp"))
        self.addCleanup(gone, home)
        # A copy of what it reads: the checkout may lie where only root can look.
        tree = home / "checkout"
        for part in ("clusters", "services", "data"):
            shutil.copytree(ROOT / part, tree / part)
        binaries = home / "bin"
        binaries.mkdir()
        for app in ["vigie", *(p.name for p in (ROOT / "clusters" / COUNTRY / "apps").iterdir())]:
            shutil.copy(BIN / app, binaries / app)
        for folder, _, files in os.walk(home):
            os.chown(folder, PLAIN, PLAIN)
            for file in files:
                os.chown(Path(folder) / file, PLAIN, PLAIN)
        up = self.start(state=home / "state", root=tree, binaries=binaries, user=PLAIN)
        self.assertTrue(up.is_up(), up.said())
        self.assertEqual(get(up.port)[0], 200)
        self.assertEqual(up.end(), 0, up.said())
        self.nothing_left(home)

    def test_a_full_disk_is_said(self):
        small = Path(tempfile.mkdtemp(prefix="vigie-full-", dir="/var/tmp"))
        self.addCleanup(small.rmdir)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m,mode=755", "tmpfs", small],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            print("skipped: small-disk: a file system of 120 MB cannot be mounted here")
            self.skipTest("no mount")
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        home = database_home()
        if home:
            shutil.copytree(home, small / home.name, symlinks=True)
        up = self.start(state=small)
        self.assertFalse(up.is_up())
        self.assertEqual(up.process.wait(60), 1)
        self.assertIn("the disk is full", up.said())
        self.assertTrue(re.search(r"free .* then start again", up.said()), up.said())
        self.nothing_left(small)


if __name__ == "__main__":
    unittest.main()
