"""Programs of the sandbox: started with a log of their own, waited for by what they answer."""

import json
import os
import subprocess
import time
from pathlib import Path


class Failed(Exception):
    """What went wrong, as a sentence."""


class World:
    """Where this run keeps its files, which programs it uses and which it has started."""

    def __init__(self, run, tools, root):
        self.run, self.root, self.tools = Path(run), Path(root), tools
        self.logs = self.run / "logs"
        self.logs.mkdir()
        self.programs = {}
        self.env = {
            "PATH": ":".join([*(str(t / "bin") for t in tools.values()), os.environ["PATH"], "/usr/sbin", "/sbin"]),
            "HOME": str(self.run), "KUBECONFIG": str(self.run / "pki/admin.kubeconfig"), "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
        }

    def start(self, name, command, env=None, **more):
        """Starts a program; its output goes to logs/<name>.log."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.programs[name] = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                   env={**self.env, **(env or {})}, cwd=self.run, **more)

    def call(self, *command, stdin=None, cwd=None, env=None, check=True):
        """Runs a command to its end; returns its output, or with check=False the finished process."""
        done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True, check=False,
                              cwd=cwd or self.run, env={**self.env, **(env or {})})
        if not check:
            return done
        if done.returncode != 0:
            raise Failed(f"`{' '.join(map(str, command))[:300]}` ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
        return done.stdout

    def kubectl(self, *words, **more):
        return self.call("kubectl", *words, **more)

    def get(self, *words):
        """What the cluster holds, or None."""
        done = self.kubectl("get", *words, "--output=json", "--ignore-not-found", check=False)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None

    def ended(self):
        """The first of the started programs that is not running any more."""
        return next((name for name, p in self.programs.items() if p.poll() is not None), None)

    def tail(self, name, lines=15):
        path = self.logs / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def wait(self, what, ready, seconds=60, every=0.1):
        """Asks until the answer is true and returns it. A program that ended, or the time, ends the wait."""
        end, last = time.time() + seconds, None
        while time.time() < end:
            try:
                if answer := ready():
                    return answer
            except (OSError, Failed, ValueError, KeyError, TypeError, IndexError) as error:
                last = error
            if dead := self.ended():
                raise Failed(f"{dead} ended while waiting for {what}:\n{self.tail(dead)}")
            time.sleep(every)
        raise Failed(f"{what}: not after {seconds} s{f' ({last})' if last else ''}")
