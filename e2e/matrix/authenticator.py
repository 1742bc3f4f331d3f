"""A passkey without a browser: what an authenticator answers to WebAuthn's two questions. OpenSSL has the key and signs."""

import base64
import hashlib
import json
import secrets
import struct
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

# Somebody is there, and the authenticator knows that it is its owner.
VERIFIED = 0x05
# What it says holds a new credential too.
ATTESTED = 0x40


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def openssl(*words, given=None):
    return subprocess.run(["openssl", *map(str, words)], input=given, capture_output=True, check=True).stdout


def bytes_of(raw):
    """A byte string of CBOR, of 24 to 65,535 bytes."""
    return (b"\x58" + bytes([len(raw)]) if len(raw) < 256 else b"\x59" + struct.pack(">H", len(raw))) + raw


class Authenticator:
    """One device with one key (ES256), which attests to nothing, for the site at `origin`; its key lies in `folder`."""

    def __init__(self, origin, folder):
        self.origin, self.id, self.count = origin, secrets.token_bytes(32), 0
        self.site = hashlib.sha256(urlsplit(origin).hostname.encode()).digest()
        self.key = Path(folder) / f"{self.id.hex()}.pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        point = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-64:]
        # Of COSE: an elliptic key (1: 2) for ES256 (3: -7) on P-256 (-1: 1), and its point.
        self.public = b"\xa5\x01\x02\x03\x26\x20\x01\x21" + bytes_of(point[:32]) + b"\x22" + bytes_of(point[32:])

    def said(self, flags):
        self.count += 1
        return self.site + struct.pack(">BI", flags, self.count)

    def client(self, kind, options):
        told = {"type": f"webauthn.{kind}", "challenge": options["publicKey"]["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def credential(self, **response):
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "extensions": {},
                "response": {name: text(raw) for name, raw in response.items()}}

    def create(self, options):
        """The answer to `navigator.credentials.create`."""
        said = self.said(VERIFIED | ATTESTED) + bytes(16) + struct.pack(">H", len(self.id)) + self.id + self.public
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData" + bytes_of(said)
        return self.credential(clientDataJSON=self.client("create", options), attestationObject=attestation)

    def get(self, options):
        """The answer to `navigator.credentials.get`."""
        said, client = self.said(VERIFIED), self.client("get", options)
        signature = openssl("dgst", "-sha256", "-sign", self.key, given=said + hashlib.sha256(client).digest())
        return self.credential(clientDataJSON=client, authenticatorData=said, signature=signature)
