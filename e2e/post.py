"""A mail server on this machine that takes every letter and shows it: what `vigie up` is told to send by, and where a test
looks for a letter. Nothing leaves the machine.
"""

import email
import email.policy
import json
import os
import re
import socketserver
import threading
from pathlib import Path


class Desk(socketserver.StreamRequestHandler):
    """One conversation, as RFC 5321 has it, without TLS or a login: it listens on the loopback interface only."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        to = []
        self.say("220 post.test")
        while line := self.rfile.readline(2000):
            word = line[:4].upper().strip()
            if word in (b"EHLO", b"HELO"):
                self.say("250-post.test\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif word == b"RCPT":
                to += re.findall(rb"<([^>]*)>", line)
                self.say("250 ok")
            elif word == b"DATA":
                self.say("354 go on")
                raw = []
                while (part := self.rfile.readline(2000)) not in (b".\r\n", b""):
                    raw.append(part[1:] if part.startswith(b".") else part)
                self.server.keep([one.decode() for one in to], b"".join(raw))
                to = []
                self.say("250 ok")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Post(socketserver.ThreadingTCPServer):
    """Letters lie in `folder`, one JSON file each, in the order in which they came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder, port=0):
        super().__init__(("127.0.0.1", port), Desk)
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.json*"):
            old.unlink()
        self.count, self.lock = 0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def keep(self, to, raw):
        letter = email.message_from_bytes(raw, policy=email.policy.default)
        text = json.dumps({"to": to, "headers": {name.lower(): str(value) for name, value in letter.items()},
                           "text": letter.get_content()})
        with self.lock:
            self.count += 1
            path = self.folder / f"{self.count:04}.json"
            # Whoever looks sees a whole letter or none.
            path.with_suffix(".new").write_text(text)
            os.replace(path.with_suffix(".new"), path)


def settings(post):
    """What `vigie up` is told."""
    return {"VIGIE_SMTP": post.address, "VIGIE_SMTP_FROM": "Vigie <vigie@vigie.test>"}
