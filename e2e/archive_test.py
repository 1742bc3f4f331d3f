"""Retrievals over the network as an operator's machines do it: through a proxy, with a certificate authority of one's own,
kept in a store that speaks S3; and a second database made again from that store alone.

The publisher is a server of this test with the publisher's name; the store is moto, the S3 of many projects' tests.
"""

import gzip
import hashlib
import http.server
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from up_test import BIN, ROOT, free_port

STORE = ROOT / "e2e" / "s3-requirements.txt"
HOST = "catalog.ourworldindata.org"
SHARED = Path(os.environ.get("VIGIE_SHARED") or ROOT.parent / "shared")
RECORDED = SHARED / "data/global/owid-mpox/owid-monkeypox-data_2023-11-16.csv.gz"

# A look with nobody to trust, one that brings news, one that brings a page; then the same database made from the store.
LOOKS = """
V="$BIN/vigie" SERVER="$DATABASE_URL"
# A new database of that name; the server keeps what an earlier run left.
database() {
    psql "$SERVER" -qc "drop database if exists $1" -c "create database $1" 2>/dev/null
    DATABASE_URL=$(python3 -c 'import sys, urllib.parse as u; print(u.urlsplit(sys.argv[1])._replace(path=sys.argv[2]).geturl())' "$SERVER" "/$1")
    export DATABASE_URL
    $V migrate; $V load >/dev/null
}
database archive_first
# What it says, and its exit code: some of them are to fail.
ended() { echo "== $1"; shift; code=0; env "$@" 2>&1 || code=$?; echo "exit $code"; }
look() { name=$1; shift; ended "$name" "$@" $V ingest run --source owid-mpox; }
look untrusted SSL_CERT_FILE="$WORK/other.pem"
look news SSL_CERT_FILE="$WORK/ca.pem"
look page SSL_CERT_FILE="$WORK/ca.pem"
$V export --out "$WORK/first" >/dev/null
database archive_second
echo "== replay"; $V ingest replay
$V export --out "$WORK/second" >/dev/null
ended lost VIGIE_ARCHIVE=s3://no-such-bucket $V ingest replay
"""


def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    """A certificate authority of this test."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", folder=folder)


class Publisher(http.server.BaseHTTPRequestHandler):
    """Answers with the next of its bodies; the last one stays."""

    bodies = []
    seen = []

    def do_GET(self):
        Publisher.seen.append(dict(self.headers))
        kind, body = Publisher.bodies.pop(0) if len(Publisher.bodies) > 1 else Publisher.bodies[0]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Proxy(socketserver.StreamRequestHandler):
    """A proxy that leads every name to the publisher above."""

    asked = []
    to = None

    def handle(self):
        Proxy.asked.append(self.rfile.readline().decode().strip())
        while self.rfile.readline().strip():
            pass
        with socket.create_connection(Proxy.to) as far:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self.pump, args=(far, self.connection), daemon=True)
            back.start()
            self.pump(self.connection, far)
            back.join(5)

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def served(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def s3():
    """The folder with the store's program, installed once for these versions."""
    folder = ROOT / "target" / "python" / hashlib.sha256(STORE.read_bytes()).hexdigest()[:16]
    if not (folder / "moto").is_dir():
        subprocess.run([sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile", "--no-deps",
                        "--no-warn-conflicts", "--target", folder, "-r", STORE], check=True)
    return folder


class ArchiveTest(unittest.TestCase):
    def setUp(self):
        if not RECORDED.is_file():
            print("skipped: shared-payloads: ../shared is absent")
            self.skipTest("no recorded payload")
        folder = tempfile.TemporaryDirectory(prefix="vigie-archive-")
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        self.work.chmod(0o755)

    def store(self):
        port = free_port()
        process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                                   env={**os.environ, "PYTHONPATH": str(s3())}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{url}/vigie", method="PUT"), timeout=5).read()
                return url
            except urllib.error.URLError:
                time.sleep(0.2)
        self.fail("the store did not start")

    def publisher(self, bodies):
        authority(self.work, "ca")
        authority(self.work, "other")
        (self.work / "san").write_text(f"subjectAltName=DNS:{HOST}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={HOST}", "-keyout", "server.key",
                "-out", "server.csr", folder=self.work)
        openssl("x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san",
                "-out", "server.pem", folder=self.work)
        Publisher.bodies = bodies
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.work / "server.pem", self.work / "server.key")
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        Proxy.to = served(server).server_address
        socketserver.ThreadingTCPServer.daemon_threads = True
        proxy = served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy))
        for one in (server, proxy):
            self.addCleanup(one.server_close)
            self.addCleanup(one.shutdown)
        return "http://127.0.0.1:{}".format(proxy.server_address[1])

    def test_through_a_proxy_with_an_own_authority_into_s3_and_back(self):
        table = gzip.decompress(RECORDED.read_bytes())
        day = next(line for line in table.splitlines() if line.startswith(b"France,FRA,2022-07-0"))
        cells = day.split(b",")
        cells[5] = b"%.1f" % (float(cells[5]) + 3)
        news = table.replace(day, b",".join(cells))
        proxy = self.publisher([("text/csv", news), ("text/html", b"<!doctype html><title>Moved</title>")])
        store = self.store()
        env = {**os.environ, "WORK": str(self.work), "BIN": str(BIN), "HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1",
               "VIGIE_PROFILE": str(ROOT / "clusters/fr/profile/profile.toml"), "VIGIE_DATA_DIR": str(ROOT / "data"),
               "VIGIE_ARCHIVE": "s3://vigie/fr", "AWS_ENDPOINT": store, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        done = subprocess.run([BIN / "vigie", "with-database", "--name", "archive-s3", "--", "sh", "-euc", LOOKS], cwd=ROOT, env=env,
                              text=True, capture_output=True, timeout=600, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        said = dict(part.split("\n", 1) for part in done.stdout.split("== ")[1:])
        codes = {name: text.splitlines()[-1] for name, text in said.items() if name != "replay"}
        self.assertEqual(codes, {"untrusted": "exit 1", "news": "exit 0", "page": "exit 1", "lost": "exit 1"}, done.stdout)
        self.assertIn("failed: no answer", said["untrusted"])
        self.assertIn("1 new value", said["news"])
        self.assertIn("quarantined", said["page"])
        self.assertIn("3 events applied, 1 new values; 0 events were known", said["replay"])
        self.assertIn("no-such-bucket", said["lost"])
        self.assertEqual(set(Proxy.asked), {f"CONNECT {HOST}:443 HTTP/1.1"})
        self.assertTrue(all("vigie-ingest/" in h["user-agent"] for h in Publisher.seen), Publisher.seen)

        kept = urllib.request.urlopen(f"{store}/vigie?list-type=2").read().decode()
        self.assertEqual((kept.count(".zst</Key>"), kept.count(".json</Key>")), (2, 3), kept)
        names = sorted(p.name for p in (self.work / "first").iterdir())
        self.assertIn("observation.csv", names)
        for name in names:
            self.assertEqual((self.work / "first" / name).read_bytes(), (self.work / "second" / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main()
